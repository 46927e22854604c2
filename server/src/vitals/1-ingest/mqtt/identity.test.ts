import { rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Bench,
  connectPacket,
  eventually,
  openAuthoritiesHere,
  openBench,
  openRaw,
  RawClient,
} from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

/** With TLS 1.3 the client learns of a refused certificate only after its own side of the handshake is done. */
async function connackOf(client: RawClient, version: 4 | 5 = 5) {
  client.send(connectPacket(version), version);
  return client.next();
}

describe('who may connect', () => {
  it('refuses a client without a certificate', async () => {
    bench = await openBench();
    const client = await openRaw({ port: bench.port, ca: bench.serverCa });
    expect(await connackOf(client)).toBeUndefined();
    await eventually(() => bench.handshakes.includes('failed'));
    expect(bench.endpoint.sessions()).toBe(0);
  });

  it('refuses a certificate of another authority', async () => {
    bench = await openBench();
    const foreign = await openAuthoritiesHere();
    const client = await bench.raw('mon-1', await bench.identity('mon-1', { authorities: foreign.authorities }));
    expect(await connackOf(client)).toBeUndefined();
    await eventually(() => bench.handshakes.length > 0);
    expect(bench.handshakes).toEqual(['failed']);
    await rm(foreign.folder, { recursive: true });
  });

  it('refuses an expired certificate', async () => {
    bench = await openBench();
    const client = await bench.raw('mon-1', await bench.identity('mon-1', { notAfterMs: Date.now() - 1000 }));
    expect(await connackOf(client)).toBeUndefined();
    await eventually(() => bench.handshakes.length > 0);
    expect(bench.handshakes).toEqual(['failed']);
  });

  it.each([
    [[{ type: 'dns', value: 'mon-1' }]],
    [[{ type: 'url', value: 'spiffe://elsewhere/device/mon-1' }]],
    [
      [
        { type: 'url', value: 'spiffe://healthsync/device/mon-1' },
        { type: 'url', value: 'spiffe://healthsync/device/mon-2' },
      ],
    ],
    [[{ type: 'dns', value: 'x, URI:spiffe://healthsync/device/mon-1' }]],
  ] as const)('says "not authorized" to a certificate that does not name exactly one device: %j', async (names) => {
    bench = await openBench();
    const identity = await bench.identity('mon-1', { names });
    expect(await connackOf(await bench.raw('mon-1', identity))).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
    expect(bench.connects).toEqual(['not-authorized']);
  });

  it('speaks TLS 1.2 only where that is wished', async () => {
    bench = await openBench();
    const identity = await bench.identity('mon-1');
    const tls12 = { host: '127.0.0.1', servername: 'localhost', ca: bench.serverCa, maxVersion: 'TLSv1.2' } as const;
    const refused = await new Promise((resolve) => {
      connectTls({ ...tls12, ...identity, port: bench.port }).on('error', resolve);
    });
    expect(refused).toMatchObject({ code: expect.stringMatching(/VERSION/) });
    await bench.close();
    bench = await openBench({ tlsMinVersion: 'TLSv1.2' });
    const older = await bench.identity('mon-1');
    const socket = await new Promise<TLSSocket>((resolve) => {
      const made = connectTls({ ...tls12, ca: bench.serverCa, ...older, port: bench.port }, () => resolve(made));
    });
    const client = new RawClient(socket, 5);
    await client.connect(5);
    socket.destroy();
  });

  it.each(['revoked', 'unknown-device'] as const)('refuses a %s one at CONNECT, in both versions', async (access) => {
    bench = await openBench({ deviceAccess: () => access });
    expect(await connackOf(await bench.raw('mon-1'), 5)).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
    const old = await openRaw({ port: bench.port, ca: bench.serverCa, ...(await bench.identity('mon-1')), version: 4 });
    expect(await connackOf(old, 4)).toMatchObject({ cmd: 'connack', returnCode: 5 });
    await old.closed;
    expect(bench.connects).toEqual([access, access]);
  });
});

describe('a certificate that was issued a moment ago', () => {
  it('is let in when the notice of it comes, though it connected before', async () => {
    let asked = 0;
    bench = await openBench({ deviceAccess: () => (++asked === 1 ? 'unknown-device' : 'allowed') });
    const client = await bench.raw('mon-1');
    await client.connect(5);
    expect(bench.connects).toEqual(['accepted']);
  });
});

