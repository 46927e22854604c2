import { describe, expect, it } from 'vitest';
import { judgeReading } from '../../domain/assess.ts';
import { assessRules } from '../../domain/assess-rules.ts';
import { unheardPatient } from '../../domain/assess-state.ts';
import type { AlarmId, PatientId } from '../../domain/ids.ts';
import { readingOf, T0 } from '../../domain/test-patient.ts';
import { readStates, writeStates } from './patients.ts';

const RULES = assessRules({});
const idOf = (key: string) => key as AlarmId;

function heard() {
  const state = unheardPatient('P1' as PatientId, 3);
  const sent = [
    readingOf({
      at: 0,
      vitals: { heartRate: 170, spo2: 97 },
      context: { oxygen: true, consciousness: 'A' },
      status: { battery: 0.5 },
    }),
    readingOf({ at: 1, device: 'D2', vitals: { systolic: 120 } }),
  ];
  for (const [offset, reading] of sent.entries())
    judgeReading(state, reading, RULES, { partition: 3, offset }, idOf, []);
  return state;
}

describe('a checkpoint', () => {
  it('comes back as it was written', async () => {
    const text = await writeStates([heard()], async () => {});
    expect(readStates(text)?.get('P1' as PatientId)).toEqual(heard());
  });

  it('of the version before is taken over: what was present stays, and its end is told', () => {
    const states = readStates(VERSION_1);
    const state = states?.get('P1' as PatientId);
    expect(Object.keys(state?.conditions ?? {})).toEqual(['heartRate.above.high']);
    expect(state?.status.values.heartRate).toMatchObject({ value: 170, readingId: 'r1', deviceId: 'D1' });
    if (state === undefined) throw new Error('it was not taken over');
    const told: { kind: string; alarmId: string }[] = [];
    // The same reading again, then the next.
    for (const [offset, reading] of [
      [5, readingOf({ at: 0, id: 'r1', vitals: { heartRate: 170 } })],
      [6, readingOf({ at: 0, id: 'r1', vitals: { heartRate: 170 } })],
      [7, readingOf({ at: 1, vitals: { heartRate: 80 } })],
    ] as const)
      judgeReading(state, reading, RULES, { partition: 3, offset }, idOf, told as never[]);
    expect(told.map(({ kind, alarmId }) => `${kind} ${alarmId}`)).toEqual(['ended a1']);
  });

  it.each([
    '{"version":3,"patients":[]}',
    '{"version":2,"patients":[{}]}',
    '{"version":1,"patients":[{"status":{}}]}',
    '',
    'null',
  ])('that is not what it says (%s) is as good as none', (text) => expect(readStates(text)).toBeUndefined());
});

/** As the version before rules were data wrote it. */
const VERSION_1 = JSON.stringify({
  version: 1,
  patients: [
    {
      status: {
        patientId: 'P1',
        values: {
          heartRate: {
            value: 170,
            atMs: T0,
            receivedAtMs: T0,
            intervalMs: 1_000,
            source: { readingId: 'r1', deviceId: 'D1', atMs: T0 },
          },
        },
        oxygen: { value: true, atMs: T0 },
        leadsOff: false,
        last: { readingId: 'r1', deviceId: 'D1', atMs: T0, receivedAtMs: T0 },
      },
      devices: [
        {
          deviceId: 'D1',
          readingId: 'r1',
          atMs: T0,
          receivedAtMs: T0,
          intervalMs: 1_000,
          leadsOff: false,
          batteryLow: false,
          lost: false,
        },
      ],
      conditions: {
        'heartRate.above.high': {
          alarmId: 'a1',
          ruleVersion: 1,
          kind: 'physiological',
          priority: 'high',
          worst: { vital: 'heartRate', value: 170, comparison: 'above', limit: 160, text: 'HR 170 > 160' },
          worstSource: { readingId: 'r1', deviceId: 'D1', atMs: T0 },
          told: { vital: 'heartRate', value: 170, comparison: 'above', limit: 160, text: 'HR 170 > 160' },
          toldAtMs: T0,
        },
      },
      position: { partition: 3, offset: 5, step: 0 },
      eventMs: T0,
      momentIds: ['D1/r1'],
      news2UntilMs: T0 + 300_000,
      dueMs: T0 + 30_000,
    },
  ],
});
