import { describe, expect, it } from 'vitest';
import { compareAlarms } from '../live/alarm-rank.ts';
import { testAlert } from '../live/test-alert.ts';
import { layOut } from './tile-layout.ts';
import { byPriority } from './tile-order.ts';

const alarm = testAlert;

describe('the order of alarms', () => {
  it('puts what nobody has taken before what somebody has, then high, medium, low, technical', () => {
    const taken = { acknowledgedAt: '2026-11-22T01:01:00Z' };
    const sorted = [
      alarm({ id: 'technical', kind: 'technical', priority: 'high' }),
      alarm({ id: 'taken high', ...taken }),
      alarm({ id: 'low', priority: 'low' }),
      alarm({ id: 'ended high', condition: 'ended' }),
      alarm({ id: 'medium', priority: 'medium' }),
      alarm({ id: 'high' }),
    ].sort(compareAlarms);
    expect(sorted.map(({ id }) => id)).toEqual(['high', 'medium', 'ended high', 'low', 'technical', 'taken high']);
  });
});

describe('the wall by priority', () => {
  const beds = ['1', '2', '3', '4'];
  const alarmsOf = (id: string) => (id === '4' ? [alarm({})] : []);

  it('brings the alarm to the front and leaves the rest as they lie', () => {
    expect(byPriority(beds, alarmsOf, { held: undefined, before: beds })).toEqual(['4', '1', '2', '3']);
  });

  it('never moves the bed somebody is on', () => {
    expect(byPriority(beds, alarmsOf, { held: '2', before: beds })).toEqual(['4', '2', '1', '3']);
    expect(byPriority(beds, alarmsOf, { held: '1', before: beds })).toEqual(['1', '4', '2', '3']);
  });

  it('forgets a held bed that is gone', () => {
    expect(byPriority(beds, alarmsOf, { held: '9', before: ['9', ...beds] })).toEqual(['4', '1', '2', '3']);
  });
});

describe('the layout', () => {
  it('fits forty beds on a 1080p screen without scrolling, and grows them on 4K', () => {
    const hd = layOut({ width: 1912, height: 990 }, 40);
    const uhd = layOut({ width: 3832, height: 2070 }, 40);
    expect(hd).toMatchObject({ kind: 'grid', isScrolling: false });
    expect(uhd.isScrolling).toBe(false);
    expect(uhd.tileHeight).toBeGreaterThan(1.9 * hd.tileHeight);
    expect(Math.ceil(40 / hd.columns) * (hd.tileHeight + 4) - 4).toBeLessThanOrEqual(990);
  });

  it('scrolls rather than shrink below what can be read, and lists beds on a phone', () => {
    expect(layOut({ width: 1912, height: 990 }, 200).isScrolling).toBe(true);
    expect(layOut({ width: 360, height: 600 }, 40).kind).toBe('list');
  });
});
