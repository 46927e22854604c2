import { afterEach, describe, expect, it } from 'vitest';
import type { IngestOutcome } from '../../../domain/problem.ts';
import { type Bench, eventually, openBench, openRaw, type RawClient } from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

const reading = (messageId: number, payload = `r${messageId}`, qos: 0 | 1 | 2 = 1, more: object = {}) =>
  ({
    cmd: 'publish',
    topic: 'devices/mon-1/readings',
    payload,
    qos,
    messageId,
    dup: false,
    retain: false,
    ...more,
  }) as const;

async function connected(version: 4 | 5, options: Record<string, unknown> = {}): Promise<RawClient> {
  const client = await openRaw({ port: bench.port, ca: bench.serverCa, ...(await bench.identity('mon-1')), version });
  await client.connect(version, options);
  return client;
}

/** A log that answers when the test says so. */
function heldLog() {
  const held = new Map<string, (outcome: IngestOutcome) => void>();
  bench.ingest = (text) => new Promise((resolve) => held.set(text, resolve));
  return (text: string, outcome: IngestOutcome = { kind: 'accepted', readingId: text }) => held.get(text)?.(outcome);
}

const rejected: IngestOutcome = {
  kind: 'rejected',
  problems: [{ code: 'implausible-value', field: 'vitals.heartRate', detail: '' }],
};

