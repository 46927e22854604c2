import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, ReadingId } from '../domain/ids.ts';
import type { AssignedReading } from '../domain/reading.ts';
import type { LogBatch, LoggedReading } from './reading-log.ts';
import { keepBatch } from './test-keep.ts';
import type { VitalsHistory } from './vitals-history.ts';

/** What every `VitalsHistory` must do. `makeHistory` answers with an empty one. */
export function vitalsHistoryContract(engine: string, makeHistory: () => Promise<VitalsHistory>): void {
  describe(`${engine} as a vitals history`, () => {
    let history: VitalsHistory;
    beforeEach(async () => {
      history = await makeHistory();
    });

    const all = (patientId = P) => history.read({ patientId, fromMs: 0, toMs: FAR, limit: 10_000 });

    it('gives back exactly what was kept', async () => {
      const whole = reading(1, {
        vitals: {
          heartRate: 82,
          spo2: 97.5,
          respiratoryRate: 16,
          temperature: 36.77777777777778,
          systolic: 120,
          diastolic: 80,
          mean: 93.3,
        },
        context: { oxygen: false, consciousness: 'A' },
        status: { leadsOff: false, battery: 0.83 },
      });
      const bare = reading(2, { vitals: {}, status: { leadsOff: true } });
      const lowest = reading(3, { vitals: { heartRate: 0 }, context: { oxygen: true, consciousness: 'U' } });
      await keepBatch(history, batch([whole, bare, lowest]));
      expect(await all()).toEqual([whole, bare, lowest]);
    });

    it('keeps a reading once, within a batch, across batches and after a replay', async () => {
      const first = batch([reading(1), reading(2), reading(1)]);
      expect(await keepBatch(history, first)).toEqual({ stored: 2, duplicates: 1 });
      expect(await keepBatch(history, first)).toEqual({ stored: 0, duplicates: 3 });
      expect(await keepBatch(history, batch([reading(2), reading(3)], 3))).toEqual({ stored: 1, duplicates: 1 });
      expect(await all()).toEqual([reading(1), reading(2), reading(3)]);
    });

    it('takes the same id of another device, patient or moment for another reading', async () => {
      const one = reading(1);
      const others = [
        { ...one, deviceId: 'D-other' as DeviceId },
        { ...one, patientId: Q },
        { ...one, atMs: one.atMs + 1 },
      ];
      expect(await keepBatch(history, batch([one, ...others]))).toEqual({ stored: 4, duplicates: 0 });
    });

    it('puts late and disordered readings where they belong, however old', async () => {
      const offsets = [0, -40 * DAY, 5, -1, -DAY, DAY, -9_000 * DAY, -2 * DAY, 1];
      const readings = offsets.map((offset, i) => reading(i, { atMs: T + offset }));
      await keepBatch(history, batch(readings.slice(0, 4)));
      await keepBatch(history, batch(readings.slice(4), 4));
      expect((await all()).map(({ atMs }) => atMs)).toEqual(readings.map(({ atMs }) => atMs).sort((a, b) => a - b));
    });

    it('keeps a batch that spans more days than one transaction could hold', async () => {
      const readings = Array.from({ length: 150 }, (_, i) => reading(i, { atMs: T - i * DAY }));
      expect(await keepBatch(history, batch(readings))).toEqual({ stored: 150, duplicates: 0 });
      expect(await history.position()).toEqual(new Map([[0, 150]]));
      expect(await all()).toHaveLength(150);
    });

    it('keeps a batch of five thousand', async () => {
      const readings = Array.from({ length: 5_000 }, (_, i) =>
        reading(i, { id: `${i}-${'x'.repeat(56)}` as ReadingId }),
      );
      expect(await keepBatch(history, batch(readings))).toEqual({ stored: 5_000, duplicates: 0 });
      expect(await all()).toEqual(readings);
    });

    it('reads by patient and time, the beginning in and the end out, oldest first', async () => {
      await keepBatch(history, batch([4, 1, 3, 2, 5].map((i) => reading(i))));
      await keepBatch(history, batch([reading(2, { patientId: Q })], 5));
      const query = { patientId: P, fromMs: reading(2).atMs, toMs: reading(5).atMs };
      expect(await history.read({ ...query, limit: 10 })).toEqual([reading(2), reading(3), reading(4)]);
      expect(await history.read({ ...query, limit: 2 })).toEqual([reading(2), reading(3)]);
    });

    it('stands where its last batch ended, per partition', async () => {
      expect(await history.position()).toEqual(new Map());
      const records = [logged(reading(1), 3, 7), logged(reading(2), 5, 0)];
      await keepBatch(history, {
        records,
        next: new Map([
          [3, 8],
          [5, 1],
        ]),
      });
      await keepBatch(history, batch([reading(3)], 8, 3));
      expect([...(await history.position())].sort()).toEqual([
        [3, 9],
        [5, 1],
      ]);
    });

    it('knows the newest value of each vital, whatever order they came in', async () => {
      await keepBatch(
        history,
        batch([reading(5, { vitals: { heartRate: 90 } }), reading(3, { vitals: { heartRate: 70 } })]),
      );
      await keepBatch(history, batch([reading(4, { vitals: { heartRate: 80, temperature: 37.1 } })], 2));
      await keepBatch(history, batch([reading(9, { vitals: {}, status: { leadsOff: true } })], 3));
      await keepBatch(history, batch([reading(9, { patientId: Q, vitals: { spo2: 97 } })], 4));
      const value = (n: number) => ({ atMs: reading(n).atMs, deviceId: D, readingId: `r-${n}` });
      expect(await history.latest([P])).toEqual([
        { patientId: P, vital: 'heartRate', value: 90, ...value(5) },
        { patientId: P, vital: 'temperature', value: 37.1, ...value(4) },
      ]);
      expect(await history.latest([P, Q])).toHaveLength(3);
      expect(await history.latest([])).toEqual([]);
    });

    it('knows the newest value over hours, and a vital measured long before the others', async () => {
      const later = (minutes: number, vitals: AssignedReading['vitals']) =>
        reading(minutes, { atMs: T + minutes * 60_000, vitals });
      await keepBatch(history, batch([later(0, { temperature: 36.5, heartRate: 1 }), later(1, { temperature: 36.6 })]));
      for (let i = 2; i < 40; i++) await keepBatch(history, batch([later(i, { heartRate: i })], i));
      await keepBatch(history, batch([later(-1_500, { heartRate: 250 })], 40));
      expect((await history.latest([P])).map(({ vital, value }) => [vital, value])).toEqual([
        ['heartRate', 39],
        ['temperature', 36.6],
      ]);
    });

    it('draws a trend: mean, lowest and highest of each span, and no point where nothing was measured', async () => {
      const at = (ms: number, heartRate?: number) =>
        reading(ms, { atMs: T + ms, vitals: heartRate === undefined ? { spo2: 97 } : { heartRate } });
      await keepBatch(
        history,
        batch([at(0, 60), at(500, 80), at(999, 100), at(1_000, 50), at(2_500), at(3_999, 70), at(4_000, 200)]),
      );
      const trend = { patientId: P, vital: 'heartRate', fromMs: T, toMs: T + 4_000, buckets: 4 } as const;
      expect(await history.trend(trend)).toEqual([
        { atMs: T, mean: 80, min: 60, max: 100 },
        { atMs: T + 1_000, mean: 50, min: 50, max: 50 },
        { atMs: T + 3_000, mean: 70, min: 70, max: 70 },
      ]);
      expect(await history.trend({ ...trend, toMs: T })).toEqual([]);
    });

    it('stores batches that were handed over at the same time, all of them', async () => {
      const batches = Array.from({ length: 20 }, (_, i) => batch([reading(2 * i), reading(2 * i + 1)], 2 * i));
      await Promise.all(batches.map((each) => keepBatch(history, each)));
      expect(await all()).toHaveLength(40);
      expect(await history.position()).toEqual(new Map([[0, 40]]));
    });
  });
}

const T = Date.UTC(2026, 10, 22, 23, 59, 50, 123);
const DAY = 86_400_000;
const FAR = T + 1_000 * DAY;
const P = 'P-a' as PatientId;
const Q = 'P-b' as PatientId;
const D = 'D-a' as DeviceId;

function reading(n: number, over: Partial<AssignedReading> = {}): AssignedReading {
  return {
    id: `r-${n}` as ReadingId,
    deviceId: D,
    patientId: P,
    // A batch of a dozen crosses midnight.
    atMs: T + n * 1_000,
    receivedAtMs: T + n * 1_000 + 80,
    vitals: { heartRate: 60 + n, spo2: 97 },
    context: {},
    status: {},
    ...over,
  };
}

const logged = (of: AssignedReading, partition: number, offset: number): LoggedReading => ({
  partition,
  offset,
  reading: of,
});

function batch(readings: readonly AssignedReading[], offset = 0, partition = 0): LogBatch {
  const records = readings.map((each, i) => logged(each, partition, offset + i));
  return { records, next: new Map([[partition, offset + readings.length]]) };
}
