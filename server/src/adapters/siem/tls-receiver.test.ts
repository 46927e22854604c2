import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { startSiemStream } from '../../audit/siem-stream.ts';
import { jsonLine, syslogFrame } from '../../audit/syslog.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { newTreeHeadKey } from '../../audit/tree-head-key.ts';
import { decodeEntry } from '../../domain/audit-entry.ts';
import { MemoryAuditStore } from '../memory/memory-audit-store.ts';
import { testCertificate } from '../notify/test-certificate.ts';
import { TlsReceiver } from './tls-receiver.ts';

let listening: Server;
let ca: string;
/** What came over each connection; those in `cut` are broken off after so many bytes. */
let received: Buffer[] = [];
let cutAfterBytes: number | undefined;
beforeAll(async () => {
  const { cert, key } = await testCertificate();
  ca = cert;
  listening = createServer({ cert, key }, take).listen(0, '127.0.0.1');
  await once(listening, 'listening');
});
afterAll(() => void listening.close());
beforeEach(() => {
  received = [];
  cutAfterBytes = undefined;
});

function take(socket: TLSSocket): void {
  let bytes = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (cutAfterBytes === undefined || bytes.length < cutAfterBytes) return;
    cutAfterBytes = undefined;
    socket.destroy();
  });
  socket.on('end', () => received.push(bytes));
}

/** RFC 5425 §4.3, as a receiver reads it: a length, a blank, so many bytes. */
function framesOf(bytes: Buffer): readonly string[] {
  const frames: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('latin1', at, blank));
    frames.push(bytes.toString('utf8', blank + 1, blank + 1 + length));
    at = blank + 1 + length;
  }
  return frames;
}

/** RFC 5424 §6. */
const SYSLOG =
  /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (\[[^\s=\]"]+(?: [^\s=\]"]+="(?:[^"\\\]]|\\["\\\]])*")*\]) \ufeff(.*)$/;

async function makeStream(format = jsonLine) {
  const store = new MemoryAuditStore();
  const writer = await openAuditWriter({
    store,
    key: newTreeHeadKey(),
    now: Date.now,
    originIfNew: 'healthsync-audit/test',
  });
  const { port } = listening.address() as AddressInfo;
  const failures: unknown[] = [];
  let delivered = 0;
  let told = () => undefined as void;
  const start = () =>
    startSiemStream({
      name: 'test',
      store,
      receiver: new TlsReceiver({ host: '127.0.0.1', port, ca }),
      format,
      now: Date.now,
      onFailing: (error) => {
        failures.push(error);
        told();
      },
      onDelivered: (entries) => {
        delivered += entries;
        told();
      },
    });
  /** Until so many have been delivered, or as many rounds have failed. */
  const until = async (isSo: () => boolean, wake: () => void) => {
    while (!isSo()) {
      const next = new Promise<void>((resolve) => {
        told = resolve;
      });
      wake();
      await next;
    }
  };
  return { store, writer, failures, delivered: () => delivered, start, until };
}

describe('a security system', () => {
  it('gets every entry as syslog over TLS, each in a frame of its own', async () => {
    const { writer, start, until, delivered, store } = await makeStream(syslogFrame('ward-server'));
    await writer.append([
      makeEntry({ detail: { odd: '] " \\ é\u{1f600}' } }),
      makeEntry({ outcome: 'denied', actor: { kind: 'person', name: 'a"b]c\\d' } }),
    ]);
    const stream = start();
    await until(() => delivered() === 2, stream.wake);
    await stream.stop();
    const parsed = framesOf(Buffer.concat(received)).map((frame) => SYSLOG.exec(frame));
    expect(parsed.map((match) => match?.slice(1, 7))).toEqual([
      ['109', expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), 'ward-server', 'healthsync', '-', 'patient.read'],
      ['108', expect.any(String), 'ward-server', 'healthsync', '-', 'patient.read'],
    ]);
    expect(parsed[1]?.[7]).toContain('actor="a\\"b\\]c\\\\d"');
    const texts = (await store.read({ from: 0, to: 2 })).map(({ text }) => text);
    expect(parsed.map((match) => match?.[8])).toEqual(texts);
  });

  it('gets lines of JSON that are the very bytes of the log', async () => {
    const { writer, start, until, delivered, store } = await makeStream();
    await writer.append(Array.from({ length: 5_000 }, (_, i) => makeEntry({ correlationId: `c${i}` })));
    const stream = start();
    await until(() => delivered() === 5_000, stream.wake);
    await stream.stop();
    const lines = Buffer.concat(received).toString().split('\n').slice(0, -1);
    expect(lines).toEqual((await store.read({ from: 0, to: 5_000 })).map(({ text }) => text));
  });

  it('gets again what it may not have had when the connection broke, and what came meanwhile', async () => {
    const { writer, start, until, delivered, failures, store } = await makeStream();
    await writer.append(Array.from({ length: 1_500 }, (_, i) => makeEntry({ correlationId: `c${i}` })));
    cutAfterBytes = 100_000;
    const stream = start();
    await until(() => failures.length > 0, stream.wake);
    expect(await store.cursor('siem:test')).toMatchObject({ position: 0, failingSinceMs: expect.any(Number) });
    await writer.append([makeEntry({ correlationId: 'later' })]);
    await until(() => delivered() === 1_501, stream.wake);
    await stream.stop();
    const had = new Set(
      Buffer.concat(received)
        .toString()
        .split('\n')
        .map((line) => decodeEntry(line)?.position),
    );
    for (let position = 0; position < 1_501; position++) expect(had.has(position)).toBe(true);
    const cursor = await store.cursor('siem:test');
    expect(cursor).toMatchObject({ position: 1_501 });
    expect(cursor).not.toHaveProperty('failingSinceMs');
  });

  it('is told nothing when its certificate is not vouched for', async () => {
    const { writer, store } = await makeStream();
    await writer.append([makeEntry()]);
    const { port } = listening.address() as AddressInfo;
    const other = await testCertificate();
    const receiver = new TlsReceiver({ host: '127.0.0.1', port, ca: other.cert });
    const [entry] = await store.search({ limit: 1 });
    await expect(receiver.deliver(entry === undefined ? [] : [jsonLine(entry)])).rejects.toThrow();
    expect(received).toEqual([]);
  });
});