describe.each([4, 5] as const)('a reading published with MQTT version %i', (version) => {
  it.each([0, 1, 2] as const)('is taken in, QoS %i, from a client of another make', async (qos) => {
    bench = await openBench();
    const client = await bench.client('mon-1', { protocolVersion: version });
    await client.publishAsync('devices/mon-1/readings', '{"id":"r1"}', { qos });
    await client.endAsync(); // the thread of the sockets closes it; what it said may still be on its way from there
    await eventually(() => bench.ingested.length > 0);
    expect(bench.ingested).toEqual([{ deviceId: 'mon-1', text: '{"id":"r1"}' }]);
  });

  it('is acknowledged only once it is stored, in the order sent', async () => {
    bench = await openBench();
    const answer = heldLog();
    const client = await connected(version);
    for (const messageId of [11, 12, 13]) client.send(reading(messageId), version);
    await eventually(() => bench.ingested.length === 3);
    answer('r13');
    answer('r12');
    client.send({ cmd: 'pingreq' }, version);
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' }); // nothing acknowledged before the first is
    answer('r11');
    const acks = [await client.next(), await client.next(), await client.next()];
    expect(acks.map((ack) => ack?.messageId)).toEqual([11, 12, 13]);
    expect(acks.every((ack) => ack?.cmd === 'puback')).toBe(true);
  });

  it('with QoS 2 is taken once, however often it is repeated, also by a client that comes back', async () => {
    bench = await openBench();
    const options = { clean: false, properties: { sessionExpiryInterval: 100 } };
    let client = await connected(version, options);
    client.send(reading(7, 'once', 2), version);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 });
    client.send(reading(7, 'once', 2, { dup: true }), version);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 });
    client.socket.destroy();
    await eventually(() => bench.endpoint.sessions() === 0);
    client = await connected(version, options);
    client.send(reading(7, 'once', 2, { dup: true }), version);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 });
    client.send({ cmd: 'pubrel', messageId: 7 }, version);
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 7 });
    expect(bench.ingested).toHaveLength(1);
    client.send(reading(7, 'the id is free again', 2), version);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 });
    expect(bench.ingested).toHaveLength(2);
  });

  it('that cannot be stored is not acknowledged: the client is sent away and sends it again', async () => {
    bench = await openBench({ bounds: { retryHoldMaxMs: 50 } });
    bench.ingest = async (text) =>
      text === 'r1' && bench.ingested.filter((one) => one.text === 'r1').length === 1
        ? { kind: 'unavailable', retryAfterMs: 10 }
        : { kind: 'accepted', readingId: text };
    const client = await connected(version);
    for (const messageId of [1, 2]) client.send(reading(messageId), version);
    const said = await client.next();
    if (version === 5) expect(said).toMatchObject({ cmd: 'disconnect', reasonCode: 0x89 });
    else expect(said).toBeUndefined();
    await client.closed;
    expect(client.packets).toEqual([]); // not even the second, which was stored: order
    const again = await connected(version);
    again.send(reading(1, 'r1', 1, { dup: true }), version);
    expect(await again.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  });

  it('whose storing throws is not acknowledged', async () => {
    bench = await openBench({ bounds: { retryHoldMaxMs: 10 } });
    bench.ingest = () => Promise.reject(new Error('broken'));
    const client = await connected(version);
    client.send(reading(1), version);
    const said = await client.next();
    expect(said?.cmd).not.toBe('puback');
    await client.closed;
    expect(bench.refused).toEqual(['failed']);
  });

  it('of QoS 0 that cannot be stored is lost, as QoS 0 may be, and the connection stays', async () => {
    bench = await openBench();
    bench.ingest = async () => ({ kind: 'unavailable', retryAfterMs: 10 });
    const client = await connected(version);
    client.send(reading(0, 'r', 0), version);
    client.send({ cmd: 'pingreq' }, version);
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  });

  it('is accepted with the RETAIN flag, which has no effect', async () => {
    bench = await openBench();
    const client = await connected(version);
    client.send(reading(1, 'r', 1, { retain: true }), version);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  });

  it('larger than the packet size allowed ends the connection', async () => {
    bench = await openBench({ bounds: { packetBytesMax: 1000 } });
    const client = await connected(version);
    client.send(reading(1, 'x'.repeat(1000)), version);
    const said = await client.next();
    if (version === 5) expect(said).toMatchObject({ cmd: 'disconnect', reasonCode: 0x95 });
    await client.closed;
    expect(bench.ingested).toEqual([]);
  });

  it('is waited for by its own connection only, when too many are on their way', async () => {
    bench = await openBench({ bounds: { inFlightMax: 4 } });
    const answer = heldLog();
    const busy = await connected(version);
    const most = version === 5 ? 8 : 4;
    for (let i = 1; i <= 40; i++) busy.send(reading(i, `busy${i}`, 0), version);
    await eventually(() => bench.ingested.length === most);
    const other = await bench.client('mon-2', { protocolVersion: version });
    const sent = other.publishAsync('devices/mon-2/readings', 'other', { qos: 1 });
    await eventually(() => bench.ingested.length === most + 1);
    answer('other');
    await sent;
    expect(bench.ingested).toHaveLength(most + 1); // the busy one was not read further meanwhile
    for (let i = 1; i <= 40; i++) {
      await eventually(() => bench.ingested.some(({ text }) => text === `busy${i}`));
      answer(`busy${i}`);
    }
  });

  it('waits when all devices together have too much on its way', async () => {
    bench = await openBench({ bounds: { unackedBytesMax: 1000 } });
    const answer = heldLog();
    const client = await connected(version);
    client.send(reading(1, 'a'.repeat(1000)), version);
    client.send(reading(2, 'second'), version);
    client.send({ cmd: 'pingreq' }, version);
    await eventually(() => bench.ingested.length === 1);
    answer('a'.repeat(1000));
    await eventually(() => bench.ingested.length === 2);
    answer('second');
    const answers = [await client.next(), await client.next(), await client.next()];
    expect(answers.flatMap((packet) => (packet?.cmd === 'puback' ? [packet.messageId] : []))).toEqual([1, 2]);
    expect(answers.map((packet) => packet?.cmd)).toContain('pingresp');
  });

  it('that comes too fast is slowed, loses nothing, and slows nobody else', async () => {
    let clock = () => 0;
    bench = await openBench({
      bounds: { packetsPerSecondMax: 100, packetsBurstMax: 10 },
      monotonicMs: () => clock(),
    });
    const client = await connected(version);
    for (let i = 1; i <= 40; i++) client.send(reading(i), version);
    const other = await bench.client('mon-2', { protocolVersion: version });
    await other.publishAsync('devices/mon-2/readings', 'other', { qos: 1 });
    await eventually(() => bench.refused.includes('slowed'));
    expect(bench.ingested.length).toBe(11); // the other did not wait for the fast one
    clock = () => performance.now();
    const acks = [];
    for (let i = 1; i <= 40; i++) acks.push(await client.next());
    expect(acks.map((ack) => ack?.messageId)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    const told = acks.some((ack) => /slowed/.test(JSON.stringify(ack)));
    expect(told).toBe(version === 5);
  });
});

