import { afterEach, expect, it, vi } from 'vitest';
import { defaultMqttBounds } from './bounds.ts';
import { Connection, type Peer } from './connection.ts';
import type { MqttContext } from './context.ts';
import { startSweep } from './sweep.ts';

const silent = { remoteAddress: undefined, write() {}, end() {}, destroy() {}, pause() {}, resume() {} };
function world() {
  const asked: string[] = [];
  let nowMs = 0;
  const context = {
    open: new Set<Connection>(),
    bounds: defaultMqttBounds,
    hooks: {},
    now: () => 0,
    monotonicMs: () => nowMs,
    sessions: { expire() {} },
    offlineDue: new Map(),
    connectPace: new Map(),
    world: {
      deviceAccess(deviceId: string) {
        asked.push(deviceId);
        return 'allowed';
      },
    },
  } as unknown as MqttContext;
  const connect = (deviceId: string) => {
    const peer = { deviceId, serial: '1', fingerprint: '1', notBeforeMs: 0, notAfterMs: 1 } as unknown as Peer;
    const connection = new Connection(silent as never, peer, nowMs);
    connection.session = {} as never;
    context.open.add(connection);
    return connection;
  };
  const goOn = (ms: number, lateMs = 0) => {
    nowMs += ms + lateMs;
    vi.advanceTimersByTime(ms);
  };
  return { asked, context, connect, goOn };
}

afterEach(() => {
  vi.useRealTimers();
});

it.each([1, 3, 20, 100, 1_000])(
  'a round asks for each of %i devices within 2.5 s, and not much more than once',
  (count) => {
    vi.useFakeTimers();
    const { asked, context, connect, goOn } = world();
    for (let i = 0; i < count; i++) connect(`D${i}`);
    const sweep = startSweep(context);
    for (let ms = 0; ms < 2_500; ms += 25) goOn(25);
    sweep.stop();
    expect(new Set(asked).size).toBe(count);
  },
);

it('whoever was first is asked for within 5 s also while others come and go faster than a round goes round', () => {
  vi.useFakeTimers();
  const { asked, context, connect, goOn } = world();
  for (let i = 0; i < 20; i++) connect(`D${i}`);
  const sweep = startSweep(context);
  const passing: Connection[] = [];
  // Fifty a second, each here for half a second.
  for (let ms = 0; ms < 10_000; ms += 20) {
    passing.push(connect('passing'));
    if (passing.length > 25) context.open.delete(passing.shift() as Connection);
    goOn(20);
    if (ms === 4_000) asked.length = 0;
  }
  sweep.stop();
  expect(asked.filter((device) => device === 'D0').length).toBeGreaterThan(0);
});

it('a round takes no longer where each tick is late', () => {
  vi.useFakeTimers();
  const { asked, context, connect, goOn } = world();
  for (let i = 0; i < 1_000; i++) connect(`D${i}`);
  const sweep = startSweep(context);
  // A processor that has too much to do: each round of the event loop takes 75 ms.
  for (let ms = 0; ms < 5_000; ms += 75) goOn(25, 50);
  sweep.stop();
  expect(new Set(asked).size).toBe(1_000);
});

it('a stall of ours of less than a second does not count as the silence of a client', () => {
  vi.useFakeTimers();
  const { context, connect, goOn } = world();
  const ended: string[] = [];
  Object.assign(context, {
    isDraining: true,
    hooks: { disconnect: (cause: string) => ended.push(cause) },
    sessions: { expire() {}, end() {}, keepOffline() {}, forgetIfIdle() {} },
    heldForRate: new Set(),
    heldForMemory: new Set(),
  });
  const connection = connect('D1');
  Object.assign(connection, { silenceMaxMs: 1_500, lastPacketAtMs: 0 });
  const sweep = startSweep(context);
  for (let ms = 0; ms < 950; ms += 25) goOn(25);
  goOn(25, 925); // its ping of the first second is with us, and has not been read
  goOn(25);
  connection.lastPacketAtMs = 1_925;
  for (let ms = 0; ms < 600; ms += 25) goOn(25);
  sweep.stop();
  expect(ended).toEqual([]);
});
