import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { PostgresOAuthClients } from '../../adapters/postgres/oauth-clients.ts';
import { ACCOUNT_ROLES, type Role } from '../../domain/access.ts';
import { DEFAULT_TENANT, type WardId } from '../../domain/ids.ts';
import {
  CLIENT_KEYS_MAX,
  clientProblems,
  keyProblems,
  kidOf,
  type PublicKey,
  thumbprintOf,
  type WantedClient,
} from '../../identity/client-rules.ts';
import type { OAuthClient } from '../../ports/oauth-clients.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  Misuse,
  Refusal,
  withData,
  withExistingData,
} from './command.ts';
import { namedTenant, tenantOption } from './tenant.ts';

/** `healthsync client …`: apps that people sign in to, and service accounts, which sign in by their keys. */
export function register(program: Command, context: CommandContext): void {
  const clients = program.command('client').description('OpenID clients: apps, and service accounts with their keys');
  addCommand<[string], AddOptions>(
    clients,
    {
      usage: 'add <id>',
      description: 'register an app (--redirect) or a service account (--key)',
      configure: (command) =>
        tenantOption(command)
          .option('--name <text>', 'what people are shown; the id without it')
          .option('--redirect <url>', 'where the app takes people back to; may be given more than once', collect)
          .option('--key <file>', 'a public key: JWK, JWKS or PEM; may be given more than once', collect)
          .option('--scope <scope>', 'the most it may ask for, as alarm.read; may be given more than once', collect)
          .option(
            '--role <role>',
            `what a service account acts as: ${ACCOUNT_ROLES.join(', ')}; may be given more than once`,
            collect,
          )
          .option('--ward <id>', 'the service account sees only this ward; may be given more than once', collect)
          .option('--prove-key', 'gets only tokens that are bound to a key it proves to hold (DPoP, RFC 9449)')
          .option('--push-requests', 'an app that must push its requests to sign in (PAR, RFC 9126)'),
      run: add,
    },
    context,
  );
  addCommand<[], object>(clients, { usage: 'list', description: 'all of them, with their keys', run: list }, context);
  addCommand<[string, string], object>(
    clients,
    { usage: 'add-key <id> <file>', description: 'one more public key, beside those there are', run: addKey },
    context,
  );
  addCommand<[string, string], object>(
    clients,
    { usage: 'remove-key <id> <kid>', description: 'take away a public key; not the last one', run: removeKey },
    context,
  );
  addCommand<[string], object>(
    clients,
    { usage: 'disable <id>', description: 'end it, with all it holds, for good', run: disable },
    context,
  );
}

interface AddOptions {
  readonly tenant?: string;
  readonly name?: string;
  readonly redirect?: readonly string[];
  readonly key?: readonly string[];
  readonly scope?: readonly string[];
  readonly role?: readonly string[];
  readonly ward?: readonly string[];
  readonly proveKey?: boolean;
  readonly pushRequests?: boolean;
}

async function add(context: CommandContext, options: AddOptions, id: string): Promise<Answer> {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$/.test(id))
    throw new Misuse('<id>', 'expected up to 60 letters, digits and . _ -');
  const { name = id, redirect = [], key: files = [], scope: scopes = [], role: roles = [], ward: wards = [] } = options;
  const kind = redirect.length > 0 ? 'app' : 'service';
  const keys = (await Promise.all(files.map(readKeys))).flat();
  const jwks = keys.length > 0 ? { keys } : undefined;
  const demanded = {
    ...(options.proveKey === true && { mustProveKey: true }),
    ...(options.pushRequests === true && { mustPushRequests: true }),
  };
  const wanted: WantedClient = {
    ...{ kind, redirectUris: redirect, scopes, roles, wards },
    ...demanded,
    ...(jwks !== undefined && { jwks }),
  };
  const [problem] = clientProblems(wanted);
  if (problem !== undefined) throw new Misuse(optionOf(problem.field), problem.detail);
  if (keys.length > CLIENT_KEYS_MAX) throw new Misuse('--key', `expected at most ${CLIENT_KEYS_MAX}`);
  return withData(context, async ({ database, tenants }) => {
    const owner = await namedTenant({ tenants }, options.tenant);
    const client: OAuthClient = {
      id,
      kind,
      name,
      redirectUris: redirect,
      ...(jwks !== undefined && { jwks }),
      scopes,
      roles: roles as readonly Role[],
      wardIds: wards as readonly string[] as readonly WardId[],
      tenantId: owner.tenantId ?? DEFAULT_TENANT,
      ...demanded,
      createdAtMs: context.now(),
      createdBy: `shell:${userInfo().username}`,
    };
    if ((await new PostgresOAuthClients(database).add(client)) === 'taken')
      throw new Refusal(`<id>: there is one of the id ${id} already`);
    const what = kind === 'app' ? 'app' : 'service account';
    return { json: shown(client), text: `${id} is registered as ${kind === 'app' ? 'an' : 'a'} ${what}.` };
  });
}

