import { createHash } from 'node:crypto';
import { ACCOUNT_ROLES, type Role } from '../domain/access.ts';
import { parseWardId } from '../domain/ids.ts';
import { everyScope } from '../domain/scope.ts';

/** What an app or a service account may be made of; one set of rules for the API and the command line. */
export interface WantedClient {
  readonly kind: 'app' | 'service';
  readonly redirectUris?: readonly string[];
  readonly jwks?: { readonly keys: readonly PublicKey[] };
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  readonly wards?: readonly string[];
  readonly mustPushRequests?: boolean;
}

/** A public key as RFC 7517 writes it. */
export interface PublicKey {
  readonly kid?: string;
  readonly kty: string;
  readonly alg?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

export interface ClientProblem {
  readonly field: string;
  readonly detail: string;
}

/** While a system moves from one to the next, with one to spare; the provider tries each. */
export const CLIENT_KEYS_MAX = 5;

/** Everything that is wrong, all at once. */
export function clientProblems(wanted: WantedClient): readonly ClientProblem[] {
  const { kind, redirectUris = [], jwks, scopes, roles = [], wards = [] } = wanted;
  const problems: ClientProblem[] = [];
  const wrong = (field: string, detail: string) => void problems.push({ field, detail });
  if (kind === 'service') {
    if (jwks === undefined) wrong('jwks', 'is needed: a service account proves itself by its key');
    if (redirectUris.length > 0) wrong('redirectUris', 'are for apps');
    if (wanted.mustPushRequests === true)
      wrong('mustPushRequests', 'is for apps: nobody signs in to a service account');
    if (roles.length === 0) wrong('roles', 'at least one is needed: a service account has no user’s');
  } else {
    if (redirectUris.length === 0) wrong('redirectUris', 'at least one is needed');
    if (roles.length > 0) wrong('roles', 'are for service accounts: an app may what its user may');
    if (wards.length > 0) wrong('wards', 'are for service accounts: an app sees what its user sees');
  }
  for (const [index, uri] of redirectUris.entries())
    if (!isRedirect(uri)) wrong(`redirectUris.${index}`, 'must be https, or http on the loopback address, without #');
  for (const [index, scope] of scopes.entries())
    if (!SCOPES.has(scope)) wrong(`scopes.${index}`, 'is no scope that is known here');
  for (const [index, role] of roles.entries())
    if (!ACCOUNT_ROLES.includes(role as Role)) wrong(`roles.${index}`, `must be one of ${ACCOUNT_ROLES.join(', ')}`);
  for (const [index, ward] of wards.entries())
    if (parseWardId(ward) === undefined) wrong(`wards.${index}`, 'is no id of a ward');
  const keys = jwks?.keys ?? [];
  for (const [index, key] of keys.entries()) {
    for (const problem of keyProblems(key)) wrong(`jwks.keys.${index}.${problem.field}`, problem.detail);
    if (keys.findIndex(({ kid }) => kid === key.kid) < index) wrong(`jwks.keys.${index}.kid`, 'is there twice');
  }
  return problems;
}

const SCOPES = new Set(everyScope());

/** RFC 9700 2.1: exact, over TLS; native apps listen on the loopback address (RFC 8252 7.3). */
function isRedirect(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.includes('#') || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\])$/.test(url.hostname));
}

/** RFC 7518 6.2.1 and 6.3.1: what a public key of each kind needs; NIST SP 800-131A: RSA of 2048 bits and more. */
export function keyProblems(key: PublicKey): readonly ClientProblem[] {
  const missing = (['EC', 'RSA'].includes(key.kty) ? MEMBERS[key.kty as 'EC' | 'RSA'] : []).filter(
    (member) => key[member] === undefined,
  );
  const problems = missing.map((field) => ({ field, detail: `is needed with ${key.kty}` }));
  if (!['EC', 'RSA'].includes(key.kty)) problems.push({ field: 'kty' as 'n', detail: 'must be EC or RSA' });
  if (key.n !== undefined && Buffer.from(key.n, 'base64url').length < RSA_BYTES_MIN)
    problems.push({ field: 'n', detail: 'must have at least 2048 bits' });
  return problems;
}

const MEMBERS = { EC: ['crv', 'x', 'y'], RSA: ['n', 'e'] } as const;
const RSA_BYTES_MIN = 256;

/** RFC 7638 3: the needed members alone, in the order of the alphabet, without blanks. */
export function thumbprintOf(key: PublicKey): string {
  const { kty, crv, e, n, x, y } = key;
  const text = JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { e, kty, n });
  return createHash('sha256').update(text).digest('base64url');
}

/** How a key is known: by the name its maker gave it, or by its thumbprint. */
export const kidOf = (key: PublicKey): string => key.kid ?? thumbprintOf(key);
