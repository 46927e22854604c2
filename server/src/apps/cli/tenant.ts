import type { Command } from 'commander';
import { DEFAULT_TENANT, parseTenantId, type TenantId } from '../../domain/ids.ts';
import type { OpenData } from '../open-data.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  Misuse,
  Refusal,
  required,
  withData,
  withExistingData,
} from './command.ts';

/** `healthsync tenant …`: the organisations that one installation serves. */
export function register(program: Command, context: CommandContext): void {
  const tenants = program.command('tenant').description('organisations, each kept apart from the others');
  addCommand<[string], { readonly name?: string }>(
    tenants,
    {
      usage: 'add <tenant>',
      description: 'make an organisation, with a login of its own in the database',
      configure: (command) => command.option('--name <text>', 'what it is called; its id without it'),
      run: add,
    },
    context,
  );
  addCommand<[], object>(tenants, { usage: 'list', description: 'all organisations', run: list }, context);
}

const TENANT_EXPECTED =
  'expected up to 32 lower-case letters, digits and hyphens, beginning with a letter: north-clinic';

/** For commands that make something: whose it is to be. Without the option, the first organisation's. */
export function tenantOption(command: Command): Command {
  return command.option('--tenant <id>', 'the organisation it belongs to; the first one without it');
}

/** The organisation that was named, if there is one of that id. */
export async function namedTenant(
  { tenants }: Pick<OpenData, 'tenants'>,
  named: string | undefined,
): Promise<{ readonly tenantId?: TenantId }> {
  if (named === undefined) return {};
  const tenantId = required('--tenant', parseTenantId(named), TENANT_EXPECTED);
  if (!(await tenants.list()).some(({ id }) => id === tenantId))
    throw new Misuse('--tenant', `there is no organisation ${tenantId}; make it with "tenant add"`);
  return { tenantId };
}

async function add(context: CommandContext, options: { readonly name?: string }, tenant: string): Promise<Answer> {
  const id = required('<tenant>', parseTenantId(tenant), TENANT_EXPECTED);
  const name = (options.name ?? id).trim();
  if (!/^[^\p{C}]{1,100}$/u.test(name)) throw new Misuse('--name', 'expected 1 to 100 printable characters');
  return withData(context, async ({ tenants }) => {
    const outcome = await tenants.add({ id, name });
    switch (outcome) {
      case 'added':
        return { json: { tenant: id, name }, text: `Organisation ${id}: ${name}` };
      case 'taken':
        throw new Refusal(`<tenant>: there is an organisation ${id} already`);
      case 'no-logins':
        throw new Refusal(
          'a second organisation needs a login of its own in the database, and the login of DATABASE_URL may not make one: give it CREATEROLE, or run one installation for each organisation',
        );
      default:
        return outcome satisfies never;
    }
  });
}

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ tenants }) => {
    const shown = (await tenants.list()).map(({ id, name, createdAtMs, hasLogin }) => ({
      id,
      name,
      isFirst: id === DEFAULT_TENANT,
      hasLogin,
      createdAt: new Date(createdAtMs).toISOString(),
    }));
    const lines = shown.map(
      ({ id, name, hasLogin }) => `${id.padEnd(32)} ${hasLogin ? 'own login' : 'no login '}  ${name}`,
    );
    return { json: { tenants: shown }, text: lines.join('\n') };
  });
}
