import type { Tile } from '@healthsync/contracts/live';
import type { SparklineResponse } from '@healthsync/contracts/patient';

/** Heart rate of the last quarter of an hour, bed by bed. */
export const SPARK_MINUTES = 15;
const SPAN_MS = SPARK_MINUTES * 60_000;
/** A point every five seconds is finer than a sparkline's pixels, and 180 points a bed keep 200 beds small. */
const STEP_MS = 5_000;

export interface Spark {
  readonly at: readonly number[];
  readonly v: readonly number[];
}

export interface Sparklines {
  fill(history: SparklineResponse): void;
  add(tile: Tile): void;
  of(patientId: string): Spark | undefined;
  forget(): void;
}

export function createSparklines(): Sparklines {
  const sparks = new Map<string, { at: number[]; v: number[] }>();
  return {
    fill({ patients }) {
      for (const [patientId, { at, v }] of Object.entries(patients)) {
        const live = sparks.get(patientId);
        const from = live?.at[0] ?? Number.POSITIVE_INFINITY;
        const older = at.findLastIndex((ms) => ms < from) + 1;
        sparks.set(patientId, {
          at: [...at.slice(0, older), ...(live?.at ?? [])],
          v: [...v.slice(0, older), ...(live?.v ?? [])],
        });
      }
    },
    add(tile) {
      const value = tile.values['heartRate'];
      if (value === undefined) return;
      const spark = sparks.get(tile.patientId) ?? { at: [], v: [] };
      sparks.set(tile.patientId, spark);
      const last = spark.at.at(-1);
      if (last !== undefined && value.at - last < STEP_MS) return;
      spark.at.push(value.at);
      spark.v.push(value.v);
      const start = spark.at.findIndex((ms) => ms >= value.at - SPAN_MS);
      if (start > 0) {
        spark.at.splice(0, start);
        spark.v.splice(0, start);
      }
    },
    of: (patientId) => sparks.get(patientId),
    forget: () => sparks.clear(),
  };
}
