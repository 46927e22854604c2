import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAnchoring } from '../../audit/anchoring.ts';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { newTreeHeadKey, verifyNote } from '../../audit/tree-head-key.ts';
import { treeHeadAnchorContract } from '../../ports/tree-head-anchor.contract.ts';
import { MemoryAuditStore } from '../memory/memory-audit-store.ts';
import { testCertificate } from '../notify/test-certificate.ts';
import { FolderAnchor } from './folder-anchor.ts';
import { WebhookAnchor } from './webhook-anchor.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const folder = mkdtempSync(join(tmpdir(), 'healthsync-anchors-'));
let witness: Server;
let ca: string;
let isWitnessWell = false;
const witnessed: string[] = [];
beforeAll(async () => {
  const { cert, key } = await testCertificate();
  ca = cert;
  witness = createServer({ cert, key }, async (request, response) => {
    const body = await text(request);
    try {
      // What the signature does not hold for, it refuses, as a witness should.
      new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
    } catch (error) {
      if (!(error instanceof SyntaxError)) return void response.writeHead(401).end();
    }
    if (isWitnessWell) witnessed.push(body);
    response.writeHead(isWitnessWell ? 204 : 503).end();
  }).listen(0, '127.0.0.1');
  await once(witness, 'listening');
});
afterAll(() => {
  witness.close();
  rmSync(folder, { recursive: true, force: true });
});

treeHeadAnchorContract('A folder', async () => new FolderAnchor('folder', mkdtempSync(join(folder, 'one-'))));

describe('tree heads', () => {
  it('are kept in a folder as files nobody writes again, and by a second party, again and again until it has them', async () => {
    const store = new MemoryAuditStore();
    const key = newTreeHeadKey();
    const writer = await openAuditWriter({ store, key, now: Date.now, originIfNew: 'healthsync-audit/test' });
    await writer.append([makeEntry()]);
    const { port } = witness.address() as AddressInfo;
    const files = new FolderAnchor('folder', join(folder, 'heads'));
    const outgoing = { allowedHosts: [`127.0.0.1:${port}`], ports: [port] };
    const second = new WebhookAnchor(
      'witness',
      { url: `https://127.0.0.1:${port}/heads`, secrets: [SECRET] },
      { outgoing, ca, now: Date.now },
    );
    const heard: string[] = [];
    const anchoring = startAnchoring({
      store,
      anchors: [files, second],
      everyMs: 3_600_000,
      now: Date.now,
      onKept: (name) => heard.push(`${name} kept`),
      onFailing: (name) => heard.push(`${name} failing`),
    });
    const until = async (what: string) => {
      while (!heard.includes(what)) await sleep(5);
    };
    await Promise.all([until('folder kept'), until('witness failing')]);
    isWitnessWell = true;
    await writer.append([makeEntry()]);
    // A failing anchor is remembered as such until the next round.
    while ((await store.cursor('anchor:witness'))?.failingSinceMs === undefined) await sleep(5);
    anchoring.wake();
    await until('witness kept');
    await anchoring.stop();
    const kept = await files.kept();
    expect(kept).toHaveLength(2);
    for (const note of [...kept, ...witnessed]) expect(verifyNote(note, [key.publicKey]).kind).toBe('signed');
    expect(witnessed).toEqual(kept.slice(1));
    for (const name of readdirSync(join(folder, 'heads')))
      expect(statSync(join(folder, 'heads', name)).mode & 0o777).toBe(0o400);
    expect(await store.cursors()).toMatchObject([
      { name: 'anchor:folder', position: 2 },
      { name: 'anchor:witness', position: 2 },
    ]);
  });
});
