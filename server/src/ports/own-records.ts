import type { PatientId, UserId } from '../domain/ids.ts';

/** Which patient somebody who works here is, and whose neighbour: as blind indexes, which find and cannot be read. */
export interface OwnRecords {
  all(): Promise<ReadonlyMap<UserId, OwnRecord>>;
  find(userId: UserId): Promise<OwnRecord | undefined>;
  /** What is undefined stays; null takes it away. */
  put(userId: UserId, change: OwnRecordChange, made: { readonly by: string; readonly atMs: number }): Promise<void>;
}

export interface OwnRecord {
  readonly patientId?: PatientId;
  readonly mrnIndex?: Uint8Array;
  readonly addressIndex?: Uint8Array;
  readonly familyNameIndex?: Uint8Array;
}

export type OwnRecordChange = { readonly [Field in keyof OwnRecord]?: OwnRecord[Field] | null };

/** By which values of patients and of people are compared without being read. */
export interface RelationIndex {
  of(field: 'address' | 'familyName', text: string): Promise<Uint8Array>;
}
