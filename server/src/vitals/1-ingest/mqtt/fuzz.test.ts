import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeConnect } from './decode-connect.ts';
import { decodeAck, decodeDisconnect, decodePublish, decodeSubscribe, decodeUnsubscribe } from './decode-packets.ts';
import { type Bench, connectPacket, openBench, openRaw } from './test-endpoint.ts';

/** Well-formed packets of every kind, to be spoilt. */
const seeds = ([4, 5] as const).flatMap((version) => {
  const v5 = version === 5;
  const packets = [
    connectPacket(version, {
      will: { topic: 'devices/mon-1/status', payload: 'x', qos: 1, retain: true },
      username: 'u',
      password: Buffer.from('p'),
      ...(v5 && { properties: { sessionExpiryInterval: 5, receiveMaximum: 9, userProperties: { a: 'b' } } }),
    }),
    ...([0, 1, 2] as const).map((qos) => ({
      cmd: 'publish' as const,
      topic: 'devices/mon-1/readings',
      payload: '{"id":"r"}',
      qos,
      messageId: 5,
      dup: false,
      retain: false,
      ...(v5 && { properties: { topicAlias: 1, contentType: 'application/json', userProperties: { a: ['b', 'c'] } } }),
    })),
    { cmd: 'subscribe' as const, messageId: 6, subscriptions: [{ topic: 'devices/mon-1/config', qos: 1 as const }] },
    { cmd: 'unsubscribe' as const, messageId: 7, unsubscriptions: ['devices/mon-1/config'] },
    { cmd: 'puback' as const, messageId: 1, ...(v5 && { reasonCode: 0, properties: { reasonString: 'ok' } }) },
    { cmd: 'pubrel' as const, messageId: 1 },
    { cmd: 'pingreq' as const },
    { cmd: 'disconnect' as const, ...(v5 && { reasonCode: 0, properties: { sessionExpiryInterval: 0 } }) },
  ];
  return packets.map((packet) => ({ version, bytes: generate(packet, { protocolVersion: version }) }));
});

/** A seed with bits flipped, bytes replaced, cut short, or followed by noise; or noise alone. */
const spoilt = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)),
  fc
    .record({
      seed: fc.integer({ min: 0, max: seeds.length - 1 }),
      flips: fc.array(fc.record({ at: fc.nat(1000), bit: fc.integer({ min: 0, max: 7 }) }), { maxLength: 4 }),
      cut: fc.option(fc.nat(200)),
      tail: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ seed, flips, cut, tail }) => {
      const bytes = Buffer.from((seeds[seed] as (typeof seeds)[number]).bytes);
      for (const { at, bit } of flips) (bytes[at % bytes.length] as number) ^= 1 << bit;
      return Buffer.concat([cut === null ? bytes : bytes.subarray(0, cut), Buffer.from(tail)]);
    }),
);

describe('decoders', () => {
  it('answer every sequence of bytes, and never throw', () => {
    fc.assert(
      fc.property(
        spoilt,
        fc.constantFrom(4 as const, 5 as const),
        fc.integer({ min: 0, max: 5 }),
        (bytes, version, from) => {
          const start = Math.min(from, bytes.length);
          for (const decode of [decodeAck, decodeSubscribe, decodeUnsubscribe, decodeDisconnect]) {
            const decoded = decode(version, bytes, start, bytes.length);
            if (!decoded.ok) expect(decoded.reason).toBeGreaterThanOrEqual(0x80);
          }
          const published = decodePublish(bytes[0] ?? 0x30, version, bytes, start, bytes.length);
          if (!published.ok) expect(published.reason).toBeGreaterThanOrEqual(0x80);
          expect(['connect', 'fault']).toContain(decodeConnect(bytes, start, bytes.length).kind);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('the endpoint', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench({ bounds: { connectsBurstMax: 10_000, connectTimeoutMs: 300, lingerMs: 300 } });
  });
  afterAll(() => bench.close());

  it('closes or answers whatever it is sent, and goes on serving the others', async () => {
    const identity = await bench.identity('mon-1');
    const other = await bench.client('mon-2');
    const target = { port: bench.port, ca: bench.serverCa, ...identity };
    let session: Buffer | undefined;
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(spoilt, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(undefined, 4 as const, 5 as const),
        async (packets, version) => {
          const client = await openRaw({ ...target, ...(session && { session }), version: version ?? 5 });
          client.socket.on('session', (ticket) => {
            session = ticket;
          });
          if (version !== undefined) await client.connect(version, { clientId: `fuzz-${sent}` });
          for (const packet of packets) client.send(packet);
          client.socket.end();
          await client.closed;
          sent += 1;
          if (sent % 20 === 0) await other.publishAsync('devices/mon-2/readings', `${sent}`, { qos: 1 });
        },
      ),
      { numRuns: 400 },
    );
    const others = bench.ingested.filter(({ deviceId }) => deviceId === 'mon-2');
    expect(others.map(({ text }) => text)).toEqual(
      Array.from({ length: Math.floor(sent / 20) }, (_, i) => `${20 * (i + 1)}`),
    );
    expect(bench.ingested.every(({ deviceId }) => deviceId === 'mon-1' || deviceId === 'mon-2')).toBe(true);
    expect(bench.endpoint.sessions()).toBe(1);
    expect(bench.disconnects).not.toContain('keep-alive');
  });
});
