import { describe, expect, it } from 'vitest';
import type { DeviceId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import { type AdmissionOptions, createAdmission } from './admission.ts';
import { BUILT_IN_PROFILES, loadMappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { admitted, D1, GOOD, memoryLog, memoryRejected, NOW, testView } from './test-admission.ts';

const profiles = await loadMappingProfiles([BUILT_IN_PROFILES]);

function setUp(options: Partial<AdmissionOptions> = {}) {
  const log = memoryLog();
  const rejected = memoryRejected();
  const quarantine = createRejectedQuarantine({ store: rejected, now: () => NOW });
  const admission = createAdmission({
    log,
    view: () => VIEW,
    profiles,
    quarantine,
    now: () => NOW,
    ...options,
  });
  const send = (value: unknown, deviceId = 'D1') =>
    admitted(admission, arrival(deviceId), Buffer.from(JSON.stringify(value)));
  const sendBytes = (bytes: Uint8Array) => admitted(admission, arrival('D1'), bytes);
  return { log, rejected, admission, send, sendBytes };
}
const VIEW = testView();
const arrival = (deviceId: string) => ({
  deviceId: deviceId as DeviceId,
  transport: 'mqtt' as const,
  receivedAtMs: NOW,
});

describe('admission', () => {
  it('accepts a reading once it is in the log, for the patient who wears the device', async () => {
    const { log, send } = setUp();
    expect(await send(GOOD)).toEqual({ kind: 'accepted', readingId: 'r-1' });
    expect(log.readings).toMatchObject([{ id: 'r-1', patientId: 'P1', receivedAtMs: NOW, vitals: GOOD.vitals }]);
  });

  it('answers nothing before the log has stored the reading', async () => {
    const { log, send } = setUp();
    const stored = Promise.withResolvers<void>();
    log.held = stored.promise;
    let answered = false;
    const outcome = send(GOOD).finally(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    stored.resolve();
    expect(await outcome).toMatchObject({ kind: 'accepted' });
  });

  it('calls a resent reading a duplicate, and stores it once', async () => {
    const { log, send } = setUp();
    await send(GOOD);
    expect(await send(GOOD)).toEqual({ kind: 'duplicate', readingId: 'r-1' });
    expect(log.readings).toHaveLength(1);
  });

  it('tells two devices’ readings of one id apart', async () => {
    const { log, send } = setUp({ view: () => testView(bothWorn()) });
    expect(await send(GOOD)).toMatchObject({ kind: 'accepted' });
    expect(await send({ ...GOOD, deviceId: 'D3' }, 'D3')).toMatchObject({ kind: 'accepted' });
    expect(log.readings).toHaveLength(2);
  });

  it('lets a reading that is resent while the first is on its way wait for the first', async () => {
    const { log, send } = setUp();
    const stored = Promise.withResolvers<void>();
    log.held = stored.promise;
    const outcomes = [send(GOOD), send(GOOD)];
    stored.resolve();
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['accepted', 'duplicate']);
    expect(log.readings).toHaveLength(1);
  });

  it('calls nothing a duplicate whose first copy failed: both senders keep theirs', async () => {
    const { log, send } = setUp();
    log.held = Promise.reject(new Failure('log-full', 'full', { retryable: true }));
    const outcomes = await Promise.all([send(GOOD), send(GOOD)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable']);
    log.held = Promise.resolve();
    expect(await send(GOOD)).toMatchObject({ kind: 'accepted' });
  });

  it.each([
    ['log-full', 5_000],
    ['overloaded', 250],
    ['log-broken', 1_000],
    ['log-closed', 1_000],
  ] as const)('answers %s with unavailable, and lists nothing as rejected', async (code, retryAfterMs) => {
    const { log, rejected, send } = setUp();
    log.held = Promise.reject(new Failure(code, code, { retryable: true }));
    expect(await send({ ...GOOD, vitals: { heartRate: 82, spo2: 255 } })).toEqual({
      kind: 'unavailable',
      retryAfterMs,
    });
    expect(rejected.kept).toEqual([]);
  });

  it('gives a late reading to the patient who wore the device then', async () => {
    const { log, send } = setUp({ view: () => testView(handedOver()) });
    await send({ ...GOOD, id: 'before', at: new Date(NOW - 120_000).toISOString() });
    await send({ ...GOOD, id: 'after', at: new Date(NOW - 1_000).toISOString() });
    expect(log.readings.map(({ id, patientId }) => [id, patientId])).toEqual([
      ['before', 'P1'],
      ['after', 'P2'],
    ]);
  });
});

describe('a refused reading', () => {
  const refuse = (deviceId: string, value: unknown) => ({ deviceId, value });
  it.each([
    ['unknown-device', refuse('D9', { ...GOOD, deviceId: 'D9' })],
    ['no-assignment', refuse('D3', { ...GOOD, deviceId: 'D3' })],
    ['unknown-profile', refuse('X1', { ...GOOD, deviceId: 'X1' })],
    ['foreign-device', refuse('D1', { ...GOOD, deviceId: 'D3' })],
    ['clock-ahead', refuse('D1', { ...GOOD, at: '2026-11-22T01:03:04.001Z' })],
    ['invalid-id', refuse('D1', { ...GOOD, id: '' })],
    ['implausible-value', refuse('D1', { id: '1', at: GOOD.at, vitals: { spo2: 255 } })],
  ])('%s: is told so, and kept with its bytes and reason before the answer', async (code, { deviceId, value }) => {
    const { log, rejected, send } = setUp();
    expect(await send(value, deviceId)).toMatchObject({ kind: 'rejected', problems: [{ code }] });
    expect(log.readings).toEqual([]);
    expect(rejected.kept).toMatchObject([{ deviceId, source: 'mqtt', problems: [{ code }] }]);
    expect(JSON.parse(Buffer.from(rejected.kept[0]?.payload ?? []).toString())).toEqual(value);
  });

  it.each([
    ['malformed-json', Buffer.from('{"id":')],
    ['malformed-json', Buffer.from([0x7b, 0xff, 0x7d])],
    ['malformed-json', Buffer.alloc(0)],
    ['malformed-json', Buffer.from(`${'['.repeat(60_000)}`)],
    ['invalid-shape', Buffer.from(`${'['.repeat(30_000)}${']'.repeat(30_000)}`)],
    ['too-large', Buffer.alloc(64 * 1024 + 1, 0x20)],
  ])('%s: bytes that are no reading', async (code, bytes) => {
    const { rejected, sendBytes } = setUp();
    expect(await sendBytes(bytes)).toMatchObject({ kind: 'rejected', problems: [{ code }] });
    expect(rejected.kept[0]?.payload.byteLength).toBe(Math.min(bytes.length, 64 * 1024));
  });

  it.each([
    ['no JSON', 'not json', VIEW],
    ['refused in part', JSON.stringify({ ...GOOD, vitals: { heartRate: 170, spo2: 255 } }), VIEW],
    ['of nobody, after rereading', JSON.stringify(GOOD), testView({ assignments: [] }, NOW - 10_000)],
  ])(
    'keeps the bytes as they came, though the caller reads the next device’s into its buffer: %s',
    async (_, said, view) => {
      const { rejected, sendBytes } = setUp({ view: () => view, refreshView: async () => undefined });
      const buffer = Buffer.from(said);
      const outcome = sendBytes(buffer);
      buffer.fill(0);
      await outcome;
      expect(Buffer.from(rejected.kept[0]?.payload ?? []).toString()).toBe(said);
    },
  );

  it('does not hide what is in order: the rest goes to the log, the source and the list are told', async () => {
    const { log, rejected, send } = setUp();
    const outcome = await send({ ...GOOD, vitals: { heartRate: 170, spo2: 255 } });
    expect(outcome).toMatchObject({
      kind: 'rejected',
      readingId: 'r-1',
      kept: true,
      problems: [{ field: 'vitals.spo2' }],
    });
    expect(log.readings).toMatchObject([{ vitals: { heartRate: 170 } }]);
    expect(rejected.kept).toHaveLength(1);
    await send({ ...GOOD, vitals: { heartRate: 170, spo2: 255 } });
    expect(log.readings).toHaveLength(1);
    expect(rejected.kept).toHaveLength(1);
  });
});

describe('an assignment made this very moment', () => {
  it('is found by rereading the registry once, before the reading is refused', async () => {
    let view = testView({ assignments: [] }, NOW - 10_000);
    let rereads = 0;
    const refreshView = async () => {
      rereads++;
      view = testView({}, NOW);
    };
    const { send } = setUp({ view: () => view, refreshView });
    const outcomes = await Promise.all([send(GOOD), send({ ...GOOD, id: 'r-2' })]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
    expect(rereads).toBe(1);
  });

  it('costs no reread while the view is fresh, and refuses with what it knew while the registry is away', async () => {
    let rereads = 0;
    const refreshView = async () => {
      rereads++;
      throw new Error('away');
    };
    const fresh = setUp({ view: () => testView({ assignments: [] }, NOW), refreshView });
    expect(await fresh.send(GOOD)).toMatchObject({ kind: 'rejected', problems: [{ code: 'no-assignment' }] });
    expect(rereads).toBe(0);
    const old = setUp({ view: () => testView({ assignments: [] }, NOW - 10_000), refreshView });
    expect(await old.send(GOOD)).toMatchObject({ kind: 'rejected', problems: [{ code: 'no-assignment' }] });
    expect(await old.send(GOOD)).toMatchObject({ kind: 'rejected' });
    expect(rereads).toBe(1);
  });
});

describe('a vendor’s form', () => {
  it('is mapped by the profile the device was enrolled with', async () => {
    const { log, send } = setUp();
    const message = {
      device: { bootCount: 3, ecgLeads: 'ON', batteryPercent: 50 },
      sequence: 7,
      observedAt: GOOD.at,
      observations: [{ mdc: 147842, value: 82, uom: 'bpm', validity: 'OK' }],
    };
    expect(await send(message, 'V1')).toEqual({ kind: 'accepted', readingId: '3-7' });
    expect(log.readings).toMatchObject([{ vitals: { heartRate: 82 }, status: { leadsOff: false, battery: 0.5 } }]);
  });
});

function bothWorn() {
  const device = (id: string) => ({ id: id as DeviceId, createdAtMs: 0, certificates: [] });
  const worn = (id: string) => ({ deviceId: id as DeviceId, patientId: 'P1' as never, fromMs: 0 });
  return { devices: [device('D1'), device('D3')], assignments: [worn('D1'), worn('D3')] };
}

function handedOver() {
  const at = NOW - 60_000;
  return {
    assignments: [
      { deviceId: D1, patientId: 'P1' as never, fromMs: 0, toMs: at },
      { deviceId: D1, patientId: 'P2' as never, fromMs: at },
    ],
  };
}
