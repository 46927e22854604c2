import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { IngestOutcome } from '../../domain/problem.ts';
import { createAdmission } from './admission.ts';
import { mappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { admitted, D1, GOOD, memoryLog, memoryRejected, NOW, testView } from './test-admission.ts';

const VIEW = testView();
const arrival = { deviceId: D1, transport: 'mqtt', receivedAtMs: NOW } as const;

function setUp(reading: (kind: IngestOutcome['kind']) => void) {
  const log = memoryLog();
  const rejected = memoryRejected();
  const admission = createAdmission({
    log,
    view: () => VIEW,
    profiles: mappingProfiles(new Map()),
    quarantine: createRejectedQuarantine({ store: rejected, now: () => NOW }),
    now: () => NOW,
    hooks: { reading: (_, kind) => reading(kind) },
  });
  return { admission, rejected, log };
}

it.each([
  ['accepted', GOOD],
  ['kept in part', { ...GOOD, vitals: { heartRate: 80, spo2: 999 } }],
  ['rejected', { ...GOOD, id: '' }],
])('a message that is %s hears that it failed where a hook of ours throws over its outcome', async (_, value) => {
  const { admission } = setUp(() => {
    throw new Error('a defect in a metric');
  });
  const sent = admitted(admission, arrival, Buffer.from(JSON.stringify(value)));
  await expect(sent).rejects.toThrow('a defect in a metric');
});

it('bytes that are overwritten once it returns, and stand among others, are what was read and kept', async () => {
  const { admission, rejected, log } = setUp(() => {});
  const text = JSON.stringify({ ...GOOD, vitals: { ...GOOD.vitals, spo2: 999 } });
  const bytes = Buffer.from(`{{{${text}}}}`);
  const outcome = await new Promise((answered, failed) => {
    admission.admitBytes({ ...arrival, answered, failed }, bytes, 3, 3 + Buffer.byteLength(text));
    bytes.fill('x');
  });
  expect(outcome).toMatchObject({ kind: 'rejected', kept: true });
  expect(log.readings).toHaveLength(1);
  expect(Buffer.from(rejected.kept[0]?.payload ?? []).toString()).toBe(text);
});

it('what is not UTF-8 always shows as U+FFFD, wherever it begins and ends', () => {
  const bytesOf = (...bytes: number[]) => new Uint8Array(bytes);
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 5 }).map((text) => new Uint8Array(Buffer.from(text))),
    // Half of a surrogate pair, more than Unicode has, NUL in two bytes, cut short; and what is right: BOM, U+FFFD.
    fc.constantFrom(bytesOf(0xed, 0xa0, 0x80), bytesOf(0xf4, 0x90, 0x80, 0x80), bytesOf(0xc0, 0x80)),
    fc.constantFrom(bytesOf(0xe2, 0x82), bytesOf(0xef, 0xbb, 0xbf), bytesOf(0xef, 0xbf, 0xbd)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(3), fc.nat(3), (pieces, skip, cut) => {
      const all = Buffer.concat(pieces);
      const start = Math.min(skip, all.length);
      const end = Math.max(start, all.length - cut);
      const text = all.toString('utf8', start, end);
      if (!isUtf8(all.subarray(start, end))) expect(text.includes('\ufffd')).toBe(true);
      else expect(Buffer.from(text).equals(all.subarray(start, end))).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
