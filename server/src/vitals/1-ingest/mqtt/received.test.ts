import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverCertificate } from '../../../identity/server-certificate.ts';
import { onReceived } from './received.ts';
import { type Bench, eventually, openAuthoritiesHere, openBench } from './test-endpoint.ts';

/** What two devices send comes through one buffer: neither may see the other's. */
describe('what devices send', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it('stays theirs when it comes in pieces, one piece of each in turn', async () => {
    const names = ['mon-1', 'mon-2', 'mon-3'];
    const clients = await Promise.all(names.map((name) => bench.raw(name)));
    for (const client of clients) await client.connect(5);
    const payloads = names.map((name) => `${name} `.repeat(40));
    const packets = names.map((name, i) =>
      generate(
        {
          cmd: 'publish',
          topic: `devices/${name}/readings`,
          payload: payloads[i] as string,
          qos: 1,
          messageId: 1,
          dup: false,
          retain: false,
        },
        { protocolVersion: 5 },
      ),
    );
    const pieces = 5;
    for (let piece = 0; piece < pieces; piece++)
      for (const [i, packet] of packets.entries()) {
        const size = Math.ceil(packet.length / pieces);
        clients[i]?.send(packet.subarray(piece * size, (piece + 1) * size));
        // Each piece is a record of its own, and is there before the next one's.
        await new Promise((sent) => setImmediate(sent));
      }
    for (const client of clients) expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
    const came = bench.ingested.map(({ deviceId, text }) => `${deviceId}: ${text}`);
    expect(came.sort()).toEqual(names.map((name, i) => `${name}: ${payloads[i]}`));
  });
});

describe("a server's TLS socket", () => {
  let server: Server;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    const made = await openAuthoritiesHere();
    folder = made.folder;
    const { keyPem, certificatePem } = await serverCertificate({
      authority: made.authorities.servers,
      path: join(folder, 'server.pem'),
      names: ['localhost'],
      now: Date.now,
    });
    ca = made.authorities.servers.certificatePem;
    server = createServer({ key: keyPem, cert: certificatePem });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function pair(): Promise<{ readonly ours: TLSSocket; readonly theirs: TLSSocket }> {
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'secureConnection');
    const theirs = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
    const [ours] = (await accepted) as [TLSSocket];
    return { ours, theirs };
  }

  it('is read into one buffer by this version of Node: without that, every reading costs more', async () => {
    const { ours, theirs } = await pair();
    expect(onReceived(ours, () => {})).toBe('direct');
    theirs.destroy();
  });

  it('hands on everything in order, however long, stops while it is paused, and tells of the end', async () => {
    const { ours, theirs } = await pair();
    const received: Buffer[] = [];
    const ended = once(ours, 'end');
    onReceived(ours, (bytes, length) => received.push(Buffer.from(bytes.subarray(0, length))));
    const first = Buffer.alloc(100_000, 'first');
    theirs.write(first);
    await eventually(() => Buffer.concat(received).length === first.length);
    ours.pause();
    const before = received.length;
    await new Promise((written) => theirs.write('second', written));
    expect(received.length).toBe(before);
    ours.resume();
    theirs.end();
    await ended;
    expect(Buffer.concat(received).equals(Buffer.concat([first, Buffer.from('second')]))).toBe(true);
  });
});
