/**
 * The keys a reading log is sealed with at rest. Each is good for about a day of readings; once the log holds nothing more
 * that it sealed, it is destroyed, and with it what a backup still holds of those readings.
 *
 * Rejects with `Failure` `keys-unavailable` or `keys-refused`, see `key-management.ts`.
 */
export interface LogKeys {
  /** Once, before `current`: goes on with the key of the newest segment if that is still young, or makes one. */
  begin(newest: { readonly id: string; readonly sinceMs: number } | undefined): Promise<void>;
  /** To seal a new segment with. At hand: nobody is asked, so readings are taken while a key service is away. */
  current(): LogKey;
  /** Undefined where it was destroyed. */
  find(id: string): Promise<Uint8Array | undefined>;
  /** For good: whatever this sealed can never be opened again, wherever a copy of it lies. */
  destroy(id: string): Promise<void>;
}

export interface LogKey {
  /** 16 hexadecimal digits, never given twice. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}
