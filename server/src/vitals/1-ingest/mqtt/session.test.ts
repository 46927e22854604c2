import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, connectPacket, eventually, id, openBench, openRaw, type RawClient } from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

async function raw(version: 4 | 5 = 5, device = 'mon-1'): Promise<RawClient> {
  return openRaw({ port: bench.port, ca: bench.serverCa, ...(await bench.identity(device)), version });
}

async function connack(client: RawClient, options: Record<string, unknown> = {}, version: 4 | 5 = 5) {
  client.send(connectPacket(version, options), version);
  return (await client.next()) as { sessionPresent?: boolean; properties?: Record<string, unknown> } | undefined;
}

const keep = (seconds: number) => ({ clean: false, properties: { sessionExpiryInterval: seconds } });
const CONFIG = 'devices/mon-1/config';
const COMMANDS = 'devices/mon-1/commands';

async function subscribe(client: RawClient, topic: string, options: object = {}, version: 4 | 5 = 5) {
  client.send({ cmd: 'subscribe', messageId: 77, subscriptions: [{ topic, qos: 1, ...options }] }, version);
  return client.next();
}

async function gone(client: RawClient): Promise<void> {
  client.socket.destroy();
  await eventually(() => bench.endpoint.sessions() === 0);
}

describe('a session', () => {
  it.each([4, 5] as const)('is taken over by whoever comes with the same client id (version %i)', async (version) => {
    bench = await openBench();
    const old = await raw(version);
    await old.connect(version);
    const fresh = await raw(version);
    await fresh.connect(version);
    const said = await old.next();
    if (version === 5) expect(said).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    await old.closed;
    expect(bench.endpoint.sessions()).toBe(1);
    expect(bench.presence).toEqual(['mon-1 online connect']);
  });

  it("is out of reach of another device that knows its client's id", async () => {
    bench = await openBench();
    const first = await raw(5, 'mon-1');
    await first.connect(5, { clientId: 'shared' });
    const other = await raw(5, 'mon-2');
    await other.connect(5, { clientId: 'shared' });
    first.send({ cmd: 'pingreq' });
    expect(await first.next()).toMatchObject({ cmd: 'pingresp' });
    expect(bench.endpoint.sessions()).toBe(2);
  });

  it('is present again for a client that kept it, and not for one that starts clean', async () => {
    bench = await openBench();
    const first = await raw();
    expect(await connack(first, keep(100))).toMatchObject({ sessionPresent: false });
    await gone(first);
    const second = await raw();
    expect(await connack(second, keep(100))).toMatchObject({ sessionPresent: true });
    await gone(second);
    const third = await raw();
    expect(await connack(third, { ...keep(100), clean: true })).toMatchObject({ sessionPresent: false });
  });

  it('started clean in the place of a kept one is found by commands', async () => {
    bench = await openBench();
    const first = await raw();
    await connack(first, keep(100));
    await gone(first);
    const second = await raw();
    await connack(second, { clean: true });
    await subscribe(second, COMMANDS);
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x')).toBe('sent');
    expect(await second.next()).toMatchObject({ cmd: 'publish' });
  });

  it('ends with its connection where no expiry was asked for', async () => {
    bench = await openBench();
    const first = await raw();
    await connack(first, { clean: false });
    await gone(first);
    expect(await connack(await raw(), { clean: false })).toMatchObject({ sessionPresent: false });
  });

  it('of 3.1.1 is kept unless it is clean', async () => {
    bench = await openBench();
    const first = await raw(4);
    await connack(first, { clean: false }, 4);
    await gone(first);
    expect(await connack(await raw(4), { clean: false }, 4)).toMatchObject({ sessionPresent: true });
  });

  it('expires, and no expiry is longer than ours', async () => {
    bench = await openBench({ bounds: { sessionExpiryMaxSeconds: 1 } });
    const first = await raw();
    expect(await connack(first, keep(0xffffffff))).toMatchObject({ properties: { sessionExpiryInterval: 1 } });
    await gone(first);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await connack(await raw(), keep(1))).toMatchObject({ sessionPresent: false });
  });

  it('may be given up or kept by DISCONNECT, but not begun by it', async () => {
    bench = await openBench();
    const first = await raw();
    await connack(first, keep(100));
    first.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await first.closed;
    const second = await raw();
    expect(await connack(second, { clean: false })).toMatchObject({ sessionPresent: false });
    second.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
    expect(await second.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
  });

  it('that waits longest gives way when too many wait', async () => {
    bench = await openBench({ bounds: { offlineSessionsMax: 1 } });
    for (const device of ['mon-1', 'mon-2']) {
      const client = await raw(5, device);
      await connack(client, keep(100));
      await gone(client);
    }
    expect(await connack(await raw(5, 'mon-2'), keep(100))).toMatchObject({ sessionPresent: true });
    expect(await connack(await raw(5, 'mon-1'), keep(100))).toMatchObject({ sessionPresent: false });
  });
});

