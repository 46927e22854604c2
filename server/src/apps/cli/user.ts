import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { ACCOUNT_ROLES, type Role } from '../../domain/access.ts';
import { parseWardId, type WardId } from '../../domain/ids.ts';
import { createPasswords, passwordFault } from '../../identity/passwords.ts';
import { API_TOKEN_MAX_MS, createSessions } from '../../identity/sessions.ts';
import { createSignIn } from '../../identity/sign-in.ts';
import { addUser, PASSWORD_TEXT, parseUserName, scriptUser } from '../../identity/users.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withData,
  withExistingData,
} from './command.ts';
import { parseDays } from './device.ts';
import { readPassword } from './password-prompt.ts';
import { ownersTold } from './tell-owner.ts';
import { namedTenant, tenantOption } from './tenant.ts';
import { registerUserAdmin } from './user-admin.ts';

/** `healthsync user …` and `healthsync token …` */
export function register(program: Command, context: CommandContext): void {
  const users = program.command('user').description('people who sign in');
  addCommand<[string], AddOptions>(
    users,
    {
      usage: 'add <name>',
      description: 'make an account; the password is asked for, or read from stdin or a file',
      configure: (command) =>
        tenantOption(command)
          .requiredOption('--role <role>', `${ACCOUNT_ROLES.join(', ')}; may be given more than once`, collect)
          .option('--ward <id>', 'sees only this ward; may be given more than once', collect)
          .option('--display-name <text>', 'what others see; the sign-in name without it')
          .option('--password-file <file>', 'read the password from the first line of this file'),
      run: add,
    },
    context,
  );
  addCommand<[string], Pick<AddOptions, 'passwordFile'>>(
    users,
    {
      usage: 'password <name>',
      description: 'give an account a password, a new one or its first',
      configure: (command) =>
        command.option('--password-file <file>', 'read the password from the first line of this file'),
      run: setPassword,
    },
    context,
  );
  addCommand<[], object>(users, { usage: 'list', description: 'all accounts and their roles', run: list }, context);
  addCommand<[string], object>(
    users,
    { usage: 'disable <name>', description: 'end its sessions and tokens, and let it in no more', run: disable },
    context,
  );
  addCommand<[], object>(
    users,
    {
      usage: 'setup-link',
      description: 'a new one-time link for the first account, while there is none',
      run: setupLink,
    },
    context,
  );
  registerUserAdmin(users, context);
  const tokens = program.command('token').description('bearer tokens for scripts');
  addCommand<[], TokenOptions>(
    tokens,
    {
      usage: 'create',
      description: 'make a bearer token; it is shown once and only its hash is kept',
      configure: (command) =>
        command
          .option('--role <role>', `acts with this role, under the name "Script (role)": ${ACCOUNT_ROLES.join(', ')}`)
          .option('--user <name>', 'acts as this user instead')
          .option('--days <n>', 'how long it is valid, up to 366', '30'),
      run: createToken,
    },
    context,
  );
}

interface AddOptions {
  readonly tenant?: string;
  readonly role: readonly string[];
  readonly ward?: readonly string[];
  readonly displayName?: string;
  readonly passwordFile?: string;
}

interface TokenOptions {
  readonly role?: string;
  readonly user?: string;
  readonly days: string;
}

async function add(context: CommandContext, options: AddOptions, name: string): Promise<Answer> {
  const roles = options.role.map(parseRole);
  const wardIds = (options.ward ?? []).map((ward): WardId => required('--ward', parseWardId(ward), ID_EXPECTED));
  required(
    '<name>',
    parseUserName(name),
    'expected up to 64 letters, digits and . _ @ -, beginning with a letter or digit',
  );
  context.settings(); // what is wrong with them is said before a password is asked for
  const password =
    options.passwordFile === undefined
      ? await readPassword(context)
      : firstLine(await readFile(options.passwordFile, 'utf8'));
  return withData(context, async ({ accounts, tenants }) => {
    const displayName = options.displayName ?? name;
    const owner = await namedTenant({ tenants }, options.tenant);
    const outcome = await addUser(accounts, createPasswords(), {
      name,
      displayName,
      roles,
      wardIds,
      password,
      ...owner,
    });
    switch (outcome.kind) {
      case 'added':
        return {
          json: { name: outcome.user.name, roles, wards: wardIds },
          text: `${outcome.user.name} can sign in as ${roles.join(', ')}.`,
        };
      case 'exists':
        throw new Refusal(`<name>: there is a user of that name already`);
      case 'refused':
        throw new Misuse(FIELD_OPTION[outcome.field], outcome.detail);
      case 'busy':
        throw new Refusal('too many passwords are being hashed; try again');
      default:
        return outcome satisfies never;
    }
  });
}

