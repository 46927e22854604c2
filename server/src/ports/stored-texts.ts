/** Every column of the database that can hold text, as it lies there: for searching it for what may not be in it. */
export interface StoredTexts {
  /** Piece by piece; the smaller tables first. As of one moment for each table. */
  pieces(): AsyncIterable<TextPiece>;
}

export interface TextPiece {
  /** `alarm_note.text` */
  readonly column: string;
  /** Of the first row in it, counted from 1. */
  readonly firstRow: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
}