describe('presence', () => {
  const will = { topic: 'devices/mon-1/status', payload: 'gone', qos: 1, retain: true };

  it('is offline after DISCONNECT, without the will', async () => {
    bench = await openBench();
    const client = await bench.client('mon-1', { will: { ...will, payload: Buffer.from('gone'), qos: 1 } });
    await client.endAsync();
    await eventually(() => bench.presence.length === 2);
    expect(bench.presence).toEqual(['mon-1 online connect', 'mon-1 offline disconnect']);
  });

  it.each([4, 5] as const)('is offline by its will when the connection is lost (version %i)', async (version) => {
    bench = await openBench();
    const client = await raw(version);
    await client.connect(version, { will: { ...will, topic: 'devices/mon-1/readings' } });
    await gone(client);
    expect(bench.presence).toEqual(['mon-1 online connect', 'mon-1 offline will']);
    expect(bench.ingested).toEqual([]); // a will is no reading
  });

  it('is offline by its will after a DISCONNECT that asks for it', async () => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5, { will });
    client.send({ cmd: 'disconnect', reasonCode: 4 });
    await eventually(() => bench.presence.length === 2);
    expect(bench.presence[1]).toBe('mon-1 offline will');
  });

  it('waits for the delay of the will, and does not flicker when the device is back in time', async () => {
    bench = await openBench();
    const options = { ...keep(100), will: { ...will, properties: { willDelayInterval: 1 } } };
    const first = await raw();
    await first.connect(5, options);
    await gone(first);
    expect(bench.presence).toEqual(['mon-1 online connect']);
    const second = await raw();
    await second.connect(5, options);
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    expect(bench.presence).toEqual(['mon-1 online connect']);
    await gone(second);
    await eventually(() => bench.presence.length === 2);
    expect(bench.presence[1]).toBe('mon-1 offline will');
  });

  it('stays online while another client of the device is connected', async () => {
    bench = await openBench();
    const [one, two] = [await raw(), await raw()];
    await one.connect(5, { clientId: 'one' });
    await two.connect(5, { clientId: 'two' });
    one.socket.destroy();
    await eventually(() => bench.endpoint.sessions() === 1);
    expect(bench.presence).toEqual(['mon-1 online connect']);
    await gone(two);
    expect(bench.presence[1]).toBe('mon-1 offline connection-lost');
  });
});

describe('subscriptions', () => {
  it.each([4, 5] as const)(
    'are granted for the own topics and refused for all others (version %i)',
    async (version) => {
      bench = await openBench();
      const client = await raw(version);
      await client.connect(version);
      expect(await subscribe(client, CONFIG, { qos: 2 }, version)).toMatchObject({ cmd: 'suback', granted: [1] });
      expect(await subscribe(client, COMMANDS, { qos: 0 }, version)).toMatchObject({ granted: [0] });
      for (const topic of ['devices/mon-2/commands', 'devices/mon-1/readings', 'x', '$SYS/broker']) {
        expect(await subscribe(client, topic, {}, version)).toMatchObject({ granted: [version === 5 ? 0x87 : 0x80] });
      }
      expect(await subscribe(client, 'devices/#/x', {}, version)).toMatchObject({
        granted: [version === 5 ? 0x8f : 0x80],
      });
    },
  );

  it.each([
    ['#', {}, 0xa2],
    ['devices/+/commands', {}, 0xa2],
    ['$share/g/devices/mon-1/commands', {}, 0x9e],
    [COMMANDS, { properties: { subscriptionIdentifier: 1 } }, 0xa1],
  ])('that CONNACK ruled out end a v5 connection: %s', async (topic, more, reasonCode) => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5);
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }], ...more });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode });
  });

  it('with wildcards are refused one by one in 3.1.1', async () => {
    bench = await openBench();
    const client = await raw(4);
    await client.connect(4);
    const subscriptions = [
      { topic: '#', qos: 1 as const },
      { topic: COMMANDS, qos: 1 as const },
    ];
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions }, 4);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [0x80, 1] });
  });

  it('can be taken back', async () => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5);
    await subscribe(client, COMMANDS);
    client.send({ cmd: 'unsubscribe', messageId: 5, unsubscriptions: [COMMANDS, CONFIG] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 5, granted: [0, 0x11] });
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x')).toBe('refused-no-subscriber');
  });
});

