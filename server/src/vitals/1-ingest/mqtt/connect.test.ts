import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, connectPacket, eventually, openBench, openRaw, type RawClient } from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

async function raw(version: 4 | 5): Promise<RawClient> {
  return openRaw({ port: bench.port, ca: bench.serverCa, ...(await bench.identity('mon-1')), version });
}

/** CONNECT by hand: the library refuses to write what must be refused. */
function connectBytes(options: { name?: string; level?: number; flags?: number; rest?: readonly number[] }): Buffer {
  const name = Buffer.from(options.name ?? 'MQTT');
  const { level = 5, flags = 2 } = options;
  const rest = options.rest ?? (level >= 5 ? [0, 0, 1, 0x61] : [0, 1, 0x61]);
  const body = Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from([level, flags, 0, 0, ...rest])]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

const PROPERTIES_THEN_ID = (...properties: number[]) => [properties.length, ...properties, 0, 1, 0x61];

describe('CONNECT', () => {
  it('of version 5 is told what the server can and cannot do', async () => {
    bench = await openBench();
    const client = await raw(5);
    client.send(connectPacket(5, { keepalive: 0, clientId: '' }));
    expect(await client.next()).toMatchObject({
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      properties: {
        receiveMaximum: 64,
        maximumPacketSize: 65_536,
        topicAliasMaximum: 4,
        wildcardSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        serverKeepAlive: 300,
        assignedClientIdentifier: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
  });

  it.each([
    ['an unknown level below 4', connectBytes({ level: 3 }), { returnCode: 1 }],
    ['MQTT 3.1 by its name', connectBytes({ name: 'MQIsdp', level: 3 }), { returnCode: 1 }],
    ['an unknown level above 5', connectBytes({ level: 6 }), { reasonCode: 0x84 }],
    ['the reserved flag', connectBytes({ flags: 3 }), { reasonCode: 0x81 }],
    ['a will of QoS 3', connectBytes({ flags: 0x1e }), { reasonCode: 0x81 }],
    ['a will QoS without a will', connectBytes({ flags: 0x0a }), { reasonCode: 0x81 }],
    ['bytes after the end', connectBytes({ rest: [0, 0, 1, 0x61, 0] }), { reasonCode: 0x81 }],
    ['a client id that is not UTF-8', connectBytes({ rest: [0, 0, 1, 0xff] }), { reasonCode: 0x81 }],
    ['U+0000 in the client id', connectBytes({ rest: [0, 0, 1, 0] }), { reasonCode: 0x81 }],
    ['an unknown property', connectBytes({ rest: PROPERTIES_THEN_ID(0x7f, 0) }), { reasonCode: 0x81 }],
    ["another packet's property", connectBytes({ rest: PROPERTIES_THEN_ID(0x23, 0, 1) }), { reasonCode: 0x81 }],
    ['a property twice', connectBytes({ rest: PROPERTIES_THEN_ID(0x21, 0, 9, 0x21, 0, 9) }), { reasonCode: 0x82 }],
    ['Receive Maximum 0', connectBytes({ rest: PROPERTIES_THEN_ID(0x21, 0, 0) }), { reasonCode: 0x82 }],
    ['Maximum Packet Size 0', connectBytes({ rest: PROPERTIES_THEN_ID(0x27, 0, 0, 0, 0) }), { reasonCode: 0x82 }],
    ['a flag property of 2', connectBytes({ rest: PROPERTIES_THEN_ID(0x17, 2) }), { reasonCode: 0x82 }],
    ['authentication data alone', connectBytes({ rest: PROPERTIES_THEN_ID(0x16, 0, 1, 1) }), { reasonCode: 0x82 }],
    ['an authentication method', connectBytes({ rest: PROPERTIES_THEN_ID(0x15, 0, 1, 0x61) }), { reasonCode: 0x8c }],
    ['properties that end in the middle', connectBytes({ rest: [2, 0x21, 0, 0, 1, 0x61] }), { reasonCode: 0x81 }],
    ['an empty 3.1.1 client id to keep', connectBytes({ level: 4, flags: 0, rest: [0, 0] }), { returnCode: 2 }],
  ])('with %s is refused with its reason', async (_what, bytes, answer) => {
    bench = await openBench();
    const client = await raw('returnCode' in answer ? 4 : 5);
    client.send(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'connack', ...answer });
    await client.closed;
    expect(bench.endpoint.sessions()).toBe(0);
  });

  it.each([
    ['another protocol', connectBytes({ name: 'HTTP' })],
    ['a 3.1.1 password without a user name', connectBytes({ level: 4, flags: 0x42, rest: [0, 1, 0x61, 0, 1, 0x61] })],
    ['wrong fixed header flags', Buffer.concat([Buffer.from([0x11]), connectBytes({}).subarray(1)])],
    ['something else first', Buffer.from([0xc0, 0])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a length of five bytes', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1])],
    ['more than a CONNECT can need', Buffer.from([0x10, 0xff, 0xff, 0x7f])],
  ])('that is %s is answered by closing', async (_what, bytes) => {
    bench = await openBench();
    const client = await raw(4);
    client.send(bytes);
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  it('takes user name and password and makes nothing of them', async () => {
    bench = await openBench();
    const client = await bench.client('mon-1', { username: 'mon-2', password: 'secret', clientId: 'mon-2' });
    await client.publishAsync('devices/mon-1/readings', 'r', { qos: 1 });
    await expect(client.publishAsync('devices/mon-2/readings', 'r', { qos: 1 })).rejects.toMatchObject({ code: 0x87 });
    expect(bench.ingested).toEqual([{ deviceId: 'mon-1', text: 'r' }]);
  });

  it('must come in time', async () => {
    bench = await openBench({ bounds: { connectTimeoutMs: 50 } });
    const client = await raw(5);
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  it('may be followed by packets before its CONNACK', async () => {
    bench = await openBench();
    const client = await raw(5);
    client.send(connectPacket(5));
    client.send({
      cmd: 'publish',
      topic: 'devices/mon-1/readings',
      payload: 'r',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    expect([(await client.next())?.cmd, (await client.next())?.cmd]).toEqual(['connack', 'puback']);
  });

  it.each([4, 5] as const)('is refused once the house is full, and the others stay (version %i)', async (version) => {
    bench = await openBench({ bounds: { connectionsMax: 1 } });
    const first = await bench.client('mon-1');
    const second = await openRaw({ port: bench.port, ca: bench.serverCa, ...(await bench.identity('mon-2')), version });
    second.send(connectPacket(version), version);
    expect(await second.next()).toMatchObject(version === 5 ? { reasonCode: 0x97 } : { returnCode: 3 });
    await first.publishAsync('devices/mon-1/readings', 'r', { qos: 1 });
  });

  it('is refused to a device that has too many connections already', async () => {
    bench = await openBench({ bounds: { connectionsPerDeviceMax: 2 } });
    for (const clientId of ['a', 'b']) await (await bench.raw('mon-1')).connect(5, { clientId });
    const third = await bench.raw('mon-1');
    third.send(connectPacket(5, { clientId: 'c' }));
    expect(await third.next()).toMatchObject({ reasonCode: 0x97 });
    await (await bench.raw('mon-2')).connect(5, { clientId: 'c' });
  });

  it.each(['devices/mon-2/status', 'devices/mon-1/config', 'alarms', 'devices/mon-1/#'])(
    'with a will for %s, which is not its own, is refused',
    async (topic) => {
      bench = await openBench();
      for (const version of [4, 5] as const) {
        const client = await raw(version);
        client.send(connectPacket(version, { will: { topic, payload: 'x', qos: 1, retain: false } }), version);
        expect(await client.next()).toMatchObject(version === 5 ? { reasonCode: 0x87 } : { returnCode: 5 });
      }
      expect(bench.connects).toEqual(['bad-will', 'bad-will']);
    },
  );
});

describe('a device that reconnects in a loop', () => {
  it.each([4, 5] as const)('waits for its answer, and the others do not (version %i)', async (version) => {
    bench = await openBench({ bounds: { connectsPerMinuteMax: 60, connectsBurstMax: 3 } });
    for (let i = 0; i < 3; i++) await (await raw(version)).connect(version);
    const fourth = await raw(version);
    fourth.send(connectPacket(version), version);
    await eventually(() => bench.connects.includes('slowed'));
    const other = await bench.client('mon-2', { protocolVersion: version });
    await other.publishAsync('devices/mon-2/readings', 'r', { qos: 1 });
    expect(fourth.packets).toEqual([]);
    expect(await fourth.next()).toMatchObject({ cmd: 'connack' });
  });
});

describe('a defect of ours', () => {
  it('costs the client that found it its connection, and nobody else', async () => {
    bench = await openBench({
      configOf: () => {
        throw new Error('defect');
      },
    });
    const [one, two] = [await raw(5), await bench.client('mon-2')];
    await one.connect(5);
    one.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'devices/mon-1/config', qos: 1 }] });
    await one.closed;
    expect(bench.disconnects).toEqual(['defect']);
    await two.publishAsync('devices/mon-2/readings', 'r', { qos: 1 });
  });
});

describe('after CONNECT', () => {
  it.each([
    ['a second CONNECT', connectBytes({}), 0x82],
    ['AUTH', Buffer.from([0xf0, 0]), 0x82],
    ['a CONNACK', Buffer.from([0x20, 2, 0, 0]), 0x82],
    ['a PUBREC for what we never sent', Buffer.from([0x50, 2, 0, 1]), 0x82],
    ['packet type 0', Buffer.from([0x00, 0]), 0x82],
    ['wrong flags', Buffer.from([0x60, 2, 0, 1]), 0x81],
    ['PINGREQ with a body', Buffer.from([0xc0, 1, 0]), 0x81],
    ['QoS 3', Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1]), 0x81],
    ['QoS 0 marked as repeated', Buffer.from([0x38, 4, 0, 1, 0x61, 0]), 0x81],
    ['packet id 0', Buffer.from([0x32, 6, 0, 1, 0x61, 0, 0, 0]), 0x81],
    ['a padded length', Buffer.from([0xc0, 0x80, 0]), 0x81],
    ['a topic longer than its packet', Buffer.from([0x32, 4, 0, 9, 0x61, 0]), 0x81],
    ['a subscription without a filter', Buffer.from([0x82, 3, 0, 1, 0]), 0x82],
    ['a subscription with reserved bits', Buffer.from([0x82, 7, 0, 1, 0, 0, 1, 0x61, 0xc0]), 0x81],
    ['an unsubscription without a filter', Buffer.from([0xa2, 3, 0, 1, 0]), 0x82],
    ['a length of five bytes', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), 0x81],
  ])('%s ends a v5 connection with its reason', async (_what, bytes, reasonCode) => {
    bench = await openBench();
    const client = await raw(5);
    await client.connect(5);
    client.send(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode });
    await client.closed;
    expect(bench.ingested).toEqual([]);
  });

  it.each([
    ['a second CONNECT', connectBytes({ level: 4 })],
    ['AUTH', Buffer.from([0xf0, 0])],
    ['packet id 0', Buffer.from([0x32, 5, 0, 1, 0x61, 0, 0])],
    ['DISCONNECT with a body', Buffer.from([0xe0, 1, 0])],
    ['UNSUBSCRIBE without the required flags', Buffer.from([0xa0, 5, 0, 1, 0, 1, 0x61])],
  ])('%s ends a 3.1.1 connection', async (_what, bytes) => {
    bench = await openBench();
    const client = await raw(4);
    await client.connect(4);
    client.send(bytes, 4);
    await client.closed;
    expect(client.packets).toEqual([]);
  });

  it('3.1.1 may write lengths in more bytes than needed', async () => {
    bench = await openBench();
    const client = await raw(4);
    await client.connect(4);
    client.send(Buffer.from([0xc0, 0x80, 0]), 4);
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  });

  it('a client that falls silent is let go after one and a half times its keep alive', async () => {
    bench = await openBench();
    const client = await raw(5);
    await client.connect(5, { keepalive: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
    expect(bench.presence).toContain('mon-1 offline keep-alive');
  });

  it('a client that pings is kept', async () => {
    bench = await openBench();
    const client = await bench.client('mon-1', { keepalive: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2_600));
    await client.publishAsync('devices/mon-1/readings', 'r', { qos: 1 });
    expect(bench.disconnects).toEqual([]);
  });
});

describe('stopping', () => {
  it('acknowledges what is under way, then says goodbye', async () => {
    bench = await openBench();
    const client = await raw(5);
    await client.connect(5);
    let answer: () => void = () => {};
    bench.ingest = (text) =>
      new Promise((resolve) => {
        answer = () => resolve({ kind: 'accepted', readingId: text });
      });
    client.send({
      cmd: 'publish',
      topic: 'devices/mon-1/readings',
      payload: 'r',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    await eventually(() => bench.ingested.length === 1);
    const closed = bench.endpoint.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.packets).toEqual([]);
    answer();
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    await closed;
    expect(bench.presence).toEqual(['mon-1 online connect']); // that we stop says nothing about the device
    const refused = await new Promise((resolve) => {
      connectTls({ port: bench.port, host: '127.0.0.1' }).on('error', resolve);
    });
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('does not wait for ever for a log that does not answer', async () => {
    bench = await openBench({ bounds: { drainMs: 50 } });
    bench.ingest = () => new Promise(() => {});
    const client = await raw(5);
    await client.connect(5);
    client.send({
      cmd: 'publish',
      topic: 'devices/mon-1/readings',
      payload: 'r',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    await eventually(() => bench.ingested.length === 1);
    await bench.endpoint.close();
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  });
});
