import { beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../adapters/postgres/listener.ts';
import { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { openTestDatabase } from '../adapters/postgres/test-database.ts';
import { patientAt } from '../domain/assignment.ts';
import { parseBedId, parseDeviceId, parsePatientId, parseWardId } from '../domain/ids.ts';
import { testIdentities } from '../keys/test-identities.ts';
import type { Registry } from '../ports/registry.ts';
import { assignDevice, bedFor, ensurePatient } from './enrollment.ts';

const must = <T>(value: T | undefined): T => value ?? expect.fail('not an id');
const deviceId = must(parseDeviceId('monitor-7'));
const anna = must(parsePatientId('p-anna'));
const berta = must(parsePatientId('p-berta'));
const MINUTE = 60_000;
const nowMs = Date.parse('2026-11-22T03:00:00Z');

let registry: Registry;
beforeEach(async () => {
  const database = await openTestDatabase();
  registry = new PostgresRegistry(database, new Listener(database), testIdentities());
  for (const id of [anna, berta]) await registry.putPatient({ id });
  await registry.putDevice({ id: deviceId, createdAtMs: nowMs });
});

const give = (patientId: typeof anna, atMs: number, more: { takeOver?: boolean; fromMs?: number } = {}) =>
  assignDevice(registry, { deviceId, patientId, nowMs: atMs, takeOver: false, ...more });
const wearerAt = async (atMs: number) => patientAt((await registry.snapshot()).assignments, atMs);

describe('a device that is given to a patient', () => {
  it('is theirs from five minutes before, for a reading that was measured just before', async () => {
    expect(await give(anna, nowMs)).toEqual({ kind: 'assigned', fromMs: nowMs - 5 * MINUTE });
    expect(await wearerAt(nowMs - 4 * MINUTE)).toBe(anna);
    expect(await wearerAt(nowMs - 6 * MINUTE)).toBeUndefined();
  });

  it('stays theirs, from when it was, when it is given to them again', async () => {
    await give(anna, nowMs);
    expect(await give(anna, nowMs + MINUTE)).toEqual({ kind: 'assigned', fromMs: nowMs - 5 * MINUTE });
    expect((await registry.snapshot()).assignments).toHaveLength(1);
  });

  it('is not taken from somebody who wears it, unless that is asked for', async () => {
    await give(anna, nowMs);
    expect(await give(berta, nowMs + MINUTE)).toEqual({ kind: 'worn-by-another', patientId: anna });
    expect(await wearerAt(nowMs + MINUTE)).toBe(anna);
  });

  it('leaves to the one who wore it what it measured until then', async () => {
    await give(anna, nowMs);
    await give(berta, nowMs + MINUTE, { takeOver: true });
    expect(await wearerAt(nowMs + MINUTE - 1)).toBe(anna);
    expect(await wearerAt(nowMs + MINUTE)).toBe(berta);
  });

  it('reaches back only to where the last one took it off', async () => {
    await give(anna, nowMs - 10 * MINUTE);
    await registry.unassign({ deviceId, atMs: nowMs - 2 * MINUTE });
    expect(await give(berta, nowMs)).toEqual({ kind: 'assigned', fromMs: nowMs - 2 * MINUTE });
    expect(await wearerAt(nowMs - 3 * MINUTE)).toBe(anna);
  });

  it('is theirs from the moment a person names', async () => {
    expect(await give(anna, nowMs, { fromMs: nowMs - 60 * MINUTE })).toMatchObject({ kind: 'assigned' });
    expect(await wearerAt(nowMs - 59 * MINUTE)).toBe(anna);
  });
});

describe('a bed that is named', () => {
  const bedId = must(parseBedId('b-1'));
  const wardId = must(parseWardId('w-1'));

  it('is made with its ward, once', async () => {
    expect(await bedFor(registry, { bedId, wardId })).toEqual({ kind: 'ok', bedId });
    expect(await bedFor(registry, { bedId })).toEqual({ kind: 'ok', bedId });
    expect(await registry.snapshot()).toMatchObject({ beds: [{ id: bedId, wardId }], wards: [{ id: wardId }] });
  });

  it('is not made without a ward, nor moved to another', async () => {
    expect(await bedFor(registry, { bedId })).toEqual({ kind: 'unknown-bed' });
    await bedFor(registry, { bedId, wardId });
    expect(await bedFor(registry, { bedId, wardId: must(parseWardId('w-2')) })).toEqual({ kind: 'other-ward', wardId });
  });

  it('takes a patient in, who keeps everything else', async () => {
    await bedFor(registry, { bedId, wardId });
    await registry.putPatient({ id: anna, familyName: 'Test', spo2Scale: 2 });
    await ensurePatient(registry, anna, bedId);
    await ensurePatient(registry, anna, undefined);
    expect(await registry.findPatient(anna)).toEqual({ id: anna, familyName: 'Test', spo2Scale: 2, bedId });
  });
});
