import { afterEach, expect, it } from 'vitest';
import type { IngestOutcome } from '../../../domain/problem.ts';
import { type Bench, openBench } from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

const COUNT = 650;
const isRefused = (i: number): boolean => i % 97 === 0;
const outcomeOf = (i: number): IngestOutcome =>
  isRefused(i)
    ? { kind: 'rejected', problems: [{ code: 'no-values', field: 'vitals', detail: '' }] }
    : { kind: i % 5 === 0 ? 'duplicate' : 'accepted', readingId: `${i}` };

it.each([4, 5] as const)(
  'acknowledgements, with words and without, go out once each in the order received (v%i)',
  async (version) => {
    bench = await openBench({
      bounds: { inFlightMax: 700, unreleasedMax: 700, packetsPerSecondMax: 1e6, packetsBurstMax: 1e6 },
    });
    const waiting: (() => void)[] = [];
    bench.ingest = (text) => new Promise((resolve) => waiting.push(() => resolve(outcomeOf(Number(text)))));
    const client = await bench.raw('mon-1');
    await client.connect(version);
    for (let i = 1; i <= COUNT; i++)
      client.send({
        cmd: 'publish',
        topic: 'devices/mon-1/readings',
        qos: i % 3 === 0 ? 2 : 1,
        messageId: i,
        payload: `${i}`,
        retain: false,
        dup: false,
      });
    const acks = () => client.packets.filter(({ cmd }) => cmd.startsWith('pub'));
    await expect.poll(() => waiting.length).toBe(COUNT);
    // The oldest last: nothing goes out before it.
    for (const answer of waiting.slice(1).reverse()) answer();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(acks()).toEqual([]);
    waiting[0]?.();
    await expect.poll(() => acks().length).toBe(COUNT);
    expect(acks()).toMatchObject(
      Array.from({ length: COUNT }, (_, at) => {
        const messageId = at + 1;
        const cmd = messageId % 3 === 0 ? 'pubrec' : 'puback';
        return version === 5 && isRefused(messageId) ? { cmd, messageId, reasonCode: 0x99 } : { cmd, messageId };
      }),
    );
  },
);
