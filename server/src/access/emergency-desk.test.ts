import { describe, expect, it } from 'vitest';
import { memoryEmergencyAccesses } from '../adapters/memory/memory-emergency-accesses.ts';
import { type BedId, DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import { registryView } from '../identity/registry-view.ts';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import type { EmergencyProof } from './access-facts.ts';
import type { Subject } from './decisions.ts';
import { createEmergencyDesk, EMERGENCY_BOUNDS } from './emergency-desk.ts';
import { testAccess } from './test-access.ts';

const T = Date.parse('2026-11-22T03:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const nora: Subject = {
  userId: 'nora' as UserId,
  roles: ['nurse'],
  wardIds: ['W1' as WardId],
  tenantId: DEFAULT_TENANT,
  kind: 'session',
  authenticatedAtMs: T,
  mfaAtMs: T,
};
const { mfaAtMs: _, ...withoutFactor } = nora;

/** Patients P0 … P19 lie in W2. `restart`: another desk over what is kept. */
function world(emergencyProof?: EmergencyProof) {
  const clock = { nowMs: T };
  const now = () => clock.nowMs;
  const patients = Array.from({ length: 20 }, (_, n) => ({
    id: `P${n}` as PatientId,
    wardId: 'W2' as WardId,
    bedId: `B${n}` as BedId,
    spo2Scale: 1 as const,
  }));
  const view = registryView(
    {
      wards: [{ id: 'W2' as WardId, name: 'Cardiology' }],
      beds: [],
      patients,
      devices: [],
      assignments: [],
      revokedSerials: [],
      deviceTokens: [],
    },
    T,
  );
  const accesses = memoryEmergencyAccesses();
  const ringing = new Map<string, SystemAlarm>();
  const rights = testAccess({ view: () => view, now, ...(emergencyProof !== undefined && { emergencyProof }) });
  let made = 0;
  const restart = () =>
    createEmergencyDesk({
      accesses,
      decisions: rights.access,
      view: () => view,
      systemAlarms: {
        raise: (alarm) => void ringing.set(alarm.id, { ...alarm, state: 'active', raisedAtMs: now() }),
        clear: (id) => void ringing.delete(id),
        open: () => [...ringing.values()],
      },
      onRunning: (emergencies) => rights.hold({ emergencies }),
      newId: () => `e${++made}`,
      now,
    });
  const desk = restart();
  const open = (patientId: string, principal: Subject = nora, forMs?: number) =>
    desk.open({
      principal,
      signed: 'Nora',
      patientId: patientId as PatientId,
      reason: 'resuscitation',
      ...(forMs !== undefined && { forMs }),
    });
  const sees = (patientId: string) =>
    rights.access.decide({
      principal: nora,
      action: 'vitals.read',
      resource: { kind: 'patient', patientId: patientId as PatientId },
    }).allowed;
  return { clock, accesses, ringing, restart, desk, open, sees };
}

describe('an emergency', () => {
  it('opens one patient at once, and closes by the clock', async () => {
    const { open, sees, clock } = world();
    expect(sees('P1')).toBe(false);
    expect(await open('P1', nora, 10 * MINUTE)).toMatchObject({
      kind: 'opened',
      access: { endsAtMs: T + 10 * MINUTE },
    });
    expect([sees('P1'), sees('P2')]).toEqual([true, false]);
    clock.nowMs = T + 10 * MINUTE;
    expect(sees('P1')).toBe(false);
  });
  it('lasts no longer than the house allows', async () => {
    const { open } = world();
    expect(await open('P1', nora, 24 * 60 * MINUTE)).toMatchObject({
      access: { endsAtMs: T + EMERGENCY_BOUNDS.longestMs },
    });
  });
  it('asks for a proof of the last five minutes', async () => {
    const { open } = world();
    const old = { ...nora, mfaAtMs: T - 6 * MINUTE };
    expect(await open('P1', old)).toMatchObject({ kind: 'refused', decision: { obligation: 'second-factor' } });
    expect(await open('P1', { ...old, mfaAtMs: T - MINUTE })).toMatchObject({ access: { proof: 'second-factor' } });
  });
  it('is not opened by a password, however fresh: a second factor is asked for first', async () => {
    const { open } = world();
    for (const authenticatedAtMs of [T, T - HOUR])
      expect(await open('P1', { ...withoutFactor, authenticatedAtMs })).toMatchObject({
        kind: 'refused',
        decision: { obligation: 'own-second-factor' },
      });
  });
  it('is opened by a fresh password where the house says so, of whoever has nothing better', async () => {
    const { open } = world('password');
    const old = { ...withoutFactor, authenticatedAtMs: T - 6 * MINUTE };
    expect(await open('P1', old)).toMatchObject({ decision: { obligation: 'second-factor' } });
    expect(await open('P1', withoutFactor)).toMatchObject({ access: { proof: 'password' } });
    const stale = { ...nora, mfaAtMs: T - 6 * MINUTE };
    expect(await open('P2', stale)).toMatchObject({ decision: { obligation: 'second-factor' } });
  });
  it('rings with the ward and the person, and without the patient; its end is its silence', async () => {
    const { open, desk, ringing } = world();
    await open('P1');
    expect([...ringing.values()].map(({ text }) => text)).toEqual([
      'Nora has opened a patient’s record in an emergency (Cardiology). A privacy officer will review it.',
    ]);
    expect(await desk.end({ id: 'e1', by: 'Nora' })).toBe(true);
    expect(ringing.size).toBe(0);
  });
  it('goes on, and rings on, after a restart; one that ended meanwhile does neither', async () => {
    const { open, sees, restart, ringing, clock } = world();
    await open('P1', nora, 5 * MINUTE);
    await open('P2', nora, 30 * MINUTE);
    clock.nowMs = T + 6 * MINUTE;
    await restart().refresh();
    expect([...ringing.keys()]).toEqual(['emergency-access.e2']);
    expect([sees('P1'), sees('P2')]).toEqual([false, true]);
  });
  it('is not a way to collect records', async () => {
    const { open } = world();
    for (let n = 0; n < EMERGENCY_BOUNDS.perPersonMax; n++) expect((await open(`P${n}`)).kind).toBe('opened');
    expect((await open('P15')).kind).toBe('too-many');
  });
  it('that nobody can keep does not happen', async () => {
    const { open, sees, accesses } = world();
    accesses.begin = () => Promise.reject(new Error('the database is away'));
    await expect(open('P1')).rejects.toThrow('away');
    expect(sees('P1')).toBe(false);
  });
  it('whose review is forgotten rings until it is done', async () => {
    const { open, desk, ringing, clock } = world();
    await open('P1');
    clock.nowMs = T + EMERGENCY_BOUNDS.reviewWithinMs + 1;
    await desk.refresh();
    expect([...ringing.keys()]).toEqual(['emergency-access.review-overdue.default']);
    await desk.review({ id: 'e1', justified: false, comment: 'curiosity', byId: 'pia' as UserId, by: 'Pia' });
    await desk.refresh();
    expect(ringing.size).toBe(0);
  });
  it('whose review is forgotten rings for its own organisation alone, each by itself', async () => {
    const { accesses, open, desk, restart, ringing, clock } = world();
    await open('P1');
    const [ours] = await accesses.running(T);
    if (ours !== undefined) await accesses.begin({ ...ours, id: 'n1', tenantId: 'north' as TenantId });
    clock.nowMs = T + EMERGENCY_BOUNDS.reviewWithinMs + 1;
    // As it was rung before: for everybody.
    const rule = 'emergency-access.review-overdue';
    ringing.set(rule, { id: rule, rule, priority: 'low', text: 'late', state: 'active', raisedAtMs: T });
    await desk.refresh();
    const rung = () => [...ringing.values()].map(({ id, tenantId }) => [id, tenantId]);
    expect(rung()).toEqual([
      [`${rule}.default`, 'default'],
      [`${rule}.north`, 'north'],
    ]);
    await desk.review({ id: 'e1', justified: true, comment: 'as agreed', byId: 'pia' as UserId, by: 'Pia' });
    await restart().refresh();
    expect(rung()).toEqual([[`${rule}.north`, 'north']]);
  });
});
