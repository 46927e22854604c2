import type { Role } from '../domain/access.ts';
import type { Factor } from '../domain/factor.ts';
import type { TenantId, UserId, WardId } from '../domain/ids.ts';

/** Users, their sessions and API tokens. OpenID Connect replaces the password half later, behind the same port. */
export interface Accounts {
  putUser(user: User & { readonly passwordHash?: string }): Promise<void>;
  findUser(name: string): Promise<(User & { readonly passwordHash?: string }) | undefined>;
  users(): Promise<readonly User[]>;
  disable(name: string, atMs: number): Promise<boolean>;

  /** A session or API token is stored as the SHA-256 of its secret, never the secret. */
  addToken(token: StoredToken): Promise<void>;
  /** The token and its user's current roles, unless expired, revoked or of a disabled user. */
  findToken(sha256: string, nowMs: number): Promise<{ readonly token: StoredToken; readonly user: User } | undefined>;
  /** Pushes out the idle expiry. */
  touchToken(sha256: string, idleExpiresAtMs: number): Promise<void>;
  revokeToken(sha256: string, atMs: number): Promise<void>;

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

export interface StoredToken {
  readonly sha256: string;
  readonly kind: 'session' | 'api';
  readonly userId: UserId;
  readonly createdAtMs: number;
  readonly idleExpiresAtMs: number;
  readonly expiresAtMs: number;
  readonly authenticatedAtMs?: number;
  readonly factors?: readonly Factor[];
  readonly mfaAtMs?: number;
  readonly scopes?: readonly string[];
}
