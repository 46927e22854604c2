import type { Command } from 'commander';
import { ACCOUNT_ROLES } from '../../domain/access.ts';
import { createPasswords } from '../../identity/passwords.ts';
import { createSessions } from '../../identity/sessions.ts';
import { createUserAdmin, type UserAdmin, type UserEdit } from '../../identity/user-admin.ts';
import { parseUserName } from '../../identity/users.ts';
import type { UserDirectory, UserRecord } from '../../ports/user-directory.ts';
import { type Answer, addCommand, type CommandContext, Misuse, Refusal, withData } from './command.ts';
import { ownersTold } from './tell-owner.ts';

/** `healthsync user change|enable|invite|reset-factors|end-sessions NAME`: for whoever cannot, or need not, use the app. */
export function registerUserAdmin(users: Command, context: CommandContext): void {
  addCommand<[string], ChangeOptions>(
    users,
    {
      usage: 'change <name>',
      description: 'change what is named; the rest stays',
      configure: (command) =>
        command
          .option(
            '--role <role>',
            `exactly these roles: ${ACCOUNT_ROLES.join(', ')}; may be given more than once`,
            collect,
          )
          .option('--ward <id>', 'sees exactly these wards; "all" for the whole house', collect)
          .option('--display-name <text>', 'what others see'),
      run: change,
    },
    context,
  );
  addCommand<[string], object>(
    users,
    {
      usage: 'enable <name>',
      description: 'let a disabled account in again',
      run: (context, _options, name) => edit(context, name, { disabled: false }, 'can sign in again'),
    },
    context,
  );
  addCommand<[string], object>(
    users,
    {
      usage: 'invite <name>',
      description: 'a link, good once, with which they choose a new password',
      run: (context, _options, name) =>
        withUser(context, name, async ({ admin, user }) => {
          const invited = await admin.invite(user.id);
          if (invited === undefined) throw new Refusal(`<name>: ${name} is disabled`);
          const path = `/invitation#${invited.code}`;
          const expiresAt = new Date(invited.expiresAtMs).toISOString();
          return { json: { name: user.name, path, expiresAt }, text: `${path} (until ${expiresAt})` };
        }),
    },
    context,
  );
  addCommand<[string], object>(
    users,
    {
      usage: 'reset-factors <name>',
      description: 'take away all second factors and end what is open: for a lost phone',
      run: (context, _options, name) =>
        withUser(context, name, async ({ admin, user }) => {
          await admin.resetFactors(user.id);
          return { json: { name: user.name, factors: [] }, text: `${user.name} has no second factor any more.` };
        }),
    },
    context,
  );
  addCommand<[string], object>(
    users,
    {
      usage: 'end-sessions <name>',
      description: 'end all sessions, keys and apps',
      run: (context, _options, name) =>
        withUser(context, name, async ({ admin, user }) => {
          const ended = await admin.endAll(user.id);
          return { json: { name: user.name, ended }, text: `${ended} ended.` };
        }),
    },
    context,
  );
}

interface ChangeOptions {
  readonly role?: readonly string[];
  readonly ward?: readonly string[];
  readonly displayName?: string;
}

async function change(context: CommandContext, options: ChangeOptions, name: string): Promise<Answer> {
  const { role, ward, displayName } = options;
  if ((role ?? ward ?? displayName) === undefined)
    throw new Misuse('--role', 'expected something to change: --role, --ward or --display-name');
  const wards = ward?.length === 1 && ward[0] === 'all' ? [] : ward;
  return edit(
    context,
    name,
    {
      ...(role !== undefined && { roles: role }),
      ...(wards !== undefined && { wards }),
      ...(displayName !== undefined && { displayName }),
    },
    'was changed',
  );
}

function edit(
  context: CommandContext,
  name: string,
  wanted: Omit<UserEdit, 'revision'>,
  done: string,
): Promise<Answer> {
  return withUser(context, name, async ({ admin, user }) => {
    const outcome = await admin.change(user.id, { revision: user.revision, ...wanted }, {});
    switch (outcome.kind) {
      case 'changed': {
        const { roles, wardIds, displayName, disabledAtMs } = outcome.user;
        return {
          json: { name: user.name, displayName, roles, wards: wardIds, disabled: disabledAtMs !== undefined },
          text: `${user.name} ${done}.`,
        };
      }
      case 'refused': {
        const [problem] = outcome.problems;
        throw new Misuse(
          OPTIONS[problem?.field.split('.')[0] ?? ''] ?? '<name>',
          problem?.detail ?? 'is not as expected',
        );
      }
      case 'elsewhere':
        throw new Refusal(`<name>: another system looks after ${user.name}; change it there`);
      case 'stale':
        throw new Refusal(`<name>: somebody changed ${user.name} meanwhile; try again`);
      case 'own-admin':
      case 'own-rights':
      case 'not-found':
        throw new Refusal(`<name>: there is no user ${name}`);
      default:
        return outcome satisfies never;
    }
  });
}

const OPTIONS: Readonly<Record<string, string>> = { roles: '--role', wards: '--ward', displayName: '--display-name' };

function withUser(
  context: CommandContext,
  name: string,
  use: (found: { readonly admin: UserAdmin; readonly user: UserRecord }) => Promise<Answer>,
): Promise<Answer> {
  return withData(context, async ({ accounts, contacts, database }) => {
    // Loaded with the database only: help and slips are answered at once.
    const { PostgresUserDirectory } = await import('../../adapters/postgres/user-directory.ts');
    const { PostgresSecondFactors } = await import('../../adapters/postgres/second-factors.ts');
    const { PostgresOpenIdRecords } = await import('../../adapters/postgres/openid-records.ts');
    const directory = new PostgresUserDirectory(database);
    const user = await findByName(directory, name);
    if (user === undefined) throw new Refusal(`<name>: there is no user ${name}`);
    const factors = new PostgresSecondFactors(database);
    const records = new PostgresOpenIdRecords(database);
    const admin = createUserAdmin({
      directory,
      accounts,
      passwords: createPasswords(),
      sessions: createSessions({ accounts, now: context.now }),
      desk: factors,
      signIn: { proceed: () => Promise.reject(new Error('nobody signs in at the command line')) },
      endApps: (userId) => records.removeAccount(userId),
      tellOwner: await ownersTold(context, { contacts, database }),
      now: context.now,
    });
    return use({ admin, user });
  });
}

async function findByName(directory: Pick<UserDirectory, 'list'>, name: string): Promise<UserRecord | undefined> {
  const value = parseUserName(name) ?? '';
  return (await directory.list({ by: { field: 'name', value }, offset: 0, limit: 1 })).users[0];
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
