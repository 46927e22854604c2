import type { Role } from '../domain/access.ts';
import type { Factor } from '../domain/factor.ts';
import type { TenantId, UserId, WardId } from '../domain/ids.ts';

/** Users, their sessions and API tokens. */
export interface Accounts {
  putUser(user: User & { readonly passwordHash?: string }): Promise<void>;
  /**
   * The password alone: hashing takes a while, and what was changed of the account meanwhile must stay. False: there is
   * no such account, or it is disabled.
   */
  putPassword(userId: UserId, passwordHash: string): Promise<boolean>;
  findUser(name: string): Promise<(User & { readonly passwordHash?: string }) | undefined>;
  findUserById(id: UserId): Promise<User | undefined>;
  users(): Promise<readonly User[]>;
  disable(name: string, atMs: number): Promise<boolean>;

  /** A session or API token is stored as the SHA-256 of its secret, never the secret. */
  addToken(token: StoredToken): Promise<void>;
  /** The token and its user's current roles, unless expired, revoked or of a disabled user. */
  findToken(sha256: string, nowMs: number): Promise<{ readonly token: StoredToken; readonly user: User } | undefined>;
  /** It was used: pushes out the idle expiry, never back. */
  touchToken(sha256: string, touch: { readonly idleExpiresAtMs: number; readonly usedAtMs: number }): Promise<void>;
  revokeToken(sha256: string, atMs: number): Promise<void>;
  /** What was shown since: it stands on the session from now on. */
  putProof(sha256: string, proof: TokenProof): Promise<void>;
  /** Those that still open something, newest first. */
  tokensOf(userId: UserId, nowMs: number): Promise<readonly StoredToken[]>;
  /** The API keys of an organisation that still open something, newest first, with whose they are. */
  apiKeys(query: {
    readonly tenantId: TenantId;
    readonly nowMs: number;
  }): Promise<readonly { readonly token: StoredToken; readonly owner: User }[]>;
  /**
   * API keys that end within so many days and of whose end their owner was told neither so late nor later, the next to
   * end first; of keys that were made for at least twice that, 1000 at most, and none of whoever is disabled.
   */
  keysEnding(query: { readonly days: number; readonly nowMs: number }): Promise<readonly StoredToken[]>;
  /** Their owner was told, so many days before. */
  noteEndTold(sha256: string, days: number): Promise<void>;
  /** Ends all of somebody's tokens, or those of one kind; answers with how many. */
  revokeTokensOf(user: {
    readonly userId: UserId;
    readonly kind?: StoredToken['kind'];
    readonly atMs: number;
  }): Promise<number>;

  /**
   * The one-time link of the first start: true exactly once, and only while nobody can sign in. Users without a password
   * do not count: they only hold the tokens of scripts.
   */
  claimSetup(sha256: string, nowMs: number): Promise<boolean>;
  putSetup(sha256: string, expiresAtMs: number): Promise<void>;
  /** Whether anybody can sign in. */
  hasUsers(): Promise<boolean>;
}

export interface User {
  readonly id: UserId;
  /** Sign-in name, lower case. */
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
  /** Empty: all wards. */
  readonly wardIds: readonly WardId[];
  readonly disabledAtMs?: number;
  /** Absent: the installation's own organisation. */
  readonly tenantId?: TenantId;
}

export interface StoredToken extends Partial<TokenProof> {
  readonly sha256: string;
  /** `pending`: the first factor was right, the second is still to come. It opens nothing. */
  readonly kind: 'session' | 'api' | 'pending';
  readonly userId: UserId;
  readonly createdAtMs: number;
  readonly idleExpiresAtMs: number;
  readonly expiresAtMs: number;
  readonly scopes?: readonly string[];
  /** What an API key is for, in its maker's words. */
  readonly label?: string;
  /** To the minute. */
  readonly lastUsedAtMs?: number;
}

export interface TokenProof {
  readonly authenticatedAtMs: number;
  readonly factors: readonly Factor[];
  readonly mfaAtMs?: number;
}
