import { generate, type Packet } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Bench,
  connectPacket,
  eventually,
  openBench,
  openRaw,
} from '../../server/src/vitals/1-ingest/mqtt/test-endpoint.ts';
import { readAttackLists } from './attack-lists.ts';

/**
 * A device of ours that was taken over: it has a certificate, and writes attack strings wherever MQTT lets it. What it
 * sends as readings, all of the lists and more, is refused in `test/e2e/hostile.test.ts`.
 */
const LISTS = readAttackLists();
let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ bounds: { connectsBurstMax: 10_000, connectTimeoutMs: 2_000, lingerMs: 300 } });
});
afterAll(() => bench?.close());

/** Each place of the protocol where a client writes text of its own. */
const PLACES: readonly ((text: string) => readonly Packet[])[] = [
  (text) => [connectPacket(5, { clientId: text })],
  (text) => [connectPacket(5, { username: text, password: Buffer.from(text) })],
  (text) => [connectPacket(5, { will: { topic: text, payload: Buffer.from(text), qos: 0, retain: false } })],
  (text) => [connectPacket(5, { properties: { userProperties: { [text]: text }, authenticationMethod: text } })],
  (text) => [connectPacket(5), publish({ topic: text })],
  (text) => [connectPacket(5), publish({ topic: `devices/${text}/readings` })],
  (text) => [
    connectPacket(5),
    publish({ properties: { responseTopic: text, contentType: text, userProperties: { [text]: text } } }),
  ],
  (text) => [connectPacket(5), subscribe(text)],
  (text) => [connectPacket(5), subscribe(`devices/${text}/config`)],
  (text) => [connectPacket(5), subscribe(`$share/${text}/devices/mon-2/readings`)],
  (text) => [connectPacket(5), { cmd: 'disconnect', reasonCode: 0, properties: { reasonString: text } } as Packet],
];

const publish = (more: object): Packet =>
  ({
    cmd: 'publish',
    topic: 'devices/mon-1/readings',
    payload: Buffer.from('{}'),
    qos: 0,
    dup: false,
    retain: false,
    ...more,
  }) as Packet;
const subscribe = (topic: string): Packet =>
  ({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] }) as Packet;

describe.runIf(LISTS !== undefined)('every list, and every place of the protocol', () => {
  it('reaches nothing of another device, and leaves the others as they were', async () => {
    const identity = await bench.identity('mon-1');
    const other = await bench.client('mon-2');
    const heard: string[] = [];
    other.on('message', (topic) => void heard.push(topic));
    await other.subscribeAsync('devices/mon-2/commands', { qos: 1 });
    let [sent, session] = [0, undefined as Buffer | undefined];
    for (const [l, { strings }] of (LISTS ?? []).entries())
      for (const [p, place] of PLACES.entries()) {
        const text = (strings[(7 * p + l) % strings.length] ?? '').slice(0, 4_000);
        const packets = encoded(place(text));
        // Every list at a third of the places, every place with a third of the lists; or nothing that MQTT could carry.
        if ((l + p) % 3 !== 0 || packets === undefined) continue;
        const client = await openRaw({
          port: bench.port,
          ca: bench.serverCa,
          ...identity,
          ...(session && { session }),
        });
        client.socket.once('session', (ticket) => {
          session = ticket;
        });
        client.send(packets);
        client.socket.end();
        await client.closed;
        sent++;
      }
    expect(sent).toBeGreaterThan(300);
    await other.publishAsync('devices/mon-2/readings', 'still here', { qos: 1 });
    await eventually(() => bench.ingested.some(({ text }) => text === 'still here'));
    expect(bench.ingested.filter(({ deviceId, text }) => deviceId !== 'mon-1' && text !== 'still here')).toEqual([]);
    expect(heard).toEqual([]);
    await eventually(() => bench.endpoint.sessions() === 1);
  }, 120_000);
});

/** As bytes; undefined where the text does not fit (a string of MQTT has 65,535 bytes, and no NUL). */
function encoded(packets: readonly Packet[]): Buffer | undefined {
  try {
    return Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 })));
  } catch {
    return undefined;
  }
}
