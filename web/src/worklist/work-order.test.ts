import type { Alert } from '@healthsync/contracts/alert';
import { describe, expect, it } from 'vitest';
import { testAlert } from '../live/test-alert.ts';
import { mayBeBulk, workOrder } from './work-order.ts';

const alert = (id: string, minute: number, change: Partial<Alert> = {}): Alert =>
  testAlert({ id, raisedAt: `2026-11-22T01:${String(minute).padStart(2, '0')}:00.000Z`, ...change });
const taken = { acknowledgedAt: '2026-11-22T02:00:00Z' };

describe('the worklist', () => {
  it('puts what nobody has first, then priority, then what waits longest', () => {
    const alerts = [
      alert('taken-high', 1, taken),
      alert('low', 2, { priority: 'low' }),
      alert('late-high', 9),
      alert('early-high', 3),
      alert('technical', 1, { kind: 'technical', priority: 'low' }),
      alert('medium', 1, { priority: 'medium' }),
    ];
    expect(workOrder(alerts).map(({ id }) => id)).toEqual([
      'early-high',
      'late-high',
      'medium',
      'low',
      'technical',
      'taken-high',
    ]);
  });

  it('puts what is present before what is over, however long that has been open', () => {
    const alerts = [
      alert('over', 1, { condition: 'ended' }),
      alert('present', 9),
      alert('present-medium', 9, { priority: 'medium' }),
    ];
    expect(workOrder(alerts).map(({ id }) => id)).toEqual(['present', 'present-medium', 'over']);
  });

  it('puts what is snoozed behind what calls and before what is taken', () => {
    const snooze = { until: '2026-11-22T02:00:00Z', by: 'Kim', at: '2026-11-22T01:55:00Z' };
    const alerts = [alert('taken', 1, taken), alert('snoozed', 1, { snooze }), alert('low', 5, { priority: 'low' })];
    expect(workOrder(alerts).map(({ id }) => id)).toEqual(['low', 'snoozed', 'taken']);
  });

  it('lets many be acknowledged at once, but never a high one', () => {
    expect(mayBeBulk(alert('a', 1))).toBe(false);
    expect(mayBeBulk(alert('a', 1, { priority: 'medium' }))).toBe(true);
    expect(mayBeBulk(alert('a', 1, { priority: 'medium', ...taken }))).toBe(false);
  });
});
