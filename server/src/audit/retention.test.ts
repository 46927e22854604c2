import { expect, it } from 'vitest';
import { MemoryAuditStore } from '../adapters/memory/memory-audit-store.ts';
import { openAuditWriter } from './audit-writer.ts';
import { evidenceOfStore } from './evidence.ts';
import { proveInclusion } from './proofs.ts';
import { endRetention } from './retention.ts';
import { makeEntry } from './test-entries.ts';
import { newTreeHeadKey } from './tree-head-key.ts';
import { verifyAudit } from './verify.ts';

const DAY_MS = 86_400_000;

it('what is older than its retention is deleted, all but what is held, and the log stays what was signed', async () => {
  const store = new MemoryAuditStore();
  const key = newTreeHeadKey();
  const clock = { nowMs: Date.UTC(2019, 0, 1) };
  const writer = await openAuditWriter({ store, key, now: () => clock.nowMs, originIfNew: 'healthsync-audit/test' });
  const now = () => clock.nowMs;
  await writer.append(Array.from({ length: 700 }, (_, i) => makeEntry({ patientId: i === 9 ? 'P-held' : 'P1' })));
  await store.placeHold({
    kind: 'patient',
    subject: 'P-held',
    reason: 'a claim',
    placedBy: 'po',
    placedAtMs: clock.nowMs,
  });
  const options = { store, audit: writer, keepMs: 2557 * DAY_MS, now };
  clock.nowMs += 2556 * DAY_MS;
  expect(await endRetention(options)).toBe(0);
  expect(store.entries.size).toBe(700);
  await writer.append([makeEntry()]);
  clock.nowMs += 2 * DAY_MS;
  // Whole tiles of 256: of 700, 512; one of them is held.
  expect(await endRetention(options)).toBe(511);
  const verify = async () => verifyAudit(await evidenceOfStore(store), { keys: [key.publicKey] });
  expect(await verify()).toMatchObject({ isIntact: true, pruned: 511, entries: 702 - 511 });
  expect(await proveInclusion(store, 9)).toMatchObject({ entry: expect.stringContaining('P-held') });
  // One that goes without being old enough is no retention.
  store.entries.delete(600);
  expect((await verify()).findings).toMatchObject([{ kind: 'dropped', from: 600, to: 601 }]);
});