describe('a resumed TLS session', () => {
  it('is the same device, and is refused once revoked although its certificate is not verified again', async () => {
    bench = await openBench();
    const identity = await bench.identity('mon-1');
    const target = { port: bench.port, ca: bench.serverCa, ...identity };
    const first = await openRaw(target);
    const ticket = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
    await first.connect(5);
    const session = await ticket;
    const second = await openRaw({ ...target, session });
    await second.connect(5, { clientId: 'again' });
    second.send({
      cmd: 'publish',
      topic: 'devices/mon-1/readings',
      payload: 'r',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    expect(await second.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
    expect(bench.handshakes).toEqual(['full', 'resumed']);
    expect(bench.ingested).toEqual([{ deviceId: 'mon-1', text: 'r' }]);

    bench.access.set('mon-1', 'revoked');
    const third = await openRaw({ ...target, session });
    expect(await connackOf(third)).toMatchObject({ reasonCode: 0x87 });
    expect(bench.handshakes[2]).toBe('resumed');
    for (const client of [first, second, third]) client.socket.destroy();
  });
});

describe('revocation', () => {
  it('ends open connections of the revoked certificate only, and tells v5 why', async () => {
    bench = await openBench();
    const [one, two] = [await bench.raw('mon-1'), await bench.raw('mon-2')];
    await one.connect(5);
    await two.connect(5);
    bench.access.set('mon-1', 'revoked');
    bench.endpoint.recheck();
    expect(await one.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
    await one.closed;
    expect(bench.presence).toContain('mon-1 offline access-withdrawn');
    expect(bench.endpoint.sessions()).toBe(1);
  });

  it('takes effect by itself, without anybody calling', async () => {
    bench = await openBench({ bounds: { recheckEveryMs: 10 } });
    const client = await bench.raw('mon-1');
    await client.connect(5);
    bench.access.set('mon-1', 'unknown-device');
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  });
});

describe('handshakes', () => {
  it('wait their turn, and a stranger who stalls gives way', async () => {
    // Long for a device that means it, also on a busy machine.
    bench = await openBench({ bounds: { handshakesMax: 1, handshakeTimeoutMs: 3_000 } });
    const stranger = connectTcp(bench.port, '127.0.0.1');
    stranger.on('error', () => {});
    await new Promise((resolve) => stranger.once('connect', resolve));
    const clients = await Promise.all(['mon-1', 'mon-2', 'mon-3'].map((device) => bench.raw(device)));
    await Promise.all(clients.map((client) => client.connect(5)));
    expect(bench.endpoint.sessions()).toBe(3);
    expect(bench.handshakes.filter((outcome) => outcome === 'failed')).toHaveLength(1);
    stranger.destroy();
  });

  it('give their place back however they fail', async () => {
    bench = await openBench({ bounds: { handshakesMax: 2 } });
    for (let i = 0; i < 6; i++) {
      const stranger = connectTcp(bench.port, '127.0.0.1');
      stranger.on('error', () => {});
      if (i % 2 === 0) stranger.end('GET / HTTP/1.1\r\n\r\n');
      else stranger.destroy();
    }
    const client = await bench.raw('mon-1');
    await client.connect(5);
    expect(bench.endpoint.sessions()).toBe(1);
  });

  it('take a renewed server certificate for new connections', async () => {
    bench = await openBench();
    const before = await bench.raw('mon-1');
    const shown = (client: RawClient) => client.socket.getPeerX509Certificate()?.fingerprint256;
    const renewed = await openAuthoritiesHere();
    const identity = await bench.identity('server', { names: [{ type: 'dns', value: 'localhost' }] });
    bench.endpoint.renewTls({ ...identity, ca: bench.authorities.devices.certificatePem });
    const after = connectTls({
      port: bench.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(await bench.identity('mon-2')),
    });
    await new Promise((resolve) => after.once('secureConnect', resolve));
    expect(after.getPeerX509Certificate()?.fingerprint256).not.toBe(shown(before));
    const client = new RawClient(after, 5);
    await client.connect(5); // device certificates are still asked for
    after.destroy();
    await rm(renewed.folder, { recursive: true });
  });
});
