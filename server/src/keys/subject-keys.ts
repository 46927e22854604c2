import type { TenantId } from '../domain/ids.ts';
import { Failure } from '../ports/failure.ts';
import type { KeyContext, KeyManagement, KeyScope } from '../ports/key-management.ts';
import type { Rewrapped, SubjectKeyStore } from '../ports/subject-keys.ts';

/**
 * The data key of each subject: made when it is first needed, wrapped by the key-encryption key, opened when it is used,
 * and destroyed when what it protects must be forgotten.
 */
export interface SubjectKeys {
  /** To seal with. `tenant`: whose it is, if a key has to be made. Rejects with `Failure` `keys-refused` where the subject was erased: nothing new is written of them. */
  forSealing(subject: string, tenant?: TenantId): Promise<Uint8Array>;
  /** To open with; undefined where there is none, or none any more. */
  forOpening(subject: string): Promise<Uint8Array | undefined>;
  /** Destroys the key of this subject. What it sealed can never be opened again, wherever a copy of it lies. */
  erase(subject: string): Promise<{ readonly atMs: number }>;
  /** The same for a subject whose name is never given again. */
  discard(subject: string): Promise<void>;
  /**
   * Makes a new KEK for each organisation and wraps every key by it, while all of them go on being used. Answers that of
   * the house, and how many were wrapped.
   */
  rotate(): Promise<{ readonly kek: string; readonly rewrapped: number }>;
  /** Goes on with a rotation that was interrupted. */
  rewrapAll(): Promise<number>;
}

export function createSubjectKeys(options: {
  readonly management: KeyManagement;
  readonly store: SubjectKeyStore;
  /** Of the house's own keys, and of whoever is not known to belong elsewhere. */
  readonly scope: KeyScope;
  /** To which organisation a subject belongs that somebody wrote about before it was named. */
  readonly tenantOf?: (subject: string) => Promise<TenantId | undefined>;
  readonly now: () => number;
  /** How many keys are wrapped anew in one transaction. */
  readonly rewrapBatch?: number;
}): SubjectKeys {
  const { management, store, scope, tenantOf, now, rewrapBatch = REWRAP_BATCH } = options;
  const opened = new Map<string, Uint8Array>();
  const asked = new Map<string, Promise<Uint8Array | undefined>>();
  const contextOf = (subject: string, tenant: TenantId): KeyContext => ({ region: scope.region, tenant, subject });
  let trustedUntilMs = Number.NEGATIVE_INFINITY;
  let comparing: Promise<void> | undefined;

  function remember(subject: string, key: Uint8Array): Uint8Array {
    opened.set(subject, key);
    if (opened.size > REMEMBERED_MAX) opened.delete(opened.keys().next().value as string);
    return key;
  }

  function forget(subject: string): void {
    opened.get(subject)?.fill(0);
    opened.delete(subject);
  }

  /** Another process may have erased somebody. Asked for all at once: thousands of keys are not opened again for it. */
  async function forgetErased(): Promise<void> {
    const untilMs = now() + TRUSTED_MS;
    for (const subject of await store.erased()) forget(subject);
    trustedUntilMs = untilMs;
  }

  /** One question at a time for each subject: a ward that is read at once asks for each key once. */
  async function find(subject: string): Promise<Uint8Array | undefined> {
    if (opened.has(subject) && now() >= trustedUntilMs) {
      comparing ??= forgetErased().finally(() => {
        comparing = undefined;
      });
      await comparing;
    }
    const known = opened.get(subject);
    if (known !== undefined) return known;
    const pending = asked.get(subject);
    if (pending !== undefined) return await pending;
    const answer = look(subject).finally(() => asked.delete(subject));
    asked.set(subject, answer);
    return await answer;
  }

  async function look(subject: string): Promise<Uint8Array | undefined> {
    const stored = await store.find(subject);
    if (stored?.kind !== 'kept') return undefined;
    return remember(subject, await management.unwrap(stored.key, contextOf(subject, stored.tenant)));
  }

  /** The house's first: what it answers is about that. */
  async function tenants(): Promise<readonly TenantId[]> {
    return [...new Set([scope.tenant, ...(await store.tenants())])];
  }

  async function rewrapAll(): Promise<number> {
    let rewrapped = 0;
    for (const tenant of await tenants()) rewrapped += await rewrapOf(tenant);
    return rewrapped;
  }

  async function rewrapOf(tenant: TenantId): Promise<number> {
    const kek = await management.newest({ region: scope.region, tenant });
    let rewrapped = 0;
    for (;;) {
      const batch = await store.wrappedByOthers(tenant, kek, rewrapBatch);
      if (batch.length === 0) return rewrapped;
      const again: Rewrapped[] = [];
      for (const { subject, key } of batch)
        again.push({ subject, before: key, after: await management.rewrap(key, contextOf(subject, tenant)) });
      await store.rewrap(again);
      rewrapped += batch.length;
    }
  }

  return {
    forOpening: find,
    async forSealing(subject, of) {
      const known = await find(subject);
      if (known !== undefined) return known;
      const tenant = of ?? (await tenantOf?.(subject)) ?? scope.tenant;
      const { key, wrapped } = await management.newDataKey(contextOf(subject, tenant));
      const stored = await store.putIfNone(subject, { key: wrapped, tenant }, now());
      if (stored.kind === 'erased') throw erased();
      // Another process may have been first: then its key counts, and ours was never used.
      const isOurs = Buffer.from(stored.key.bytes).equals(wrapped.bytes);
      return remember(subject, isOurs ? key : await management.unwrap(stored.key, contextOf(subject, stored.tenant)));
    },
    async erase(subject) {
      const { atMs } = await store.erase(subject, now());
      // An answer that is on its way would be remembered after this.
      await asked.get(subject)?.catch(() => undefined);
      forget(subject);
      return { atMs };
    },
    async discard(subject) {
      await store.remove(subject);
      await asked.get(subject)?.catch(() => undefined);
      forget(subject);
    },
    async rotate() {
      const [own, ...others] = await tenants();
      const kek = await management.rotate({ region: scope.region, tenant: own ?? scope.tenant });
      for (const tenant of others) await management.rotate({ region: scope.region, tenant });
      return { kek, rewrapped: await rewrapAll() };
    },
    rewrapAll,
  };
}

/** How long another process may still open what was erased in this one. */
const TRUSTED_MS = 30_000;
/** Everybody in a large hospital, and who lately went home; about 200 bytes each. */
const REMEMBERED_MAX = 20_000;
const REWRAP_BATCH = 500;

function erased(): Failure {
  return new Failure('keys-refused', 'What is known of this patient was erased; nothing more is kept of them.', {
    retryable: false,
  });
}
