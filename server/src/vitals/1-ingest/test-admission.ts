import type { BedId, DeviceId, PatientId, WardId } from '../../domain/ids.ts';
import type { IngestOutcome } from '../../domain/problem.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { type RegistryView, registryView } from '../../identity/registry-view.ts';
import type { AppendAsker, ReadingLog } from '../../ports/reading-log.ts';
import type { RegistrySnapshot } from '../../ports/registry.ts';
import type { NewRejectedReading, RejectedReading, RejectedReadings } from '../../ports/rejected-readings.ts';
import type { Admission, Arrival } from './admission.ts';

/** What the tests of admission stand on: a ward of one, a log and a list in memory that can be held or broken. */
export const NOW = Date.UTC(2026, 10, 22, 1, 2, 4);
export const D1 = 'D1' as DeviceId;

export const GOOD = {
  id: 'r-1',
  deviceId: 'D1',
  at: '2026-11-22T01:02:03.456Z',
  vitals: { heartRate: 82, spo2: 97, respiratoryRate: 16, temperature: 36.8, systolic: 120, diastolic: 80, mean: 93 },
  context: { oxygen: false, consciousness: 'A' },
  status: { leadsOff: false, battery: 0.83 },
};

/** D1 is on P1 for the last hour; V1 is the same with a vendor's form; D3 is worn by nobody. */
export function testView(change: Partial<RegistrySnapshot> = {}, takenAtMs = NOW): RegistryView {
  const p1 = 'P1' as PatientId;
  const device = (id: string, profile?: string) => ({
    id: id as DeviceId,
    createdAtMs: 0,
    certificates: [],
    ...(profile === undefined ? {} : { profile }),
  });
  const wornFrom = { patientId: p1, fromMs: NOW - 3_600_000 };
  return registryView(
    {
      wards: [{ id: 'W3' as WardId, name: 'Three' }],
      beds: [{ id: 'B1' as BedId, wardId: 'W3' as WardId, label: 'W3-01' }],
      patients: [{ id: p1, bedId: 'B1' as BedId, wardId: 'W3' as WardId, bed: 'W3-01', spo2Scale: 1 }],
      devices: [device('D1'), device('V1', 'fennimore-m5'), device('D3'), device('X1', 'nobody-installed-this')],
      assignments: ['D1', 'V1', 'X1'].map((id) => ({ deviceId: id as DeviceId, ...wornFrom })),
      revokedSerials: [],
      deviceTokens: [],
      ...change,
    },
    takenAtMs,
  );
}

/** One reading by its bytes, and what became of it. */
export function admitted(admission: Admission, arrival: Arrival, bytes: Uint8Array): Promise<IngestOutcome> {
  return new Promise((answered, failed) =>
    admission.admitBytes({ ...arrival, answered, failed }, Buffer.from(bytes), 0, bytes.byteLength),
  );
}

export function memoryLog() {
  const readings: AssignedReading[] = [];
  const log = {
    readings,
    /** Appends wait for this. */
    held: Promise.resolve() as Promise<unknown>,
    append(reading: AssignedReading, asker: AppendAsker): void {
      log.held.then(
        () => {
          readings.push(reading);
          asker.stored({ partition: 0, offset: readings.length - 1 });
        },
        (failure) => asker.refused(failure),
      );
    },
  } satisfies Pick<ReadingLog, 'append'> & Record<string, unknown>;
  return log;
}

export function memoryRejected() {
  const kept: RejectedReading[] = [];
  const list = {
    kept,
    groups: [] as number[],
    /** Called before every insert; throws to break it. */
    before: async (_: readonly NewRejectedReading[]): Promise<void> => {},
    async add(rejected: readonly NewRejectedReading[]): Promise<void> {
      await list.before(rejected);
      list.groups.push(rejected.length);
      for (const one of rejected) kept.push({ ...one, id: String(kept.length + 1), state: 'open' });
    },
    list: async () => kept.toReversed(),
    find: async (id: string) => kept.find((one) => one.id === id),
    async mark(id: string, state: 'replayed' | 'dismissed'): Promise<void> {
      const at = kept.findIndex((one) => one.id === id);
      kept[at] = { ...(kept[at] as RejectedReading), state };
    },
  } satisfies RejectedReadings & Record<string, unknown>;
  return list;
}