const OPTIONS: Readonly<Record<string, string>> = {
  redirectUris: '--redirect',
  jwks: '--key',
  scopes: '--scope',
  roles: '--role',
  wards: '--ward',
  mustPushRequests: '--push-requests',
};
const optionOf = (field: string): string => OPTIONS[field.split('.')[0] ?? ''] ?? '<id>';

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ database }) => {
    const clients = await new PostgresOAuthClients(database).list();
    const lines = clients.flatMap((client) => {
      const { id, kind, name, disabledAtMs } = client;
      const keys = keysOf(client).map((key) => `    key ${kidOf(key)} (${key.kty}) ${thumbprintOf(key)}`);
      return [`${id.padEnd(24)} ${kind.padEnd(8)} ${name}${disabledAtMs === undefined ? '' : '  (ended)'}`, ...keys];
    });
    return {
      json: { clients: clients.map(shown) },
      text: lines.length === 0 ? 'No apps or service accounts.' : lines.join('\n'),
    };
  });
}

async function addKey(context: CommandContext, _: object, id: string, file: string): Promise<Answer> {
  const [key, ...more] = await readKeys(file);
  if (key === undefined || more.length > 0) throw new Misuse('<file>', 'expected one public key');
  const [problem] = keyProblems(key);
  if (problem !== undefined) throw new Misuse('<file>', `${problem.field} ${problem.detail}`);
  return changeKeys(context, id, (keys) => {
    if (keys.some((each) => kidOf(each) === kidOf(key))) throw new Refusal(`<file>: ${kidOf(key)} is there already`);
    if (keys.length >= CLIENT_KEYS_MAX)
      throw new Refusal(`<id>: ${id} has ${CLIENT_KEYS_MAX} keys already; take an old one away`);
    return [...keys, key];
  });
}

async function removeKey(context: CommandContext, _: object, id: string, kid: string): Promise<Answer> {
  return changeKeys(context, id, (keys) => {
    const left = keys.filter((key) => kidOf(key) !== kid);
    if (left.length === keys.length) throw new Refusal(`<kid>: ${id} has no key ${kid}`);
    if (left.length === 0) throw new Refusal('<kid>: it is the only key: add the next one first, or disable it');
    return left;
  });
}

function changeKeys(
  context: CommandContext,
  id: string,
  change: (keys: readonly PublicKey[]) => readonly PublicKey[],
): Promise<Answer> {
  return withExistingData(context, async ({ database }) => {
    const clients = new PostgresOAuthClients(database);
    const client = await clients.find(id);
    if (client === undefined || client.disabledAtMs !== undefined || client.jwks === undefined)
      throw new Refusal(`<id>: there is no service account or app with keys ${id}`);
    const keys = change(keysOf(client));
    if (!(await clients.putKeys(id, { from: client.jwks, to: { keys } })))
      throw new Refusal(`<id>: somebody changed the keys of ${id} meanwhile; try again`);
    const changed = { ...client, jwks: { keys } };
    return { json: shown(changed), text: `${id} has ${keys.length === 1 ? 'one key' : `${keys.length} keys`}.` };
  });
}

async function disable(context: CommandContext, _: object, id: string): Promise<Answer> {
  return withExistingData(context, async ({ database }) => {
    if (!(await new PostgresOAuthClients(database).disable(id, context.now())))
      throw new Refusal(`<id>: there is no app or service account ${id} that has not ended`);
    return { json: { id, disabled: true }, text: `${id} is ended; what it holds opens nothing any more.` };
  });
}

const keysOf = ({ jwks }: OAuthClient): readonly PublicKey[] => (jwks?.keys ?? []) as readonly PublicKey[];

function shown(client: OAuthClient) {
  const { id, kind, name, redirectUris, scopes, roles, wardIds, disabledAtMs } = client;
  const { mustProveKey = false, mustPushRequests = false } = client;
  return {
    ...{ id, kind, name, redirectUris, scopes, roles, wards: wardIds, disabled: disabledAtMs !== undefined },
    ...{ mustProveKey, mustPushRequests },
    keys: keysOf(client).map((key) => ({ kid: kidOf(key), kty: key.kty, thumbprint: thumbprintOf(key) })),
  };
}

/** A private key that is shown is known to be lost: it is refused, and not quietly cut down to its public half. */
async function readKeys(file: string): Promise<readonly PublicKey[]> {
  const text = await readFile(file, 'utf8');
  const given = text.includes('-----BEGIN') ? [fromPem(text)] : fromJson(text);
  for (const key of given)
    if ('d' in key) throw new Misuse('--key', `${file} holds a private key: keep it, and give the public one`);
  return given.map((key) => ({ ...key, kid: kidOf(key) }));
}

function fromPem(text: string): PublicKey {
  if (text.includes('PRIVATE KEY')) throw new Misuse('--key', 'is a private key: keep it, and give the public one');
  try {
    return createPublicKey(text).export({ format: 'jwk' }) as PublicKey;
  } catch {
    throw new Misuse('--key', 'expected a public key in PEM, JWK or JWKS');
  }
}

function fromJson(text: string): readonly PublicKey[] {
  try {
    const parsed = JSON.parse(text) as { readonly keys?: readonly PublicKey[] } & PublicKey;
    const keys = parsed.keys ?? [parsed];
    if (keys.every((key) => typeof key === 'object' && typeof key.kty === 'string')) return keys;
  } catch {
    // said below
  }
  throw new Misuse('--key', 'expected a public key in PEM, JWK or JWKS');
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
