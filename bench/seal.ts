import { randomBytes } from 'node:crypto';
import { blindIndex } from '../server/src/keys/blind-index.ts';
import { seal, unseal } from '../server/src/keys/seal.ts';

/**
 * Records sealed, opened and indexed per second of CPU (of this process, all its threads): what other work takes of the
 * machine does not show in it. A record is what names a patient, four fields in one sealing. `first`: with a data key
 * that nothing was sealed or opened with before, as after a start; otherwise with one that is at hand, as the server has
 * it for every patient of the house. One JSON object on stdout.
 *
 *   node bench/seal.ts [SECONDS EACH]
 */
const seconds = Number(process.argv[2] ?? 3);
const key = randomBytes(32);
const place = { subject: 'patient:P1', field: 'patient.identity' };
const plain = Buffer.from(
  JSON.stringify({ mrn: 'MRN-0012345', familyName: 'Featherstone', givenName: 'Noor', birthDate: '1950-03-01' }),
);
const sealed = seal(key, place, plain);

console.log(
  JSON.stringify({
    bench: 'seal',
    node: process.version,
    bytes: plain.length,
    fieldsPerRecord: 4,
    sealPerCpuSecond: perCpuSecond(() => seal(key, place, plain)),
    openPerCpuSecond: perCpuSecond(() => unseal(key, place, sealed)),
    sealFirstPerCpuSecond: perCpuSecond(() => seal(Buffer.from(key), place, plain)),
    openFirstPerCpuSecond: perCpuSecond(() => unseal(Buffer.from(key), place, sealed)),
    indexPerCpuSecond: perCpuSecond(() => blindIndex(key, 'patient.mrn', 'MRN-0012345')),
  }),
);

function perCpuSecond(work: () => unknown): number {
  for (let n = 0; n < 5_000; n += 1) work();
  const before = process.cpuUsage();
  const endMs = performance.now() + seconds * 1_000;
  let count = 0;
  while (performance.now() < endMs) {
    for (let n = 0; n < 100; n += 1) work();
    count += 100;
  }
  const { user, system } = process.cpuUsage(before);
  return Math.round((count * 1e6) / (user + system));
}
