/** Where something was found that names a patient; never what it says. */
export interface LeakHit {
  readonly where: 'file' | 'file-name' | 'table';
  /** Path in the folder that was read, or table and column. */
  readonly place: string;
  /** About where in a file, in bytes of what was decoded. */
  readonly offset?: number;
  readonly row?: number;
  readonly what: LeakedKind;
  /** How it was written there: `plain`, `base64`, `gzip, utf-16le`. */
  readonly encoding: string;
  /** Whose; of a canary it is nobody's. */
  readonly patientId?: string;
}

export type LeakedKind = 'canary' | 'name' | 'record-number';

export interface LeakScanCounts {
  readonly files: number;
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
  readonly canaries: number;
  readonly patients: number;
}
