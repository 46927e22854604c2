/**
 * A secret text of the installation, kept where every server of it finds it. Rejects with `Failure`.
 */
export interface KeptSecret {
  read(): Promise<string | undefined>;
  /** Keeps `after` if what is there is `before`; undefined: nothing. False where somebody else was first. */
  replace(before: string | undefined, after: string): Promise<boolean>;
}
