import type { Role } from '../domain/access.ts';
import type { Factor } from '../domain/factor.ts';
import { DEFAULT_TENANT, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { Accounts, StoredToken, User } from '../ports/accounts.ts';
import { Failure } from '../ports/failure.ts';
import { isBearerSecret, newSecret, sha256Of } from './secrets.ts';

/** Who is asking, as far as a secret proves it. */
export interface Principal {
  readonly userId: UserId;
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
  /** Empty: all wards. */
  readonly wardIds: readonly WardId[];
  readonly kind: 'session' | 'api';
  readonly tenantId: TenantId;
  /** When the first factor was last shown (ms). */
  readonly authenticatedAtMs: number;
  /** What has been shown, in order. */
  readonly factors: readonly Factor[];
  /** When a second factor was last shown (ms); absent: never. */
  readonly mfaAtMs?: number;
  /** What this is done for, where the caller says so. */
  readonly purpose?: string;
  /** Narrows what the roles allow (`domain/scope.ts`); absent: nothing is narrowed. */
  readonly scopes?: readonly string[];
  /** When it ends unless it is used before (ms): the earlier of the idle and the final limit. */
  readonly expiresAtMs: number;
}

export interface Sessions {
  /**
   * Whose secret this is, or undefined. Cheap enough for every request and for every open stream every few seconds:
   * answers are kept for up to 5 s, which is also how long a revocation may take to be felt. Each call counts as
   * activity: an open live stream keeps its session alive.
   */
  authenticate(secret: string): Promise<Principal | undefined>;
  open(user: User): Promise<{ readonly secret: string; readonly principal: Principal }>;
  /** A bearer token for scripts; `ttlMs` at most a year. */
  createApiToken(user: User, ttlMs: number): Promise<{ readonly secret: string; readonly expiresAtMs: number }>;
  end(secret: string): Promise<void>;
}

export interface SessionLimits {
  readonly idleMs: number;
  readonly maxMs: number;
  readonly kioskIdleMs: number;
  readonly kioskMaxMs: number;
}

const HOUR_MS = 3_600_000;

export const SESSION_LIMITS: SessionLimits = {
  // 45 CFR 164.312(a)(2)(iii), automatic logoff. A wall that somebody watches is not idle: its stream counts.
  idleMs: HOUR_MS / 2,
  // One long shift.
  maxMs: 12 * HOUR_MS,
  // A screen on the corridor shows no names and acknowledges nothing; it must survive a night without network.
  kioskIdleMs: 12 * HOUR_MS,
  kioskMaxMs: 30 * 24 * HOUR_MS,
};

export const API_TOKEN_MAX_MS = 366 * 24 * HOUR_MS;

export function createSessions(options: {
  readonly accounts: Accounts;
  readonly now: () => number;
  readonly limits?: SessionLimits;
}): Sessions {
  const { accounts, now } = options;
  const limits = options.limits ?? SESSION_LIMITS;
  const known = new Map<string, Known>();
  const asked = new Map<string, Promise<Known | undefined>>();

  /** One question to the store at a time per secret, however many requests come with it. */
  function ask(sha256: string): Promise<Known | undefined> {
    const pending = asked.get(sha256);
    if (pending !== undefined) return pending;
    const answer = look(sha256).finally(() => asked.delete(sha256));
    asked.set(sha256, answer);
    return answer;
  }

  async function look(sha256: string): Promise<Known | undefined> {
    const nowMs = now();
    const before = known.get(sha256);
    try {
      const found = await accounts.findToken(sha256, nowMs);
      known.delete(sha256);
      if (found === undefined) return undefined;
      const token = await keepAlive(found.token, found.user, nowMs);
      return remember({ token, user: found.user, seenMs: nowMs });
    } catch (error) {
      // The wall must go on ringing while the database is away. Nothing can be revoked then; the limits still hold.
      const isAway = error instanceof Failure && error.retryable;
      if (isAway && before !== undefined && nowMs - before.seenMs <= GRACE_MS) return before;
      throw error;
    }
  }

  /** Pushes the idle limit out, not at every request: after a tenth of it, at most every minute. */
  async function keepAlive(token: StoredToken, user: User, nowMs: number): Promise<StoredToken> {
    if (token.kind === 'api') return token;
    const { idleMs } = limitsOf(user, limits);
    const idleExpiresAtMs = Math.min(nowMs + idleMs, token.expiresAtMs);
    if (idleExpiresAtMs - token.idleExpiresAtMs < Math.min(60_000, idleMs / 10)) return token;
    await accounts.touchToken(token.sha256, idleExpiresAtMs);
    return { ...token, idleExpiresAtMs };
  }

  function remember(entry: Known): Known {
    known.set(entry.token.sha256, entry);
    if (known.size > KNOWN_MAX) known.delete(known.keys().next().value as string);
    return entry;
  }

  return {
    async authenticate(secret) {
      if (!isBearerSecret(secret)) return undefined;
      const sha256 = sha256Of(secret);
      const cached = known.get(sha256);
      const isFresh = cached !== undefined && Math.abs(now() - cached.seenMs) < FRESH_MS;
      const entry = isFresh ? cached : await ask(sha256);
      if (entry === undefined) return undefined;
      const principal = principalOf(entry);
      return now() < principal.expiresAtMs ? principal : undefined;
    },
    async open(user) {
      const nowMs = now();
      const { idleMs, maxMs } = limitsOf(user, limits);
      const secret = newSecret('session');
      const expiresAtMs = nowMs + maxMs;
      const idleExpiresAtMs = Math.min(nowMs + idleMs, expiresAtMs);
      const token = { kind: 'session', sha256: sha256Of(secret), userId: user.id, createdAtMs: nowMs } as const;
      const stored = { ...token, idleExpiresAtMs, expiresAtMs };
      await accounts.addToken(stored);
      return { secret, principal: principalOf({ token: stored, user, seenMs: nowMs }) };
    },
    async createApiToken(user, ttlMs) {
      const nowMs = now();
      const secret = newSecret('api');
      const expiresAtMs = nowMs + Math.min(ttlMs, API_TOKEN_MAX_MS);
      const token = { kind: 'api', sha256: sha256Of(secret), userId: user.id, createdAtMs: nowMs } as const;
      await accounts.addToken({ ...token, idleExpiresAtMs: expiresAtMs, expiresAtMs });
      return { secret, expiresAtMs };
    },
    async end(secret) {
      const sha256 = sha256Of(secret);
      known.delete(sha256);
      await accounts.revokeToken(sha256, now());
      // An answer that was on its way meanwhile may have been remembered.
      await asked.get(sha256)?.catch(() => undefined);
      known.delete(sha256);
    },
  };
}

/** How long a revocation may go unnoticed, and what ten walls asking every 2 s cost: two queries per wall. */
const FRESH_MS = 5_000;
/** As long as a restart of the database with recovery may take; a session that was good stays good for that. */
const GRACE_MS = 10 * 60_000;
/** Five times the people of a large hospital's shift; some 500 bytes each. */
const KNOWN_MAX = 10_000;

interface Known {
  readonly token: StoredToken;
  readonly user: User;
  /** When the store last vouched for it. */
  readonly seenMs: number;
}

/** A person who also has the role `kiosk` is still a person: the long limits are for screens alone. */
function limitsOf(user: User, limits: SessionLimits): { readonly idleMs: number; readonly maxMs: number } {
  const isKiosk = user.roles.length > 0 && user.roles.every((role) => role === 'kiosk');
  return isKiosk
    ? { idleMs: limits.kioskIdleMs, maxMs: limits.kioskMaxMs }
    : { idleMs: limits.idleMs, maxMs: limits.maxMs };
}

const principalOf = ({ token, user }: Known): Principal => ({
  userId: user.id,
  name: user.name,
  displayName: user.displayName,
  roles: user.roles,
  wardIds: user.wardIds,
  kind: token.kind,
  tenantId: user.tenantId ?? DEFAULT_TENANT,
  authenticatedAtMs: token.authenticatedAtMs ?? token.createdAtMs,
  factors: token.factors ?? (token.kind === 'api' ? ['api-key'] : ['password']),
  ...(token.mfaAtMs !== undefined && { mfaAtMs: token.mfaAtMs }),
  ...(token.scopes !== undefined && { scopes: token.scopes }),
  expiresAtMs: Math.min(token.idleExpiresAtMs, token.expiresAtMs),
});
