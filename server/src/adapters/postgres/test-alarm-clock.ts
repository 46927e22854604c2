import { testSeal } from '../../keys/test-identities.ts';
import { startAlarmClock } from '../../vitals/4-alert/alarm-clock.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { connect, type DatabaseAddress } from './connection.ts';

/**
 * A process that runs nothing but the alarm clock, to be killed. Its argument: where the database is, what time it is
 * there, and whether it stops in the middle of a transaction, with everything written and nothing committed.
 */
const { address, nowMs, hangs } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly address: DatabaseAddress;
  readonly nowMs: number;
  readonly hangs: boolean;
};
const store = new PostgresAlarmStore(connect(address, { connectionsMax: 2 }), {
  seal: testSeal(),
  now: () => nowMs,
  inTransaction: [
    async () => {
      if (!hangs) return;
      process.stdout.write('in the middle\n');
      await new Promise(() => setInterval(() => undefined, 1_000));
    },
  ],
});
startAlarmClock({
  store,
  desk: {
    adopt: (changes) => void process.stdout.write(changes.map(({ kind }) => `${kind}\n`).join('')),
    settled: async () => undefined,
  },
  now: () => nowMs,
  settings: { restMs: 5, sleepMaxMs: 20 },
});
