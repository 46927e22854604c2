import type { Role } from '../domain/access.ts';
import { demandsSecondFactor, type Factor, SECOND_FACTORS } from '../domain/factor.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { Accounts, StoredToken, User } from '../ports/accounts.ts';
import { Failure } from '../ports/failure.ts';
import { isBearerSecret, isPendingSecret, newSecret, sha256Of } from './secrets.ts';

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
  /** The patient an app was launched for: its `patient/…` scopes mean this one alone. */
  readonly launchPatientId?: PatientId;
  /**
   * The token is good only with a proof of the key of this thumbprint (RFC 9449, `jkt`); whoever looks at a request checks
   * it (`dpop.ts`). Absent: whoever has the token is who it is for.
   */
  readonly keyThumbprint?: string;
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
  /** Without a proof: just now, by password. */
  open(user: User, proof?: Proof): Promise<{ readonly secret: string; readonly principal: Principal }>;
  /** The first factor was right: a secret for showing the second one with, good for ten minutes, that opens nothing. */
  openPending(user: User, factors: readonly Factor[]): Promise<string>;
  findPending(secret: string): Promise<Pending | undefined>;
  /** A further factor was shown in this session: that stands on it at once. */
  prove(secret: string, factor: Factor): Promise<Principal | undefined>;
  /** A bearer token for scripts; `ttlMs` at most a year. */
  createApiToken(
    user: User,
    ttlMs: number,
    narrowed?: {
      readonly scopes?: readonly string[];
      readonly label?: string;
      /** What the person who makes it has shown; absent: it is made where the data lies. */
      readonly shown?: readonly Factor[];
    },
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number }>;
  end(secret: string): Promise<void>;
  /** Ends whatever else this person has open in browsers, half a sign-in included; or of it what one factor let in. */
  endOthers(userId: UserId, ended: { readonly kept: string; readonly which: 'by-one-factor' | 'all' }): Promise<void>;
  /** Ends all that somebody has open, or one kind of it. Answers with how many. */
  endAll(userId: UserId, kind?: 'session' | 'api'): Promise<number>;
}

export interface Proof {
  readonly factors: readonly Factor[];
  readonly mfaAtMs?: number;
}

