import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, openBench } from './test-endpoint.ts';

let bench: Bench;
afterEach(() => bench.close());

describe.each([4, 5] as const)('a client of MQTT version %i', (protocolVersion) => {
  it.each([0, 1, 2] as const)('has its reading of QoS %i taken in', async (qos) => {
    bench = await openBench();
    const client = await bench.client('mon-1', { protocolVersion });
    await client.publishAsync('devices/mon-1/readings', '{"id":"r1"}', { qos });
    await client.endAsync();
    expect(bench.ingested).toEqual([{ deviceId: 'mon-1', text: '{"id":"r1"}' }]);
  });
});
