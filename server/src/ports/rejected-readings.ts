import type { Problem } from '../domain/problem.ts';

/** Readings that were refused, kept with the reason so that an operator can see them and replay them after a fix. */
export interface RejectedReadings {
  /** Bounded: beyond `RejectedReadings` capacity the oldest give way. Resolves when durable. */
  add(rejected: readonly NewRejectedReading[]): Promise<void>;
  /** Newest first. */
  list(query: {
    readonly deviceId?: string;
    readonly code?: string;
    readonly state?: 'open' | 'replayed' | 'dismissed';
    readonly beforeId?: string;
    readonly limit: number;
  }): Promise<readonly RejectedReading[]>;
  find(id: string): Promise<RejectedReading | undefined>;
  mark(id: string, state: 'replayed' | 'dismissed', atMs: number, by: string): Promise<void>;
}

export interface NewRejectedReading {
  /** The device that was authenticated, not the one the payload claims. */
  readonly deviceId: string;
  readonly receivedAtMs: number;
  readonly source: 'mqtt' | 'https';
  /** The bytes as received, cut at the ingest size bound. */
  readonly payload: Uint8Array;
  readonly problems: readonly Problem[];
}

export interface RejectedReading extends NewRejectedReading {
  readonly id: string;
  readonly state: 'open' | 'replayed' | 'dismissed';
}
