/** A place outside the database that keeps what was signed, out of reach of whoever could change the database. */
export interface TreeHeadAnchor {
  readonly name: string;
  /** Resolves when it is kept there. The same head again changes nothing. */
  keep(head: AnchoredHead): Promise<void>;
}

export interface AnchoredHead {
  readonly size: number;
  readonly signedAtMs: number;
  /** The signed text. */
  readonly note: string;
}

/** One whose heads can be read again, to compare the log with. */
export interface ReadableAnchor extends TreeHeadAnchor {
  /** The signed texts it has. */
  kept(): Promise<readonly string[]>;
}