export interface Pending {
  readonly user: User;
  readonly factors: readonly Factor[];
  readonly expiresAtMs: number;
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
  /** Whoever has one of these is in only with a second factor, also who was given it while signed in. */
  readonly secondFactorRoles?: readonly Role[];
}): Sessions {
  const { accounts, now, secondFactorRoles = [] } = options;
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
      // What is pending has another prefix and never comes here; what it opens must not hang on that alone.
      if (found === undefined || found.token.kind === 'pending') return undefined;
      if (owesSecondFactor(found)) return undefined;
      const token = await keepAlive(found.token as OpenToken, found.user, nowMs);
      return remember({ token, user: found.user, seenMs: nowMs });
    } catch (error) {
      // The wall must go on ringing while the database is away. Nothing can be revoked then; the limits still hold.
      const isAway = error instanceof Failure && error.retryable;
      if (isAway && before !== undefined && nowMs - before.seenMs <= GRACE_MS) return before;
      throw error;
    }
  }

  function owesSecondFactor({ token, user }: { readonly token: StoredToken; readonly user: User }): boolean {
    if (token.kind === 'session' ? token.mfaAtMs !== undefined : !isMadeByOneFactor(token)) return false;
    return demandsSecondFactor(user.roles, secondFactorRoles);
  }

  /** Pushes the idle limit out, not at every request: after a tenth of it, at most every minute. */
  async function keepAlive(token: OpenToken, user: User, nowMs: number): Promise<OpenToken> {
    if (token.kind === 'api') return noteUse(token, nowMs);
    const { idleMs } = limitsOf(user, limits);
    const idleExpiresAtMs = Math.min(nowMs + idleMs, token.expiresAtMs);
    if (idleExpiresAtMs - token.idleExpiresAtMs < Math.min(60_000, idleMs / 10)) return token;
    await accounts.touchToken(token.sha256, { idleExpiresAtMs, usedAtMs: nowMs });
    return { ...token, idleExpiresAtMs, lastUsedAtMs: nowMs };
  }

  /** A key ends when it ends; when it was last used is kept to the minute, for whoever looks for those nobody needs. */
  async function noteUse(token: OpenToken, nowMs: number): Promise<OpenToken> {
    if (nowMs - (token.lastUsedAtMs ?? 0) < USE_NOTED_EVERY_MS) return token;
    await accounts.touchToken(token.sha256, { idleExpiresAtMs: token.idleExpiresAtMs, usedAtMs: nowMs });
    return { ...token, lastUsedAtMs: nowMs };
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
    async open(user, proof = { factors: ['password'] }) {
      const nowMs = now();
      const { idleMs, maxMs } = limitsOf(user, limits);
      const secret = newSecret('session');
      const expiresAtMs = nowMs + maxMs;
      const idleExpiresAtMs = Math.min(nowMs + idleMs, expiresAtMs);
      const token = { kind: 'session', sha256: sha256Of(secret), userId: user.id, createdAtMs: nowMs } as const;
      const stored = { ...token, idleExpiresAtMs, expiresAtMs, authenticatedAtMs: nowMs, ...proof };
      await accounts.addToken(stored);
      return { secret, principal: principalOf({ token: stored, user, seenMs: nowMs }) };
    },
    async openPending(user, factors) {
      const nowMs = now();
      const secret = newSecret('pending');
      const expiresAtMs = nowMs + PENDING_MS;
      const token = { kind: 'pending', sha256: sha256Of(secret), userId: user.id, createdAtMs: nowMs } as const;
      await accounts.addToken({
        ...token,
        factors,
        authenticatedAtMs: nowMs,
        idleExpiresAtMs: expiresAtMs,
        expiresAtMs,
      });
      return secret;
    },
    async findPending(secret) {
      const found = isPendingSecret(secret) ? await accounts.findToken(sha256Of(secret), now()) : undefined;
      if (found?.token.kind !== 'pending') return undefined;
      const { token, user } = found;
      return { user, factors: token.factors ?? [], expiresAtMs: token.expiresAtMs };
    },
    async prove(secret, factor) {
      const sha256 = sha256Of(secret);
      const nowMs = now();
      const found = await accounts.findToken(sha256, nowMs);
      if (found?.token.kind !== 'session') return undefined;
      const { mfaAtMs, factors = [] } = found.token;
      const isSecond = factor !== 'password';
      const proof = {
        authenticatedAtMs: isSecond ? (found.token.authenticatedAtMs ?? found.token.createdAtMs) : nowMs,
        factors: [...factors.filter((one) => one !== factor), factor],
        ...(isSecond ? { mfaAtMs: nowMs } : mfaAtMs !== undefined && { mfaAtMs }),
      };
      await accounts.putProof(sha256, proof);
      return principalOf(
        remember({ token: { ...(found.token as OpenToken), ...proof }, user: found.user, seenMs: nowMs }),
      );
    },
    async createApiToken(user, ttlMs, { shown = [], ...narrowed } = {}) {
      const nowMs = now();
      const secret = newSecret('api');
      const expiresAtMs = nowMs + Math.min(ttlMs, API_TOKEN_MAX_MS);
      const token = { kind: 'api', sha256: sha256Of(secret), userId: user.id, createdAtMs: nowMs } as const;
      await accounts.addToken({
        ...token,
        idleExpiresAtMs: expiresAtMs,
        expiresAtMs,
        authenticatedAtMs: nowMs,
        factors: [...shown, 'api-key'],
        ...narrowed,
      });
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
    async endOthers(userId, { kept, which }) {
      const own = sha256Of(kept);
      for (const { sha256, kind, mfaAtMs } of await accounts.tokensOf(userId, now())) {
        if (kind === 'api' || sha256 === own || (which === 'by-one-factor' && mfaAtMs !== undefined)) continue;
        await accounts.revokeToken(sha256, now());
        known.delete(sha256);
      }
    },
    async endAll(userId, kind) {
      // Whoever has shown the first factor and still owes the second is as good as in: that ends with the sessions.
      if (kind === 'session') await accounts.revokeTokensOf({ userId, atMs: now(), kind: 'pending' });
      const count = await accounts.revokeTokensOf({ userId, atMs: now(), ...(kind !== undefined && { kind }) });
      for (const [sha256, entry] of known) if (entry.user.id === userId) known.delete(sha256);
      return count;
    },
  };
}

/** A key that a person made who had shown no second factor; one that was made where the data lies has shown nothing. */
function isMadeByOneFactor({ factors = [] }: StoredToken): boolean {
  const shown = factors.filter((factor) => factor !== 'api-key');
  return shown.length > 0 && !SECOND_FACTORS.some((second) => shown.includes(second));
}

/** Long enough to find the phone, or to enrol one. */
const PENDING_MS = 10 * 60_000;

/** How long a revocation may go unnoticed, and what ten walls asking every 2 s cost: two queries per wall. */
const FRESH_MS = 5_000;
/** One small write a minute for each key in use. */
const USE_NOTED_EVERY_MS = 60_000;
/** As long as a restart of the database with recovery may take; a session that was good stays good for that. */
const GRACE_MS = 10 * 60_000;
/** Five times the people of a large hospital's shift; some 500 bytes each. */
const KNOWN_MAX = 10_000;

type OpenToken = StoredToken & { readonly kind: 'session' | 'api' };

interface Known {
  readonly token: OpenToken;
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
