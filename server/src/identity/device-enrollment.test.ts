import { describe, expect, it } from 'vitest';
import type { DeviceId, TenantId, UserId } from '../domain/ids.ts';
import type { DeviceEnrollments, Enrollment } from '../ports/device-enrollments.ts';
import type { Device, DeviceCertificate } from '../ports/registry.ts';
import { newDeviceKey } from '../simulation/device-key.ts';
import { type ApprovalRule, createEnrollmentDesk, type Decider } from './device-enrollment.ts';
import { hashOfCode, newEnrollmentCode } from './enrollment-code.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const HOUR = 3_600_000;
const D = 'monitor-7' as DeviceId;
const tenant = (id: string) => id as TenantId;
const ann: Decider = { name: 'ann', userId: 'u-ann' as UserId, tenantId: tenant('default') };
const bob: Decider = { name: 'bob', userId: 'u-bob' as UserId, tenantId: tenant('default') };

/** A desk over lists in memory; what a real store keeps apart is tested there. */
function openDesk(approval: ApprovalRule = 'person') {
  const clock = { ms: NOW };
  const rows = new Map<string, Enrollment & { codeSha256: string }>();
  const devices: Device[] = [];
  const change = (id: string, from: readonly string[], change: object) => {
    const row = rows.get(id);
    if (row === undefined || !from.includes(row.state)) return false;
    rows.set(id, { ...row, ...change });
    return true;
  };
  const enrollments: DeviceEnrollments = {
    add: async (one) => void rows.set(one.id, { ...one, state: 'invited' }),
    findByCode: async (code) => [...rows.values()].find((row) => row.codeSha256 === code),
    find: async (id) => rows.get(id),
    list: async () => [...rows.values()],
    bind: async (id, { expiresAtMs, ...request }) =>
      change(id, ['invited'], { state: 'waiting', request, expiresAtMs }),
    decide: async (id, { state, by, atMs }) =>
      change(id, state === 'withdrawn' ? ['invited'] : ['waiting'], { state, decidedBy: by, decidedAtMs: atMs }),
    complete: async (id, issued) => change(id, ['approved'], { state: 'issued', ...issued }),
  };
  const issued: DeviceCertificate[] = [];
  const handedOver: string[] = [];
  let ids = 0;
  const desk = createEnrollmentDesk({
    enrollments,
    certificates: { keyUses: async () => [] },
    registry: {
      snapshot: async () => ({ assignments: [] }) as never,
      devices: async () => devices,
      putDevice: async (device) => void devices.push({ ...device, certificates: [] }),
      addCertificate: async (record) => void issued.push(record),
      assign: async () => {},
    },
    authority: () => ({
      issue: async () => expect.fail('a key is the device’s own'),
      issueFor: async (deviceId) => ({
        kind: 'issued',
        certificatePem: 'PEM',
        record: { deviceId, serial: `4${issued.length}`, notBeforeMs: NOW, notAfterMs: NOW + HOUR },
      }),
    }),
    onHandOver: async (serial) => void handedOver.push(serial),
    approval,
    newId: () => `e${++ids}`,
    now: () => clock.ms,
  });
  async function invite(by: Decider = ann, hours = 24) {
    const outcome = await desk.invite({ deviceId: D, hours, by });
    return outcome.kind === 'invited' ? outcome : expect.fail('taken');
  }
  const ask = (code: string, request: Uint8Array) => desk.enroll({ deviceId: D, code, request, address: '10.0.0.1' });
  return { desk, clock, devices, issued, handedOver, invite, ask };
}

describe('a code', () => {
  it('has eighty bits in letters nobody mistakes, and is taken as people type it', () => {
    expect(newEnrollmentCode(() => new Uint8Array(10))).toBe('0000-0000-0000-0000');
    expect(newEnrollmentCode(() => new Uint8Array(10).fill(255))).toBe('ZZZZ-ZZZZ-ZZZZ-ZZZZ');
    expect(new Set(Array.from({ length: 100 }, () => newEnrollmentCode())).size).toBe(100);
    const typed = ['0123-4567-89AB-CDEF', '0123 4567 89ab cdef', 'ol23456789abcdef', 'OI23-4567-89AB-CDEF'];
    expect(new Set(typed.map((each) => hashOfCode(D, each))).size).toBe(1);
    for (const none of ['', '0123', 'U123-4567-89AB-CDEF', '0123-4567-89AB-CDEF-0', 'x'.repeat(1000)])
      expect(hashOfCode(D, none)).toBeUndefined();
    expect(hashOfCode('other' as DeviceId, typed[0] ?? '')).not.toBe(hashOfCode(D, typed[0] ?? ''));
  });

  it.each([
    [2 * HOUR - 1, { kind: 'waiting' }],
    [2 * HOUR, { kind: 'not-invited' }],
  ])('is good until its hour, and then for nothing: after %i ms', async (laterMs, outcome) => {
    const { invite, ask, clock } = openDesk();
    const { code } = await invite(ann, 2);
    clock.ms += laterMs;
    expect(await ask(code, (await newDeviceKey('')).request)).toMatchObject(outcome);
  });

  it('once used waits a weekend for a person, asking less and less often, and no longer', async () => {
    const { invite, ask, clock } = openDesk();
    const { code } = await invite(ann, 1);
    const { request } = await newDeviceKey('');
    expect(await ask(code, request)).toMatchObject({ kind: 'waiting', retryAfterMs: 5_000 });
    clock.ms += 10 * 60_000;
    expect(await ask(code, request)).toMatchObject({ kind: 'waiting', retryAfterMs: 60_000 });
    clock.ms += 48 * HOUR;
    expect(await ask(code, request)).toMatchObject({ kind: 'waiting', retryAfterMs: 300_000 });
    clock.ms += 24 * HOUR;
    expect(await ask(code, request)).toEqual({ kind: 'not-invited' });
  });
});

