import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Action } from '../domain/access.ts';
import { type BedId, DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import { registryView } from '../identity/registry-view.ts';
import type { ResourceRef, Subject } from './decisions.ts';
import { POLICY_FOLDER } from './policy-files.ts';
import { testAccess } from './test-access.ts';

const T = Date.parse('2026-11-22T03:00:00Z');
const HOUR = 3_600_000;

const nurse = (change: Partial<Subject> = {}): Subject => ({
  userId: 'nora' as UserId,
  roles: ['nurse'],
  wardIds: ['W1' as WardId],
  tenantId: DEFAULT_TENANT,
  kind: 'session',
  authenticatedAtMs: T,
  ...change,
});
const patient = (id: string): ResourceRef => ({ kind: 'patient', patientId: id as PatientId });

/** P1 lies in W1, P2 in W2, P3 nowhere. */
function world() {
  const clock = { nowMs: T };
  const place = (id: string, wardId: string) => ({
    id: id as PatientId,
    wardId: wardId as WardId,
    bedId: `${wardId}-1` as BedId,
    spo2Scale: 1 as const,
  });
  const state = {
    view: registryView(
      {
        wards: [],
        beds: [],
        patients: [place('P1', 'W1'), place('P2', 'W2'), { id: 'P3' as PatientId, spo2Scale: 1 }],
        devices: [],
        assignments: [],
        revokedSerials: [],
        deviceTokens: [],
      },
      T,
    ),
  };
  const held = testAccess({ view: () => state.view, now: () => clock.nowMs });
  const ask = (principal: Subject, action: Action, resource: ResourceRef) =>
    held.access.decide({ principal, action, resource });
  const assigned = (change: {
    readonly patientIds?: readonly string[];
    readonly bedIds?: readonly string[];
    readonly shift?: string;
  }) => ({
    id: 'a',
    wardId: 'W2' as WardId,
    role: 'nurse' as const,
    userId: 'nora' as UserId,
    bedIds: (change.bedIds ?? []) as readonly BedId[],
    patientIds: (change.patientIds ?? []) as readonly PatientId[],
    fromMs: T - HOUR,
    ...(change.shift !== undefined && { shift: change.shift }),
  });
  const plan = (...assignments: ReturnType<typeof assigned>[]) =>
    held.hold({
      teams: [
        {
          wardId: 'W2' as WardId,
          zone: 'UTC',
          shifts: [
            { name: 'night', from: '22:00', to: '06:00' },
            { name: 'late', from: '14:00', to: '22:00' },
          ],
          assignments,
        },
      ],
    });
  return { ...held, clock, state, ask, assigned, plan };
}

describe('a screen on the corridor', () => {
  it('takes no address, makes no key and lets no app in; a person does', () => {
    const { ask } = world();
    const door = { kind: 'door' } as const;
    expect(ask(nurse({ roles: ['kiosk'] }), 'own.use', door).allowed).toBe(true);
    expect(ask(nurse({ roles: ['kiosk'] }), 'own.reach', door).allowed).toBe(false);
    expect(ask(nurse(), 'own.reach', door).allowed).toBe(true);
  });
});

describe('where', () => {
  it('one’s own ward is open, another’s is not, and whoever lies nowhere is nobody’s of a ward', () => {
    const { ask } = world();
    expect(ask(nurse(), 'vitals.read', patient('P1'))).toEqual({ allowed: true, policies: ['nurse'] });
    expect(ask(nurse(), 'vitals.read', patient('P2'))).toMatchObject({ allowed: false, obligation: 'break-glass' });
    expect(ask(nurse(), 'vitals.read', patient('P3')).allowed).toBe(false);
    expect(ask(nurse({ wardIds: [] }), 'vitals.read', patient('P3')).allowed).toBe(true);
  });
  it('a patient who is moved to another ward is closed at once, decided before or not', () => {
    const { ask, state } = world();
    expect(ask(nurse(), 'vitals.read', patient('P1')).allowed).toBe(true);
    const { snapshot } = state.view;
    state.view = registryView(
      { ...snapshot, patients: snapshot.patients.map((each) => ({ ...each, wardId: 'W2' as WardId })) },
      T,
    );
    expect(ask(nurse(), 'vitals.read', patient('P1')).allowed).toBe(false);
  });
  it('nothing of another organisation is open to anybody, not even to who has all wards', () => {
    const { ask } = world();
    const theirs = { kind: 'patient', patientId: 'P1' as PatientId, tenantId: 'other' as TenantId } as const;
    for (const roles of [['physician'], ['admin', 'operator', 'charge-nurse', 'physician', 'security']] as const)
      expect(ask(nurse({ roles, wardIds: [] }), 'patient.read', theirs)).toEqual({
        allowed: false,
        policies: ['other-tenant'],
      });
    expect(ask(nurse({ tenantId: 'other' as TenantId, wardIds: [] }), 'patient.read', patient('P1')).allowed).toBe(
      false,
    );
  });
  it('whom the plan puts into one’s care is open wherever they lie, and no longer than that', () => {
    const { ask, assigned, plan, clock } = world();
    plan(assigned({ patientIds: ['P2'], shift: 'night' }));
    expect(ask(nurse(), 'vitals.read', patient('P2')).allowed).toBe(true);
    expect(ask(nurse({ userId: 'eve' as UserId }), 'vitals.read', patient('P2')).allowed).toBe(false);
    clock.nowMs = Date.parse('2026-11-22T06:00:05Z');
    expect(ask(nurse(), 'vitals.read', patient('P2')).allowed).toBe(false);
    plan();
    clock.nowMs = T;
    expect(ask(nurse(), 'vitals.read', patient('P2')).allowed).toBe(false);
  });
  it('a bed in one’s care brings whoever lies in it', () => {
    const { ask, assigned, plan } = world();
    plan(assigned({ bedIds: ['W2-1'] }));
    expect(ask(nurse(), 'vitals.read', patient('P2')).allowed).toBe(true);
    expect(ask(nurse(), 'vitals.read', patient('P3')).allowed).toBe(false);
  });

  it('an app that was opened for one patient has this one, and neither another of the ward, nor a list', () => {
    const { ask, access, state } = world();
    const place = state.view.place('P1' as PatientId) ?? expect.fail('nobody');
    state.view = registryView(
      {
        ...{ wards: [], beds: [], devices: [], assignments: [], revokedSerials: [], deviceTokens: [] },
        patients: [place, { ...place, id: 'P4' as PatientId }],
      },
      T,
    );
    const session = nurse({ kind: 'api', scopes: ['*'] });
    const app = { ...session, launchPatientId: 'P1' as PatientId };
    expect(ask(session, 'vitals.read', patient('P4')).allowed).toBe(true);
    expect(ask(app, 'vitals.read', patient('P1')).allowed).toBe(true);
    const refused = { allowed: false, policies: ['other-app-patient'] };
    expect(ask(app, 'vitals.read', patient('P4'))).toEqual(refused);
    expect(ask(app, 'vitals.read', { kind: 'ward', wardId: 'W1' as WardId })).toEqual(refused);
    expect(ask({ ...app, wardIds: [] }, 'vitals.read', { kind: 'house' })).toEqual(refused);
    expect([...access.patientsOf(app)]).toEqual(['P1']);
    // What the person may stays a wall: they were moved, and nobody opened it anew.
    expect(ask({ ...app, wardIds: ['W2' as WardId] }, 'vitals.read', patient('P1')).allowed).toBe(false);
  });
});

describe('when and how', () => {
  it('outside their shift people look and take alarms, and change no limits', () => {
    const { ask, assigned, plan } = world();
    plan(assigned({ shift: 'late' }));
    const charge = nurse({ roles: ['charge-nurse'], wardIds: [] });
    expect(ask(charge, 'vitals.read', patient('P1')).allowed).toBe(true);
    expect(ask(charge, 'alarm.acknowledge', patient('P1')).allowed).toBe(true);
    expect(ask(charge, 'limits.write', patient('P1'))).toEqual({
      allowed: false,
      policies: ['off-shift'],
      obligation: 'break-glass',
    });
  });
  it('within an hour of their shift, or without a plan, they do', () => {
    const { ask, assigned, plan, clock } = world();
    const charge = nurse({ roles: ['charge-nurse'], wardIds: [] });
    expect(ask(charge, 'limits.write', patient('P1')).allowed).toBe(true);
    plan(assigned({ shift: 'late' }));
    clock.nowMs = Date.parse('2026-11-22T13:10:00Z');
    expect(ask(charge, 'limits.write', patient('P1')).allowed).toBe(true);
  });
  it('what is known of patients is not for research without their consent, of more than one not at all', () => {
    const { access } = world();
    const asked = { principal: nurse(), action: 'vitals.read', resource: patient('P1') } as const;
    expect(access.decide({ ...asked, context: { purpose: 'research' } })).toMatchObject({ policies: ['consent'] });
    const ward = { ...asked, resource: { kind: 'ward', wardId: 'W1' as WardId } } as const;
    expect(access.decide({ ...ward, context: { purpose: 'operations' } })).toMatchObject({ policies: ['purpose'] });
    expect(access.decide({ ...asked, context: { purpose: 'research' } }).allowed).toBe(false);
    expect(access.decide({ ...asked, context: { purpose: 'emergency' } }).allowed).toBe(true);
    expect(access.decide({ ...asked, principal: nurse({ purpose: 'research' }) }).allowed).toBe(false);
  });
  it('whoever has a second factor shows it afresh to change accounts; the clock set back does not make it fresh', () => {
    const { ask, clock } = world();
    const admin = nurse({ roles: ['admin'], wardIds: [], mfaAtMs: T });
    const door = { kind: 'door' } as const;
    expect(ask(admin, 'user.write', door).allowed).toBe(true);
    clock.nowMs = T + 16 * 60_000;
    expect(ask(admin, 'user.write', door)).toMatchObject({ allowed: false, obligation: 'second-factor' });
    expect(ask(admin, 'user.read', door).allowed).toBe(true);
    clock.nowMs = T - HOUR;
    expect(ask(admin, 'user.write', door).allowed).toBe(false);
  });
  it('a token does no more than its scopes, and a system does not sign in like a person', () => {
    const { ask } = world();
    const token = nurse({ kind: 'api', scopes: ['alarm.*'] });
    expect(ask(token, 'alarm.read', patient('P1')).allowed).toBe(true);
    expect(ask(token, 'vitals.read', patient('P1'))).toMatchObject({ policies: ['out-of-scope'] });
    expect(ask(nurse({ kind: 'api', scopes: [] }), 'alarm.read', patient('P1')).allowed).toBe(false);
    expect(ask(nurse({ roles: ['integration'], kind: 'api' }), 'vitals.read', patient('P1')).allowed).toBe(true);
    expect(ask(nurse({ roles: ['integration'] }), 'vitals.read', patient('P1')).allowed).toBe(false);
  });
  it('an emergency lifts the wall between wards for that person and patient, until it ends', () => {
    const { ask, hold, clock } = world();
    hold({
      emergencies: [
        { id: 'e1', userId: 'nora' as UserId, patientId: 'P2' as PatientId, beganAtMs: T, endsAtMs: T + HOUR },
      ],
    });
    expect(ask(nurse(), 'vitals.read', patient('P2'))).toEqual({
      allowed: true,
      policies: ['nurse'],
      emergencyAccess: 'e1',
    });
    expect(ask(nurse(), 'vitals.read', patient('P1'))).not.toHaveProperty('emergencyAccess');
    expect(ask(nurse({ userId: 'eve' as UserId }), 'vitals.read', patient('P2')).allowed).toBe(false);
    expect(ask(nurse(), 'limits.write', patient('P2')).allowed).toBe(false);
    clock.nowMs = T + HOUR;
    expect(ask(nurse(), 'vitals.read', patient('P2')).allowed).toBe(false);
  });
});

describe('decisions from memory', () => {
  it('the same question is judged once, and looked at again when what it rests on changes or five seconds have passed', () => {
    const { ask, counts, hold, clock, state } = world();
    for (let i = 0; i < 5; i++) ask(nurse(), 'vitals.read', patient('P1'));
    expect(counts).toEqual({ memory: 4, same: 0, policies: 1 });
    hold({});
    ask(nurse(), 'vitals.read', patient('P1'));
    expect(counts).toEqual({ memory: 4, same: 1, policies: 1 });
    clock.nowMs += 5_000;
    ask(nurse(), 'vitals.read', patient('P1'));
    expect(counts).toEqual({ memory: 4, same: 2, policies: 1 });
    state.view = registryView({ ...state.view.snapshot, patients: [] }, T);
    ask(nurse(), 'vitals.read', patient('P1'));
    // Refused now, and so it is asked besides whether an emergency would open it.
    expect(counts.policies).toBe(3);
  });
  it('a role that is taken away is felt by the next question', () => {
    const { ask } = world();
    expect(ask(nurse(), 'vitals.read', patient('P1')).allowed).toBe(true);
    expect(ask(nurse({ roles: ['kiosk'] }), 'vitals.read', patient('P1')).allowed).toBe(false);
  });
});

describe('a refusal says what would be needed', () => {
  it('the roles that open that door', () => {
    const { ask } = world();
    expect(ask(nurse({ roles: ['admin'], wardIds: [] }), 'vitals.read', patient('P1'))).toEqual({
      allowed: false,
      policies: [],
      needs: ['nurse', 'charge-nurse', 'physician', 'integration'],
    });
  });
  it('no emergency is offered to whom it would not open', () => {
    const { ask } = world();
    const kiosk = nurse({ roles: ['kiosk'] });
    expect(ask(kiosk, 'wall.watch', patient('P2'))).toEqual({ allowed: false, policies: ['other-ward-patient'] });
  });
});

it('a policy that cannot be evaluated refuses: it may be the one that forbids', () => {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-policies-'));
  try {
    cpSync(POLICY_FOLDER, folder, { recursive: true });
    // Passes the validator, and overflows when asked.
    writeFileSync(
      join(folder, 'more.cedar'),
      '@id("broken") @title("Broken.") forbid (principal is Person, action == Action::"own.use", resource) when { context has proofAgeSeconds && context.proofAgeSeconds + 9223372036854775807 > 0 };',
    );
    const { access } = testAccess({ policyFolder: folder, now: () => T + 5_000 });
    expect(access.decide({ principal: nurse(), action: 'own.use', resource: { kind: 'door' } })).toEqual({
      allowed: false,
      policies: ['broken', 'own-account'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('explains with the policies that decided and what they looked at', () => {
  const { access } = world();
  const why = access.explain({ principal: nurse(), action: 'vitals.read', resource: patient('P2') });
  expect(why.rules.map(({ id, effect }) => [id, effect])).toEqual([['other-ward-patient', 'forbid']]);
  expect(why.attributes).toContainEqual({ name: 'principal.wards', value: 'W1', words: 'wards of who asks' });
  expect(why.attributes).toContainEqual(expect.objectContaining({ name: 'resource.ward', value: 'W2' }));
  expect(why.attributes).toContainEqual(expect.objectContaining({ name: 'context.careTeam', value: 'false' }));
});