describe('the configuration of a device', () => {
  it('comes with the subscription, as retain handling asks', async () => {
    bench = await openBench();
    bench.configs.set('mon-1', '{"interval":5}');
    const client = await raw();
    await client.connect(5);
    const asks: [number, boolean][] = [
      [1, true],
      [1, false],
      [2, false],
      [0, true],
    ];
    for (const [rh, isSent] of asks) {
      expect(await subscribe(client, CONFIG, { rh, qos: 0 })).toMatchObject({ cmd: 'suback' });
      client.send({ cmd: 'pingreq' });
      const next = await client.next();
      if (isSent) {
        expect(next).toMatchObject({ cmd: 'publish', topic: CONFIG, retain: true, qos: 0 });
        expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
      } else expect(next).toMatchObject({ cmd: 'pingresp' });
    }
  });

  it('comes when it changes, to clients of another make', async () => {
    bench = await openBench();
    const client = await bench.client('mon-1', { protocolVersion: 4 });
    const got: string[] = [];
    client.on('message', (topic, payload, packet) => got.push(`${topic} ${payload} ${packet.retain}`));
    await client.subscribeAsync(CONFIG, { qos: 1 });
    bench.configs.set('mon-1', '{"interval":1}');
    bench.endpoint.publishConfig(id('mon-1'));
    await eventually(() => got.length === 1);
    bench.configs.delete('mon-1');
    bench.endpoint.publishConfig(id('mon-1'));
    await eventually(() => got.length === 2);
    expect(got).toEqual([`${CONFIG} {"interval":1} false`, `${CONFIG}  false`]);
  });

  it('that changed while the client was away comes when it is back, only the last', async () => {
    bench = await openBench();
    const first = await raw();
    await first.connect(5, keep(100));
    await subscribe(first, CONFIG);
    await gone(first);
    for (const config of ['one', 'two']) {
      bench.configs.set('mon-1', config);
      bench.endpoint.publishConfig(id('mon-1'));
    }
    const second = await raw();
    await second.connect(5, keep(100));
    const got = await second.next();
    expect([got?.cmd, String((got as { payload?: Buffer }).payload)]).toEqual(['publish', 'two']);
    second.send({ cmd: 'pingreq' });
    expect(await second.next()).toMatchObject({ cmd: 'pingresp' });
  });
});

describe('a command', () => {
  it('reaches a listening client with its time left', async () => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5);
    await subscribe(client, COMMANDS);
    expect(bench.endpoint.sendCommand(id('mon-1'), '{"do":"blink"}')).toBe('sent');
    expect(await client.next()).toMatchObject({
      cmd: 'publish',
      topic: COMMANDS,
      qos: 1,
      retain: false,
      properties: { messageExpiryInterval: 300 },
    });
  });

  it('waits for a place under the Receive Maximum of the client', async () => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5, { properties: { receiveMaximum: 2 } });
    await subscribe(client, COMMANDS);
    const outcomes = ['a', 'b', 'c'].map((text) => bench.endpoint.sendCommand(id('mon-1'), text));
    expect(outcomes).toEqual(['sent', 'sent', 'queued']);
    const first = await client.next();
    await client.next();
    client.send({ cmd: 'puback', messageId: first?.messageId as number, reasonCode: 0 });
    expect(String(((await client.next()) as { payload?: Buffer }).payload)).toBe('c');
  });

  it('is repeated, marked as such, to a client that left without acknowledging it; what waited follows', async () => {
    bench = await openBench();
    const first = await raw();
    await first.connect(5, keep(100));
    await subscribe(first, COMMANDS);
    bench.endpoint.sendCommand(id('mon-1'), 'unanswered');
    const sent = await first.next();
    await gone(first);
    expect(bench.endpoint.sendCommand(id('mon-1'), 'meanwhile')).toBe('queued');
    const second = await raw();
    await second.connect(5, { ...keep(100), properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } });
    const again = await second.next();
    expect(again).toMatchObject({ cmd: 'publish', dup: true, messageId: sent?.messageId });
    second.send({ cmd: 'puback', messageId: again?.messageId as number, reasonCode: 0 });
    const next = await second.next();
    expect(next).toMatchObject({ cmd: 'publish', dup: false });
    expect(String((next as { payload?: Buffer }).payload)).toBe('meanwhile');
  });

  it('that waited too long is not sent any more', async () => {
    bench = await openBench({ bounds: { commandExpiryMs: 30 } });
    const first = await raw();
    await first.connect(5, keep(100));
    await subscribe(first, COMMANDS);
    await gone(first);
    bench.endpoint.sendCommand(id('mon-1'), 'stale');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = await raw();
    await second.connect(5, keep(100));
    second.send({ cmd: 'pingreq' });
    expect(await second.next()).toMatchObject({ cmd: 'pingresp' });
  });

  it('is refused where nobody listens, where too many wait, and where it is too large', async () => {
    bench = await openBench({ bounds: { commandsQueuedMax: 1 } });
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x')).toBe('refused-no-subscriber');
    const first = await raw();
    await first.connect(5, keep(100));
    await subscribe(first, COMMANDS);
    await gone(first);
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x'.repeat(40_000))).toBe('refused-too-large');
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x')).toBe('queued');
    expect(bench.endpoint.sendCommand(id('mon-1'), 'x')).toBe('refused-queue-full');
  });

  it('too large for what the client accepts is not sent, and the next one is', async () => {
    bench = await openBench();
    const client = await raw();
    await client.connect(5, { properties: { maximumPacketSize: 200 } });
    await subscribe(client, COMMANDS);
    bench.endpoint.sendCommand(id('mon-1'), 'x'.repeat(500));
    bench.endpoint.sendCommand(id('mon-1'), 'small');
    expect(String(((await client.next()) as { payload?: Buffer }).payload)).toBe('small');
  });
});
