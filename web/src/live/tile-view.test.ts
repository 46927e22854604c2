import type { Alert } from '@healthsync/contracts/alert';
import type { Tile } from '@healthsync/contracts/live';
import { describe, expect, it } from 'vitest';
import { LOST, tileView } from './tile-view.ts';

const NOW = 1_800_000_000_000;
const value = (v: number, ageMs: number, staleAfter = 5_000) => {
  const rx = NOW - ageMs;
  return { v, at: rx, rx, staleAfter, lostAfter: staleAfter * 6 };
};

function tile(ageMs: number, change: Partial<Tile> = {}): Tile {
  return {
    patientId: 'P1',
    wardId: 'W',
    bedId: 'B',
    bed: 'W3-01',
    lastAt: NOW - ageMs,
    connection: 'live',
    values: {
      heartRate: value(82.4, ageMs),
      spo2: value(97, ageMs),
      respiratoryRate: value(16, ageMs),
      systolic: value(120, 600_000, 4_500_000),
      diastolic: value(80, 600_000, 4_500_000),
      temperature: value(36.8, ageMs, 4_500_000),
    },
    news2: { score: 7, single3: true, points: { heartRate: 3 }, missing: [] },
    ...change,
  };
}

function alert(change: Partial<Alert> = {}): Alert {
  const cause = { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' } as const;
  return {
    id: 'A1',
    patientId: 'P1',
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    kind: 'physiological',
    priority: 'high',
    state: 'active',
    condition: 'present',
    cause,
    worst: cause,
    deviceId: 'D1',
    readingId: 'r1',
    lastReadingId: 'r1',
    highestPriority: 'high',
    reminders: 0,
    notes: 0,
    raisedAt: new Date(NOW - 38_000).toISOString(),
    ...change,
  };
}

describe('a tile', () => {
  it('shows a live value at chart precision and no age', () => {
    expect(tileView(tile(900), [], NOW)).toMatchObject({
      heartRate: { text: '82', freshness: 'live' },
      pressure: { text: '120/80' },
      temperature: { text: '36.8' },
      age: '',
      notice: '',
    });
  });

  it('ages by itself: stale at 5 s, lost at 30 s, also when the server says nothing more', () => {
    expect(tileView(tile(4_999), [], NOW).heartRate.freshness).toBe('live');
    expect(tileView(tile(5_000), [], NOW)).toMatchObject({ heartRate: { text: '82', freshness: 'stale' }, age: '5 s' });
    expect(tileView(tile(30_000), [], NOW)).toMatchObject({
      heartRate: { text: LOST, freshness: 'lost' },
      notice: '! NO DATA 0:30',
    });
  });

  it('lets a lost NEWS2 keep neither score nor colour', () => {
    expect(tileView(tile(1_000), [], NOW)).toMatchObject({ news2: { text: '7' }, news2Tone: 'emergency' });
    expect(tileView(tile(31_000), [], NOW)).toMatchObject({ news2: { text: LOST }, news2Tone: 'plain' });
  });

  it('shows a partial NEWS2 as a lower bound', () => {
    const partial = tile(0, {
      news2: { score: 3, single3: false, points: { spo2: 3 }, missing: [{ parameter: 'oxygen' }] },
    });
    expect(tileView(partial, [], NOW).news2.text).toBe('≥3');
  });

  it('says of a patient under 16 that NEWS2 is not for them, not that there is none yet', () => {
    const { news2: _, ...young } = tile(1_000);
    const shown = tileView({ ...young, news2NotApplicable: 'under-16' }, [], NOW);
    expect([shown.news2.text, shown.news2Tone]).toEqual(['n/a', 'plain']);
  });

  it('keeps spot values by their own interval, with their age', () => {
    expect(tileView(tile(31_000), [], NOW)).toMatchObject({
      pressure: { text: '120/80', freshness: 'live' },
      pressureAge: '10 min',
    });
  });

  it('shows no heart rate from leads that are off, nor an old one when the feed then falls silent', () => {
    const off = (ageMs: number) => tileView(tile(ageMs, { connection: 'leads-off' }), [], NOW);
    expect(off(1_000)).toMatchObject({ heartRate: { text: LOST }, spo2: { text: '97' }, notice: '! LEADS OFF' });
    expect(off(8_000)).toMatchObject({
      heartRate: { text: LOST },
      spo2: { freshness: 'stale' },
      notice: '! LEADS OFF',
    });
  });

  it('says that nothing was ever measured, rather than zero', () => {
    const { lastAt: _, ...never } = tile(0, { connection: 'waiting', values: {} });
    expect(tileView(never, [], NOW)).toMatchObject({ heartRate: { text: '–' }, notice: 'Waiting for data' });
  });

  it('keeps an alarm when its patient falls silent', () => {
    expect(tileView(tile(40_000), [alert()], NOW)).toMatchObject({
      look: 'high',
      call: 'calling',
      alarm: '*** HR 167 > 160',
      notice: '! NO DATA',
      toTake: 'A1',
    });
  });

  it('marks an ended, unacknowledged alarm as latched, and it can still be taken', () => {
    const ended = alert({ condition: 'ended', endedAt: new Date(NOW - 12_000).toISOString() });
    expect(tileView(tile(0), [ended], NOW)).toMatchObject({ call: 'latched', alarmNote: 'ended 12 s', toTake: 'A1' });
  });

  it('names who has an alarm and offers it to nobody else', () => {
    const taken = alert({ acknowledgedAt: new Date(NOW).toISOString(), acknowledgedBy: 'Dr Osei' });
    expect(tileView(tile(0), [taken], NOW)).toMatchObject({ call: 'taken', alarmNote: '✓ Dr Osei', toTake: undefined });
  });
});
