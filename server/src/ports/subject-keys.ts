import type { TenantId } from '../domain/ids.ts';
import type { WrappedKey } from './key-management.ts';

/**
 * The wrapped data keys, one per subject (a patient, or the house itself), kept apart from the data they open: a backup
 * of the database holds no key, so erasing a key here erases what it opened in every backup too.
 *
 * Rejects with `Failure` `keys-unavailable`.
 */
export interface SubjectKeyStore {
  find(subject: string): Promise<StoredKey | undefined>;
  /** Keeps this key unless the subject has one, or had one that was erased; answers what is there then. */
  putIfNone(subject: string, key: KeptKey, atMs: number): Promise<StoredKey>;
  /** Replaces the wrapping of the same data keys, all at once; skips what was erased or rewrapped meanwhile. */
  rewrap(keys: readonly Rewrapped[]): Promise<void>;
  /** For good: the key's bytes are overwritten where they lay. What is erased stays known as erased. */
  erase(subject: string, atMs: number): Promise<ErasedKey>;
  /** The same for a subject whose name is never given again: not even that it was there stays. */
  remove(subject: string): Promise<void>;
  /** Everybody who was erased: few, and they never come back. */
  erased(): Promise<readonly string[]>;
  /** The organisations that have keys. */
  tenants(): Promise<readonly TenantId[]>;
  /** Those of an organisation that another KEK than this one wraps, at most `max`. */
  wrappedByOthers(
    tenant: TenantId,
    kek: string,
    max: number,
  ): Promise<readonly { readonly subject: string; readonly key: WrappedKey }[]>;
  counts(): Promise<{ readonly kept: number; readonly erased: number }>;
}

export interface Rewrapped {
  readonly subject: string;
  readonly before: WrappedKey;
  readonly after: WrappedKey;
}

export type StoredKey = ({ readonly kind: 'kept' } & KeptKey) | ErasedKey;

export interface KeptKey {
  readonly key: WrappedKey;
  /** By whose KEK it is wrapped. */
  readonly tenant: TenantId;
}

export interface ErasedKey {
  readonly kind: 'erased';
  readonly atMs: number;
}