describe('a large reading', () => {
  it('counts as many, and is taken all the same', async () => {
    let clock = () => 0;
    bench = await openBench({ bounds: { packetsPerSecondMax: 100, packetsBurstMax: 10 }, monotonicMs: () => clock() });
    const client = await connected(5);
    for (const id of [1, 2]) client.send(reading(id, 'x'.repeat(60_000)), 5);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    await eventually(() => bench.refused.includes('slowed'));
    expect(bench.ingested).toHaveLength(1);
    clock = () => performance.now();
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
  });
});

describe('a refused reading', () => {
  it('is refused in v5 with code and field, and no more', async () => {
    bench = await openBench();
    bench.ingest = async () => rejected;
    const client = await connected(5);
    client.send(reading(1));
    expect(await client.next()).toMatchObject({
      cmd: 'puback',
      messageId: 1,
      reasonCode: 0x99,
      properties: { reasonString: 'implausible-value vitals.heartRate' },
    });
    client.send(reading(2, 'r2', 2));
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0x99 });
    client.send(reading(2, 'r2 again', 2)); // a refusal frees the id (v5 4.3.3)
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0x99 });
    expect(bench.ingested).toHaveLength(3);
  });

  it('is refused without words where the client wants none, or none so long', async () => {
    bench = await openBench();
    bench.ingest = async () => rejected;
    for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 40 }]) {
      const client = await connected(5, { properties });
      client.send(reading(1));
      const ack = await client.next();
      expect(ack).toMatchObject({ cmd: 'puback', reasonCode: 0x99 });
      expect(ack).not.toHaveProperty('properties');
    }
  });

  it('is acknowledged in 3.1.1, which knows no other answer', async () => {
    bench = await openBench();
    bench.ingest = async () => rejected;
    const client = await connected(4);
    client.send(reading(1), 4);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  });

  it('shows in the other client library as an error with its reason code', async () => {
    bench = await openBench();
    bench.ingest = async () => rejected;
    const client = await bench.client('mon-1');
    await expect(client.publishAsync('devices/mon-1/readings', 'x', { qos: 1 })).rejects.toMatchObject({ code: 0x99 });
  });
});

describe("another device's topic", () => {
  it.each(['devices/mon-2/readings', 'devices/mon-1/status', 'devices/mon-1/readings/', 'readings', '$SYS/x'])(
    'is refused in v5 by the acknowledgement: %s',
    async (topic) => {
      bench = await openBench();
      const client = await connected(5);
      client.send(reading(1, 'x', 1, { topic }));
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x87 });
      client.send(reading(2, 'x', 2, { topic }));
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0x87 });
      client.send(reading(0, 'x', 0, { topic }));
      expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
      expect(bench.ingested).toEqual([]);
    },
  );

  it.each([0, 1, 2] as const)('ends the connection of 3.1.1, QoS %i', async (qos) => {
    bench = await openBench();
    const client = await connected(4);
    client.send(reading(1, 'x', qos, { topic: 'devices/mon-2/readings' }), 4);
    expect(await client.next()).toBeUndefined();
    expect(bench.ingested).toEqual([]);
    expect(bench.disconnects).toEqual(['foreign-topic']);
  });
});

