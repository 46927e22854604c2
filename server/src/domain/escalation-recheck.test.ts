import { describe, expect, it } from 'vitest';
import type { Alarm } from './alarm.ts';
import { recheck } from './escalation-recheck.ts';
import type { PatientStatus } from './patient-status.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const cause = { vital: 'heartRate', value: 171, comparison: 'above', limit: 160, text: 'HR 171 > 160' } as const;
const alarm = (over: Partial<Alarm> = {}) =>
  ({ kind: 'physiological', state: 'active', condition: 'ended', cause, worst: cause, ...over }) as Alarm;
const status = (value: number, ageMs = 1_000, over: Partial<PatientStatus> = {}): PatientStatus =>
  ({
    values: { heartRate: { value, atMs: NOW - ageMs, receivedAtMs: NOW - ageMs, intervalMs: 1_000 } },
    leadsOff: false,
    ...over,
  }) as PatientStatus;
const verdict = (one: Alarm, now: PatientStatus | undefined) => recheck(one, now, NOW).verdict;

describe('the vital read again', () => {
  it('has recovered where its condition has ended and a good value is recent', () => {
    expect(verdict(alarm(), status(110))).toBe('recovered');
  });

  it('has not, while the condition is present', () => {
    expect(verdict(alarm({ condition: 'present' }), status(110))).toBe('breaching');
  });

  it('has not, where the latest value is beyond the limit again, too short to ring', () => {
    expect(verdict(alarm(), status(165))).toBe('breaching');
    const low = { vital: 'spo2', value: 80, comparison: 'below', limit: 85, text: 'SpO2 80 < 85' } as const;
    const spo2 = (value: number) =>
      ({ values: { spo2: { value, atMs: NOW, receivedAtMs: NOW, intervalMs: 1_000 } }, leadsOff: false }) as never;
    expect(verdict(alarm({ cause: low }), spo2(84))).toBe('breaching');
    expect(verdict(alarm({ cause: low }), spo2(93))).toBe('recovered');
  });

  it('is not taken for recovered where nothing recent was heard', () => {
    expect(verdict(alarm(), status(110, 60_000))).toBe('no-data');
    expect(verdict(alarm(), undefined)).toBe('no-data');
    expect(verdict(alarm(), status(110, 1_000, { leadsOff: true }))).toBe('no-data');
    expect(verdict(alarm(), status(110, 1_000, { values: {} }))).toBe('no-data');
  });

  it('counts a score like a value, and any recent vital as news of it', () => {
    const news2 = { vital: 'news2', value: 8, comparison: 'at-least', limit: 7, text: 'NEWS2 8' } as const;
    const scored = (score: number) => status(90, 1_000, { news2: { score, single3: false, points: {}, missing: [] } });
    expect(verdict(alarm({ cause: news2 }), scored(7))).toBe('breaching');
    expect(verdict(alarm({ cause: news2 }), scored(6))).toBe('recovered');
  });

  it('asks no vital where the condition was technical', () => {
    expect(verdict(alarm({ kind: 'technical', cause: { text: 'NO DATA' } }), undefined)).toBe('recovered');
  });

  it('matters no more once somebody has it, or it is over', () => {
    expect(verdict(alarm({ condition: 'present', acknowledgedAtMs: NOW }), status(171))).toBe('taken');
    expect(verdict(alarm({ state: 'resolved' }), status(171))).toBe('over');
  });
});
