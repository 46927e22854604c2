import type { TenantId } from '../domain/ids.ts';

/**
 * Who holds the keys that other keys are encrypted with (key-encryption keys, KEK). They never leave it: data keys go in
 * and come out. One KEK per region and tenant, in versions: the newest wraps, every older one still unwraps.
 *
 * Everything rejects with `Failure` `keys-unavailable` (retryable) where the holder cannot be reached, and with
 * `keys-refused` where it answered and said no: a wrong context, a wrapped key that was altered, a KEK that is gone.
 */
export interface KeyManagement {
  /** A fresh data key of 32 bytes, and the same wrapped by the newest KEK. */
  newDataKey(context: KeyContext): Promise<{ readonly key: Uint8Array; readonly wrapped: WrappedKey }>;
  unwrap(wrapped: WrappedKey, context: KeyContext): Promise<Uint8Array>;
  /** The same data key, wrapped by the newest KEK. */
  rewrap(wrapped: WrappedKey, context: KeyContext): Promise<WrappedKey>;
  /** The KEK that wraps from now on, by its id. */
  newest(scope: KeyScope): Promise<string>;
  /** Makes another KEK, which wraps from now on; answers its id. */
  rotate(scope: KeyScope): Promise<string>;
}

/** What one key-encryption key is for. */
export interface KeyScope {
  /** Where the data lies, as the installation names it: `local`, `eu-central-1`. */
  readonly region: string;
  readonly tenant: TenantId;
}

/** What a wrapped key is bound to: it unwraps with the same context only, so that no key can pass for another's. */
export interface KeyContext extends KeyScope {
  /** Whose it is: `patient:P1`, `house:secrets`. */
  readonly subject: string;
}

export interface WrappedKey {
  /** Which KEK, in which version. */
  readonly kek: string;
  readonly bytes: Uint8Array;
}
