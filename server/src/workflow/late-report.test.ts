import { expect, it } from 'vitest';
import { createLateReport } from './late-report.ts';

it('what went on late is said once for all, with the latest, and what was in time is not', () => {
  const said: unknown[] = [];
  const late = createLateReport({ report: (each) => said.push(each), everyMs: 3_600_000 });
  for (const lateMs of [3, 1_999, 2_000, 61_000.4, 5_000]) late.advanced({ lateMs });
  late.stop();
  expect(said).toEqual([{ count: 3, lagMs: 61_000 }]);
  late.stop();
  expect(said).toHaveLength(1);
});
