import { AuditHeads } from '@healthsync/contracts/audit';
import Fastify from 'fastify';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { MemoryAuditStore } from '../../adapters/memory/memory-audit-store.ts';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { newTreeHeadKey } from '../../audit/tree-head-key.ts';
import { type AcceptedRestore, restoreEntry } from '../../domain/audit-restore.ts';
import { registerAuditApi } from './audit.ts';

const NOW = Date.parse('2026-11-23T03:00:00Z');

it('whoever asks about the chain is told of restores that were accepted, and of none that somebody made up', async () => {
  const [store, key] = [new MemoryAuditStore(), newTreeHeadKey()];
  const writer = await openAuditWriter({ store, key, now: () => NOW, originIfNew: 'healthsync-audit/test' });
  const restore: AcceptedRestore = {
    origin: writer.origin,
    restoredSize: 2,
    restoredRootBase64: 'A'.repeat(43),
    lostSize: 9,
    lostHeads: 1,
    lostUntilMs: NOW - 60_000,
    acceptedAtMs: NOW,
    by: 'shell:root',
    reason: 'disk of rack 4 died',
  };
  const said = (signer: typeof key, what: AcceptedRestore) =>
    restoreEntry(what, {
      actor: { kind: 'person', name: what.by },
      correlationId: 'r1',
      signature: signer.signRestore(what),
    });
  await writer.append([makeEntry(), makeEntry(), said(key, restore)]);
  await writer.append([said(newTreeHeadKey(), { ...restore, by: 'shell:mallory' })]);
  const app = Fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  registerAuditApi(app, {
    store,
    records: store,
    publicKey: key.publicKey,
    origin: writer.origin,
    divergences: () => [],
    now: () => NOW,
  });
  const body = (await app.inject('/api/audit/heads')).json();
  await app.close();
  expect([...Value.Errors(AuditHeads, body)]).toEqual([]);
  expect(body.restores).toEqual([
    {
      position: 2,
      acceptedAt: '2026-11-23T03:00:00.000Z',
      by: 'shell:root',
      reason: 'disk of rack 4 died',
      lost: { from: 2, to: 8, signedUntil: '2026-11-23T02:59:00.000Z' },
    },
  ]);
});
