import { describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../../server/src/domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { isForDesign } from './charts.ts';
import { metBy, sustainedEvents } from './events.ts';
import { callsFor } from './people.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function transition(
  kind: ConditionTransition['kind'],
  atMs: number,
  over: Partial<ConditionTransition> = {},
): ConditionTransition {
  return {
    kind,
    patientId: 'P' as PatientId,
    rule: 'spo2.below.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { text: 'SpO₂', vital: 'spo2', value: 80 },
    readingId: 'r' as ReadingId,
    deviceId: 'D' as DeviceId,
    atMs,
    alarmId: `a${atMs}` as AlarmId,
    position: { partition: 0, offset: atMs, step: 0 },
    ...over,
  };
}

describe('who is called', () => {
  it('each alarm once, and again when it outlasts its acknowledgement', () => {
    const { news, again } = callsFor([transition('began', 0), transition('ended', HOUR - MINUTE)], 2 * HOUR);
    expect(news.map(({ atMs }) => atMs)).toEqual([0]);
    // Acknowledged after two minutes, expired ten later: at 12, 24, 36 and 48 min.
    expect(again).toBe(4);
  });
  it('one page for what begins at one moment, and a second for what is more urgent', () => {
    const low = { rule: 'heartRate.above.medium', priority: 'medium' } as const;
    const together = [transition('began', 0), transition('began', 0, low)];
    expect(callsFor(together, MINUTE).news).toHaveLength(1);
    expect(callsFor([...together].reverse(), MINUTE).news).toHaveLength(2);
    expect(callsFor([transition('began', 0, { priority: 'low' })], MINUTE).news).toEqual([]);
  });
});

describe('a sustained event', () => {
  const chart = (...values: readonly (readonly [minute: number, spo2: number])[]): readonly AssignedReading[] =>
    values.map(([minute, spo2]) => ({
      id: `m${minute}` as ReadingId,
      deviceId: 'D' as DeviceId,
      patientId: 'P' as PatientId,
      atMs: minute * MINUTE,
      receivedAtMs: minute * MINUTE,
      vitals: { spo2 },
      context: {},
      status: {},
    }));
  it('is two measurements in a row beyond the limit, not one, not with a good one between, not hours apart', () => {
    const spans = (readings: readonly AssignedReading[]) =>
      sustainedEvents(readings).map(({ fromMs, untilMs }) => [fromMs / MINUTE, untilMs / MINUTE]);
    expect(spans(chart([0, 84], [60, 80], [120, 96]))).toEqual([[0, 60]]);
    expect(spans(chart([0, 84], [60, 96], [120, 80]))).toEqual([]);
    expect(spans(chart([0, 84], [121, 80]))).toEqual([]);
    expect(spans(chart([0, 85], [60, 85]))).toEqual([]);
  });
  it('is met by an alarm that looks at its vital, with the delay from its first reading', () => {
    const [event] = sustainedEvents(chart([60, 84], [120, 80]));
    const span = {
      vitals: new Set(['spo2'] as const),
      priority: 'medium',
      begunMs: 120 * MINUTE,
      fromMs: 120 * MINUTE,
      untilMs: 180 * MINUTE,
    } as const;
    const met = (over: Partial<{ vitals: ReadonlySet<'spo2' | 'systolic'>; priority: 'low'; fromMs: number }>) =>
      event && metBy(event, [{ ...span, ...over }]);
    expect(met({})).toEqual({ alarmDelayMs: HOUR, pageDelayMs: HOUR });
    expect(met({ priority: 'low' })).toEqual({ alarmDelayMs: HOUR, pageDelayMs: undefined });
    expect(met({ vitals: new Set(['systolic'] as const) })).toEqual({
      alarmDelayMs: undefined,
      pageDelayMs: undefined,
    });
    expect(met({ fromMs: 121 * MINUTE })).toEqual({ alarmDelayMs: undefined, pageDelayMs: undefined });
  });
});

it('about three patients of ten are for design, always the same', () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => `p${100_000 + index}`);
  const share = ids.filter(isForDesign).length / ids.length;
  expect(share).toBeGreaterThan(0.27);
  expect(share).toBeLessThan(0.33);
  expect(['p100001', 'p100002', 'p100005', 'icu-132539'].filter(isForDesign)).toEqual(['p100005', 'icu-132539']);
});
