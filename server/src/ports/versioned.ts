/** What becomes of a change to something that two people may change at once. */
export type VersionedOutcome =
  | { readonly kind: 'kept'; readonly version: number }
  /** Somebody else has changed it since, or it was there already: nothing was changed. */
  | ({ readonly kind: 'changed-meanwhile' } & Standing);

/** What stands there now, and whose it is. */
export interface Standing {
  /** 0: never set. */
  readonly version: number;
  readonly by?: string;
  readonly atMs?: number;
}