async function setPassword(
  context: CommandContext,
  options: Pick<AddOptions, 'passwordFile'>,
  name: string,
): Promise<Answer> {
  const parsed = required('<name>', parseUserName(name), 'expected a sign-in name');
  if (ACCOUNT_ROLES.some((role) => parsed === `script-${role}`))
    throw new Misuse('<name>', 'holds the tokens of scripts; nobody signs in as it');
  context.settings(); // what is wrong with them is said before a password is asked for
  const password =
    options.passwordFile === undefined
      ? await readPassword(context)
      : firstLine(await readFile(options.passwordFile, 'utf8'));
  return withExistingData(context, async ({ accounts, contacts, database }) => {
    const user = await accounts.findUser(parsed);
    if (user === undefined || user.disabledAtMs !== undefined)
      throw new Refusal(`<name>: there is no enabled user ${parsed}`);
    const problem = await passwordFault(password, parsed);
    if (problem !== undefined) throw new Misuse('password', PASSWORD_TEXT[problem]);
    const passwordHash = await createPasswords().hash(password);
    if (passwordHash === undefined) throw new Refusal('too many passwords are being hashed; try again');
    if (!(await accounts.putPassword(user.id, passwordHash)))
      throw new Refusal(`<name>: there is no enabled user ${parsed}`);
    // Whoever had the old one is out, with the apps they let in.
    const { PostgresOpenIdRecords } = await import('../../adapters/postgres/openid-records.ts');
    await new PostgresOpenIdRecords(database).removeAccount(user.id);
    await createSessions({ accounts, now: context.now }).endAll(user.id, 'session');
    await (await ownersTold(context, { contacts, database }))(user.id, 'password');
    return { json: { name: parsed }, text: `${parsed} can sign in with the new password.` };
  });
}

const FIELD_OPTION = { name: '<name>', displayName: '--display-name', password: 'password' } as const;

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ accounts }) => {
    const shown = (await accounts.users()).map((user) => ({
      id: user.id,
      name: user.name,
      displayName: user.displayName,
      roles: user.roles,
      wards: user.wardIds,
      disabled: user.disabledAtMs !== undefined,
    }));
    const lines = shown.map(
      ({ name, roles, wards, disabled }) =>
        `${name.padEnd(24)} ${roles.join(',').padEnd(28)} ${wards.length === 0 ? 'all wards' : wards.join(',')}${disabled ? '  (disabled)' : ''}`,
    );
    return { json: { users: shown }, text: lines.length === 0 ? 'No users.' : lines.join('\n') };
  });
}

async function disable(context: CommandContext, _: object, name: string): Promise<Answer> {
  const parsed = required('<name>', parseUserName(name), 'expected a sign-in name');
  return withExistingData(context, async ({ accounts }) => {
    const wasEnabled = await accounts.disable(parsed, context.now());
    if (!wasEnabled) throw new Refusal(`<name>: there is no enabled user ${parsed}`);
    return { json: { name: parsed, disabled: true }, text: `${parsed} is disabled; open sessions end within 5 s.` };
  });
}

async function setupLink(context: CommandContext): Promise<Answer> {
  const settings = context.settings();
  return withData(context, async ({ accounts }) => {
    const sessions = createSessions({ accounts, now: context.now });
    const signIn = createSignIn({ accounts, sessions, passwords: createPasswords(), now: context.now });
    const offer = await signIn.offerSetup();
    if (offer === undefined)
      throw new Refusal('there are users already; an administrator can add more with "user add"');
    const link = `https://${settings.serverNames[0] ?? hostname()}:${settings.httpsPort}/setup#${offer.code}`;
    return { json: { link, expiresAt: new Date(offer.expiresAtMs).toISOString() }, text: link };
  });
}

async function createToken(context: CommandContext, options: TokenOptions): Promise<Answer> {
  const days = parseDays('--days', options.days);
  const { role, user: name } = options;
  if ((role === undefined) === (name === undefined)) throw new Misuse('--role', 'expected either --role or --user');
  const parsed = role === undefined ? undefined : parseRole(role);
  return withData(context, async ({ accounts }) => {
    const user = parsed === undefined ? await accounts.findUser(name ?? '') : await scriptUser(accounts, parsed);
    if (user === undefined || user.disabledAtMs !== undefined)
      throw new Refusal(`--user: there is no enabled user ${name}`);
    const sessions = createSessions({ accounts, now: context.now });
    const ttlMs = Math.min(days * 86_400_000, API_TOKEN_MAX_MS);
    const { secret, expiresAtMs } = await sessions.createApiToken(user, ttlMs);
    return { json: { token: secret, expiresAt: new Date(expiresAtMs).toISOString() }, text: secret };
  });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function parseRole(text: string): Role {
  return required(
    '--role',
    ACCOUNT_ROLES.find((role) => role === text),
    `expected one of ${ACCOUNT_ROLES.join(', ')}`,
  );
}

const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? '';