describe('whoever guesses codes', () => {
  it('waits, and no device that has shown its code behind the same address', async () => {
    const { desk, invite, ask, clock } = openDesk();
    const { code, enrollment } = await invite();
    const { request } = await newDeviceKey('');
    expect(await ask(code, request)).toMatchObject({ kind: 'waiting' });
    const guess = (i: number) =>
      desk.enroll({ deviceId: `m-${i}` as DeviceId, code: newEnrollmentCode(), request, address: '10.0.0.1' });
    const kinds: string[] = [];
    for (let i = 0; i < 100; i++) kinds.push((await guess(i)).kind);
    expect([kinds[0], kinds.at(-1)]).toEqual(['not-invited', 'slow-down']);
    expect(kinds.filter((kind) => kind === 'not-invited').length).toBeLessThanOrEqual(61);
    expect(await ask(code, request)).toMatchObject({ kind: 'waiting' });
    await desk.approve(enrollment.id, (await desk.list(ann.tenantId))[0]?.request?.keyFingerprint ?? '', bob);
    expect(await ask(code, request)).toMatchObject({ kind: 'issued' });
    // Over in a minute: nobody is kept out for longer than that.
    clock.ms += 60_000;
    expect((await guess(101)).kind).toBe('not-invited');
  });
});

describe('letting in', () => {
  it('in the last minute leaves the device time to fetch it; once it is over nobody is let in', async () => {
    const { desk, invite, ask, clock } = openDesk();
    const [first, second] = [await invite(ann), await invite(ann)];
    const keys = [await newDeviceKey(''), await newDeviceKey('')] as const;
    const hex = keys.map(({ fingerprint }) => fingerprint.replaceAll(':', '').toLowerCase());
    await ask(first.code, keys[0].request);
    await ask(second.code, keys[1].request);
    clock.ms += 72 * HOUR - 1;
    expect(await desk.approve(first.enrollment.id, hex[0] ?? '', ann)).toMatchObject({ kind: 'done' });
    clock.ms += 300_000;
    expect(await ask(first.code, keys[0].request)).toMatchObject({ kind: 'issued' });
    const late = await desk.approve(second.enrollment.id, hex[1] ?? '', ann);
    expect(late).toEqual({ kind: 'decided-already', state: 'expired' });
  });

  it('by a second person is not for who made the code', async () => {
    const { desk, invite, ask, handedOver } = openDesk('second-person');
    const { code, enrollment } = await invite(ann);
    const key = await newDeviceKey('');
    await ask(code, key.request);
    const hex = key.fingerprint.replaceAll(':', '').toLowerCase();
    expect(await desk.approve(enrollment.id, hex, ann)).toEqual({ kind: 'another-person' });
    expect(await desk.approve(enrollment.id, hex, bob)).toMatchObject({ kind: 'done' });
    expect(handedOver).toEqual([]);
    expect(await ask(code, key.request)).toMatchObject({ kind: 'issued', certificatePem: 'PEM' });
    // The door knows the certificate before the device has it.
    expect(handedOver).toEqual(['40']);
  });

  it('is nobody’s business where the setting says so', async () => {
    const { invite, ask, issued } = openDesk('none');
    const { code } = await invite();
    const key = await newDeviceKey('');
    expect(await ask(code, key.request)).toMatchObject({ kind: 'issued' });
    expect(await ask(code, key.request)).toMatchObject({ kind: 'issued' });
    expect(issued).toHaveLength(1);
    expect(await ask(code, (await newDeviceKey('')).request)).toMatchObject({ kind: 'refused', code: 'code-used' });
  });

  it('makes no key for a device of another organisation', async () => {
    const { desk, devices, ask, invite, issued } = openDesk();
    const { code, enrollment } = await invite();
    const key = await newDeviceKey('');
    devices.push({ id: D, tenantId: tenant('theirs'), createdAtMs: NOW, certificates: [] });
    expect(await desk.invite({ deviceId: D, hours: 1, by: ann })).toEqual({ kind: 'taken' });
    expect(await ask(code, key.request)).toMatchObject({ kind: 'refused', code: 'taken' });
    devices.length = 0;
    await ask(code, key.request);
    devices.push({ id: D, tenantId: tenant('theirs'), createdAtMs: NOW, certificates: [] });
    const hex = key.fingerprint.replaceAll(':', '').toLowerCase();
    expect(await desk.approve(enrollment.id, hex, ann)).toEqual({ kind: 'taken' });
    const theirs = { ...ann, tenantId: tenant('theirs') };
    expect(await desk.approve(enrollment.id, hex, theirs)).toEqual({ kind: 'not-found' });
    expect(await desk.refuse(enrollment.id, 'not ours', theirs)).toEqual({ kind: 'not-found' });
    expect(issued).toEqual([]);
  });
});
