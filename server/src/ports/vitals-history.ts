import type { DeviceId, PatientId, ReadingId } from '../domain/ids.ts';
import type { AssignedReading } from '../domain/reading.ts';
import type { VitalName } from '../domain/vital.ts';
import type { LoggedReading, LogPositions } from './reading-log.ts';

/** Every reading ever kept, exactly once, by patient and time. */
export interface VitalsHistory {
  /**
   * To be filled with readings as they come, so that none is held in memory while it waits to be stored. Several may be
   * filled at once; they are stored one after the other.
   */
  gather(): HistoryBatch;

  /** How far readings have been stored, from the same store as the rows. */
  position(): Promise<LogPositions>;

  /** Readings of one patient with `fromMs <= at < toMs`, oldest first, at most `limit`. */
  read(query: {
    readonly patientId: PatientId;
    readonly fromMs: number;
    readonly toMs: number;
    readonly limit: number;
  }): Promise<readonly AssignedReading[]>;

  /**
   * A trend for drawing: the period cut into `buckets` equal spans; for each span that holds a value, its mean, lowest
   * and highest. Spans without a value are absent, so that a gap stays a gap.
   */
  trend(query: {
    readonly patientId: PatientId;
    readonly vital: VitalName;
    readonly fromMs: number;
    readonly toMs: number;
    readonly buckets: number;
  }): Promise<readonly TrendPoint[]>;

  /** The newest value of each vital of these patients. */
  latest(patientIds: readonly PatientId[]): Promise<readonly LatestValue[]>;
}

export interface Kept {
  readonly stored: number;
  readonly duplicates: number;
}

/** Readings gathered in the store's own form. */
export interface HistoryBatch {
  readonly count: number;
  /** Copies what is to be stored. False, and nothing taken, when it does not fit: store first. An empty batch takes any. */
  add(record: LoggedReading): boolean;
  /**
   * Stores the readings, the latest value of each vital and the group's position in one transaction; a reading that is
   * already there (same patient, device, id and time) changes nothing. Rejects with `Failure` `database-unavailable`,
   * and may then be called again; once stored, the batch is empty and can be filled anew.
   */
  store(next: LogPositions): Promise<Kept>;
}

export interface TrendPoint {
  /** Start of the span. */
  readonly atMs: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface LatestValue {
  readonly patientId: PatientId;
  readonly vital: VitalName;
  readonly value: number;
  readonly atMs: number;
  readonly deviceId: DeviceId;
  readonly readingId: ReadingId;
}
