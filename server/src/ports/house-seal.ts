/**
 * Seals secrets of the installation itself (what events are signed with, …) before they are stored, as text, and what is
 * nobody's yet, as bytes. `field` names where it is stored and is part of the seal. Rejects with `Failure`
 * `keys-unavailable`.
 */
export interface HouseSeal {
  seal(field: string, text: string): Promise<string>;
  /** What is not sealed, from before, comes back as it is; undefined where it was sealed elsewhere or altered. */
  open(field: string, stored: string): Promise<string | undefined>;
  sealBytes(field: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** Undefined where it was sealed elsewhere or altered. */
  openBytes(field: string, sealed: Uint8Array): Promise<Uint8Array | undefined>;
}
