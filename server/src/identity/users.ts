import { randomBytes } from 'node:crypto';
import type { Role } from '../domain/access.ts';
import { parseUserId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { Accounts, User } from '../ports/accounts.ts';
import { type PasswordProblem, type Passwords, passwordFault } from './passwords.ts';

export type AddUserOutcome =
  | { readonly kind: 'added'; readonly user: User }
  | { readonly kind: 'refused'; readonly field: 'name' | 'displayName' | 'password'; readonly detail: string }
  | { readonly kind: 'exists' }
  | { readonly kind: 'busy' };

export type PrepareUserOutcome =
  | { readonly kind: 'prepared'; readonly user: User & { readonly passwordHash?: string } }
  | Extract<AddUserOutcome, { kind: 'refused' | 'busy' }>;

export interface NewUser {
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
  readonly wardIds: readonly WardId[];
  /** Absent: cannot sign in, only hold tokens. */
  readonly password?: string;
  /** Absent: the first one's. */
  readonly tenantId?: TenantId;
}

export async function addUser(accounts: Accounts, passwords: Passwords, wanted: NewUser): Promise<AddUserOutcome> {
  const prepared = await prepareUser(passwords, wanted);
  if (prepared.kind !== 'prepared') return prepared;
  if ((await accounts.findUser(prepared.user.name)) !== undefined) return { kind: 'exists' };
  await accounts.putUser(prepared.user);
  return { kind: 'added', user: prepared.user };
}

/** Checks a wanted user and hashes the password: everything but storing it. */
export async function prepareUser(passwords: Passwords, wanted: NewUser): Promise<PrepareUserOutcome> {
  const refusal = await refusalOf(wanted);
  if (refusal !== undefined) return refusal;
  const { displayName, roles, wardIds, tenantId } = wanted;
  const name = parseUserName(wanted.name) as string;
  const user = {
    id: newUserId(),
    name,
    displayName: displayName.trim(),
    roles,
    wardIds,
    ...(tenantId && { tenantId }),
  };
  if (wanted.password === undefined) return { kind: 'prepared', user };
  const passwordHash = await passwords.hash(wanted.password);
  return passwordHash === undefined ? { kind: 'busy' } : { kind: 'prepared', user: { ...user, passwordHash } };
}

/** What is wrong with a wanted user, before anything is done about it. */
async function refusalOf(wanted: NewUser): Promise<Extract<AddUserOutcome, { kind: 'refused' }> | undefined> {
  const name = parseUserName(wanted.name);
  if (name === undefined) return refused('name', NAME_EXPECTED);
  if (!DISPLAY_NAME.test(wanted.displayName.trim()))
    return refused('displayName', 'expected 1 to 100 printable characters');
  const problem = wanted.password === undefined ? undefined : await passwordFault(wanted.password, name);
  return problem === undefined ? undefined : refused('password', PASSWORD_TEXT[problem]);
}

/** The user that holds the API tokens of a role: what a script does is recorded under its name. */
export async function scriptUser(accounts: Accounts, role: Role): Promise<User> {
  const name = `script-${role}`;
  const found = await accounts.findUser(name);
  if (found !== undefined) return found;
  const user = { id: newUserId(), name, displayName: `Script (${role})`, roles: [role], wardIds: [] };
  try {
    await accounts.putUser(user);
    return user;
  } catch (error) {
    const theirs = await accounts.findUser(name); // two scripts' first tokens at once: one user
    if (theirs === undefined) throw error;
    return theirs;
  }
}

export const NAME_EXPECTED = 'expected up to 64 letters, digits and . _ @ -, beginning with a letter or digit';

/** Names are compared in lower case, so that `Anna` and `anna` are one person. */
export function parseUserName(text: string): string | undefined {
  const name = text.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(name) ? name : undefined;
}

export const PASSWORD_TEXT: Readonly<Record<PasswordProblem, string>> = {
  'too-short': 'expected at least 12 characters',
  'too-long': 'expected at most 256 characters',
  'contains-name': 'must not contain the sign-in name',
  repeated: 'expected at least 5 different characters',
  guessable: 'is guessed too easily: expected no known password, word or row of keys with a number behind it',
};

/** Shown beside acknowledgements: no control or formatting characters that could imitate another name. */
export const DISPLAY_NAME = /^[^\p{C}]{1,100}$/u;

export function newUserId(): UserId {
  return parseUserId(`u-${randomBytes(12).toString('hex')}`) as UserId;
}

const refused = (field: 'name' | 'displayName' | 'password', detail: string) =>
  ({ kind: 'refused', field, detail }) as const;