describe('version 5', () => {
  it('offers topic aliases and keeps to them', async () => {
    bench = await openBench();
    const client = await bench.client('mon-1', { autoAssignTopicAlias: true });
    for (let i = 0; i < 5; i++) await client.publishAsync('devices/mon-1/readings', `r${i}`, { qos: 1 });
    expect(bench.ingested.map(({ text }) => text)).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
    const raw = await connected(5, { clientId: 'raw' });
    raw.send(reading(1, 'a', 1, { properties: { topicAlias: 2 } }));
    raw.send(reading(2, 'b', 1, { topic: '', properties: { topicAlias: 2 } }));
    expect([(await raw.next())?.messageId, (await raw.next())?.messageId]).toEqual([1, 2]);
  });

  it.each([
    ['an alias above the maximum', { properties: { topicAlias: 5 } }, 0x94],
    ['an alias of 0', { topic: 'devices/mon-1/readings', properties: { topicAlias: 0 } }, 0x94],
    ['an alias never set', { topic: '', properties: { topicAlias: 3 } }, 0x82],
    ['wildcards in a topic', { topic: 'devices/+/readings' }, 0x90],
  ])('takes leave with the right reason: %s', async (_what, more, reasonCode) => {
    bench = await openBench();
    const client = await connected(5);
    if ('properties' in more && more.properties.topicAlias === 0) {
      // The library will not write an alias of 0.
      const topic = Buffer.from('devices/mon-1/readings');
      const body = Buffer.concat([Buffer.from([0, topic.length]), topic, Buffer.from([0, 1, 3, 0x23, 0, 0])]);
      client.send(Buffer.concat([Buffer.from([0x32, body.length]), body]));
    } else client.send(reading(1, 'x', 1, more));
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode });
    expect(bench.ingested).toEqual([]);
  });

  it('takes leave of a client that exceeds Receive Maximum', async () => {
    bench = await openBench({ bounds: { inFlightMax: 3 } });
    heldLog();
    const client = await connected(5);
    for (let i = 1; i <= 4; i++) client.send(reading(i));
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
  });

  it('counts QoS 2 messages not yet released against Receive Maximum', async () => {
    bench = await openBench({ bounds: { inFlightMax: 3 } });
    const client = await connected(5);
    for (let i = 1; i <= 3; i++) {
      client.send(reading(i, `r${i}`, 2));
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: i });
    }
    client.send(reading(4));
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
  });

  it('answers a packet id in use, and an unknown release, with their reasons', async () => {
    bench = await openBench();
    const answer = heldLog();
    const client = await connected(5);
    client.send(reading(1, 'first'));
    client.send(reading(1, 'second'));
    await eventually(() => bench.refused.includes('packet-id-in-use'));
    answer('first');
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0 });
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x91 });
    expect(bench.ingested).toHaveLength(1);
    client.send({ cmd: 'pubrel', messageId: 99 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 99, reasonCode: 0x92 });
  });
});

describe('version 3.1.1', () => {
  it('ends the connection of a client that hoards QoS 2 messages', async () => {
    bench = await openBench({ bounds: { unreleasedMax: 3 } });
    const client = await connected(4);
    for (let i = 1; i <= 4; i++) {
      client.send(reading(i, `r${i}`, 2), 4);
      expect((await client.next())?.cmd).toBe(i <= 3 ? 'pubrec' : undefined);
    }
    expect(bench.disconnects).toEqual(['protocol-error']);
  });
});

describe('a client that does not read', () => {
  it('is cut off before its unread answers fill our memory', async () => {
    bench = await openBench({ bounds: { unsentBytesMax: 20_000, packetsPerSecondMax: 1e6, packetsBurstMax: 1e6 } });
    bench.configs.set('mon-1', JSON.stringify({ x: 'y'.repeat(60_000) }));
    const client = await connected(4);
    client.socket.pause();
    for (let i = 1; i <= 200; i++) {
      client.send({ cmd: 'subscribe', messageId: i, subscriptions: [{ topic: 'devices/mon-1/config', qos: 0 }] }, 4);
    }
    await eventually(() => bench.disconnects.includes('slow-reader'));
    client.socket.destroy();
  });
});
