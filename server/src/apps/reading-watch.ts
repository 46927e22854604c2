import type { Database } from '../adapters/postgres/open-database.ts';
import type { Services } from '../serve/services.ts';
import { KEEP_GROUP, type Keeper } from '../vitals/2-keep/keeper.ts';
import { ASSESS_GROUP, type Assessor } from '../vitals/3-assess/assessor.ts';
import type { AlarmDesk } from '../vitals/4-alert/alarm-desk.ts';

interface ReadingStages {
  readonly database: Database;
  readonly assessor: Assessor;
  readonly keeper: Keeper;
  readonly desk: AlarmDesk;
}

/** How the stages of a reading's way do, for the health page. */
export function readingHealth(parts: ReadingStages & { readonly isFull: () => boolean }): Services['health'] {
  const { isFull, database, assessor, keeper, desk } = parts;
  return [
    { name: 'log', required: true, state: () => (isFull() ? 'down' : 'up') },
    {
      name: 'database',
      // Readings are taken and alarms ring without it; what waits is history and acknowledging.
      required: false,
      state: () => database.pool.query('select 1').then(() => 'up' as const),
    },
    { name: 'assessor', required: true, state: () => (assessor.isCaughtUp() ? 'up' : 'down') },
    { name: 'history', required: false, state: () => (keeper.lag() > LAG_DEGRADED ? 'degraded' : 'up') },
    { name: 'alarm store', required: false, state: () => (desk.unstored() > 0 ? 'degraded' : 'up') },
  ];
}

/** The same in numbers. */
export function readingGauges({ database, assessor, keeper, desk }: ReadingStages) {
  return {
    healthsync_log_lag_readings: () => ({ [KEEP_GROUP]: keeper.lag(), [ASSESS_GROUP]: assessor.lag() }),
    healthsync_alarms_open: () => countBy(desk.open().map(({ priority }) => priority)),
    healthsync_alarms_unstored: () => desk.unstored(),
    healthsync_postgres_connections: () => {
      const { totalCount, idleCount, waitingCount } = database.pool;
      return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
    },
  };
}

/** Readings behind which history is called degraded: some seconds of ten thousand devices. */
const LAG_DEGRADED = 50_000;

function countBy(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { high: 0, medium: 0, low: 0 };
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
