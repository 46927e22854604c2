import type { AssignedReading } from '../domain/reading.ts';

/** A plausible reading; `n` makes its id. */
export function readingOf(n: number, patientId = `P-${n % 23}`): AssignedReading {
  return {
    id: `r-${n}`,
    deviceId: `D-${patientId}`,
    patientId,
    atMs: Date.UTC(2026, 10, 22, 1, 0, 0) + n * 1_000,
    receivedAtMs: Date.UTC(2026, 10, 22, 1, 0, 0) + n * 1_000 + 40,
    vitals: { heartRate: 60 + (n % 60), spo2: 97, temperature: 36.8 },
    context: { oxygen: n % 2 === 0 },
    status: { battery: 0.83 },
  } as unknown as AssignedReading;
}
