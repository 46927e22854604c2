import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CareAssignment, CareRole } from './care-team.ts';
import {
  ESCALATION_STEPS,
  type EscalatedAlarm,
  type EscalationStep,
  type EscalationWorld,
  planStep,
  type StaffContact,
} from './escalation.ts';
import type { BedId, PatientId, RotaId, UserId, WardId } from './ids.ts';
import type { QuietHours } from './quiet-hours.ts';
import type { Rota } from './rota.ts';

const AT = Date.parse('2026-11-22T02:00:00Z');
const ALARM: EscalatedAlarm = {
  priority: 'high',
  kind: 'physiological',
  patientId: 'P1' as PatientId,
  wardId: 'W3' as WardId,
  bedId: 'B1' as BedId,
  bed: 'W3-01',
};
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const NIGHT: QuietHours = {
  zone: 'UTC',
  windows: [{ weekdays: EVERY_DAY, from: '22:00', to: '06:00', priorities: ['medium', 'low'], effect: 'hold' }],
};

const sms = (who: string): StaffContact => ({ channel: 'sms', type: 'sms', address: `+1-${who}` });
const mail = (who: string): StaffContact => ({ channel: 'smtp', type: 'smtp', address: `${who}@ward.example` });

function assignment(role: CareRole, who: string, beds: readonly string[] = []): CareAssignment {
  const bedIds = beds as readonly BedId[];
  return { id: who, wardId: 'W3' as WardId, role, userId: who as UserId, bedIds, patientIds: [], fromMs: 0 };
}

function rota(...layers: readonly (readonly [name: string, who: string])[]): EscalationWorld['rotas'][number] {
  const one: Rota = {
    id: 'R' as RotaId,
    version: 1,
    name: 'Medicine',
    wardIds: [],
    zone: 'UTC',
    layers: layers.map(([name, who]) => ({
      name,
      people: [who as UserId],
      startsOn: '2026-11-02',
      handoverAt: '08:00',
      turnDays: 7,
    })),
  };
  return { rota: one, overrides: [] };
}

const STAFF = ['nia', 'chris', 'dora', 'otto', 'olga', 'zed'];

function world(over: Partial<EscalationWorld> & { readonly unreachable?: readonly string[] } = {}): EscalationWorld {
  const { unreachable = [], ...rest } = over;
  return {
    people: new Map(
      STAFF.map((who) => [
        who as UserId,
        { userId: who as UserId, displayName: who, roles: ['nurse'], mayAnswer: true, wardIds: ['W3' as WardId] },
      ]),
    ),
    contacts: new Map(STAFF.filter((who) => !unreachable.includes(who)).map((who) => [who as UserId, [sms(who)]])),
    team: {
      wardId: 'W3' as WardId,
      zone: 'UTC',
      shifts: [],
      assignments: [
        assignment('nurse', 'nia', ['B1']),
        assignment('charge-nurse', 'chris'),
        assignment('doctor', 'dora'),
      ],
    },
    rotas: [rota(['first', 'otto'], ['second', 'olga'])],
    quietHours: { users: new Map() },
    house: [],
    ...rest,
  };
}

function plan(step: EscalationStep, in_: EscalationWorld = world(), alarm: EscalatedAlarm = ALARM) {
  const { recipients, warnings } = planStep({ step, atMs: AT, isLast: step === 'everyone' }, alarm, in_);
  return {
    told: recipients.map(({ userId, address, role }) => `${role} ${userId ?? address}`),
    warnings: warnings.map(({ code }) => code),
    recipients,
  };
}

describe('a step of an escalation', () => {
  it('tells who is assigned, outwards from the bed', () => {
    expect(plan('nurse')).toMatchObject({ told: ['nurse nia'], warnings: [] });
    expect(plan('charge-nurse-and-doctor')).toMatchObject({
      told: ['charge-nurse chris', 'doctor dora'],
      warnings: [],
    });
    expect(plan('on-call')).toMatchObject({ told: ['on-call otto'], warnings: [] });
    expect(plan('everyone').told).toEqual([
      'everyone otto',
      'everyone olga',
      'everyone chris',
      'everyone dora',
      'everyone nia',
    ]);
  });

  it('says why, without naming the patient', () => {
    expect(plan('nurse').recipients[0]?.why).toBe('nurse of bed W3-01');
    expect(plan('on-call').recipients[0]?.why).toBe('Medicine, first');
    expect(JSON.stringify(ESCALATION_STEPS.map((step) => plan(step)))).not.toContain('P1');
  });

  it('tells the one who is there, and warns of the one who is missing', () => {
    const alone = world();
    const team = { ...(alone.team as NonNullable<EscalationWorld['team']>) };
    const without = (role: CareRole) => ({
      ...alone,
      team: { ...team, assignments: team.assignments.filter((each) => each.role !== role) },
    });
    expect(plan('charge-nurse-and-doctor', without('doctor'))).toMatchObject({
      told: ['charge-nurse chris'],
      warnings: ['no-doctor'],
    });
    expect(plan('nurse', without('nurse'))).toMatchObject({ told: [], warnings: ['no-nurse', 'nobody-assigned'] });
  });

  it('finds nobody where nobody has a contact, and says whose is missing', () => {
    expect(plan('nurse', world({ unreachable: ['nia'] }))).toMatchObject({
      told: [],
      warnings: ['unreachable', 'nobody-reachable'],
    });
  });

  it('finds nobody in somebody who has left', () => {
    const left = world();
    const people = new Map([...left.people].filter(([id]) => id !== 'nia'));
    expect(plan('nurse', { ...left, people }).warnings).toEqual(['unknown-person', 'nobody-reachable']);
  });

  it('leaves out contacts that want more urgent alarms only', () => {
    const picky = { ...mail('nia'), minPriority: 'high' as const };
    const contacts = new Map(world().contacts).set('nia' as UserId, [picky, sms('nia')]);
    const channels = (priority: EscalatedAlarm['priority']) =>
      plan('nurse', world({ contacts }), { ...ALARM, priority }).recipients.map(({ channel }) => channel);
    expect(channels('high')).toEqual(['smtp', 'sms']);
    expect(channels('medium')).toEqual(['sms']);
  });
});

describe('on call', () => {
  it('falls to the next layer where the first is empty or cannot be reached', () => {
    expect(plan('on-call', world({ unreachable: ['otto'] }))).toMatchObject({
      told: ['on-call olga'],
      warnings: ['layer-empty'],
    });
    const { rota: one } = rota(['first', 'otto'], ['second', 'olga']);
    const layers = one.layers.map((each, index) => (index === 0 ? { ...each, startsOn: '2027-01-04' } : each));
    expect(plan('on-call', world({ rotas: [{ rota: { ...one, layers }, overrides: [] }] }))).toMatchObject({
      told: ['on-call olga'],
      warnings: ['layer-empty'],
    });
  });

  it('is asked of the rotas of this ward and of the whole house, not of other wards', () => {
    const of = (name: string, wardIds: readonly string[], who: string) => {
      const { rota: one, overrides } = rota(['first', who]);
      return { rota: { ...one, name, id: name as RotaId, wardIds: wardIds as WardId[] }, overrides };
    };
    const rotas = [of('house', [], 'olga'), of('ours', ['W3'], 'otto'), of('theirs', ['W4'], 'zed')];
    expect(plan('on-call', world({ rotas })).told).toEqual(['on-call otto', 'on-call olga']);
  });

  it('warns where a rota has nobody at all', () => {
    const { rota: one } = rota(['first', 'otto']);
    const later = { ...one, layers: one.layers.map((each) => ({ ...each, startsOn: '2027-01-04' })) };
    expect(plan('on-call', world({ rotas: [{ rota: later, overrides: [] }] })).warnings).toEqual([
      'nobody-on-call',
      'nobody-assigned',
    ]);
  });
});

describe('everyone', () => {
  it('is everybody who may answer for the ward, where nobody on duty can be reached', () => {
    const { team: _, ...bare } = world({ rotas: [] });
    expect(plan('everyone', bare).told).toHaveLength(STAFF.length);
    const people = new Map(
      [...bare.people].map(([id, person]) => [
        id,
        id === 'zed'
          ? { ...person, wardIds: ['W4' as WardId] }
          : id === 'otto'
            ? { ...person, mayAnswer: false }
            : person,
      ]),
    );
    expect(plan('everyone', { ...bare, people }).told).toEqual([
      'everyone nia',
      'everyone chris',
      'everyone dora',
      'everyone olga',
    ]);
  });

  it('includes the mailboxes of the house', () => {
    const { team: _, ...bare } = world({ rotas: [], contacts: new Map() });
    const house = [{ channel: 'smtp', address: 'ward@house.example' }];
    expect(plan('everyone', { ...bare, house }).told).toEqual(['house ward@house.example']);
  });
});

describe('quiet hours in an escalation', () => {
  const medium = { ...ALARM, priority: 'medium' } as const;
  const quiet = { ward: NIGHT, users: new Map() };

  it('hold a medium alarm for a person, and never a high one', () => {
    const untilMs = Date.parse('2026-11-22T06:00:00Z');
    expect(plan('nurse', world({ quietHours: quiet }), medium).recipients[0]?.heldUntilMs).toBe(untilMs);
    expect(plan('nurse', world({ quietHours: quiet })).recipients[0]).not.toHaveProperty('heldUntilMs');
  });

  it('that soften choose silent channels, unless there are none', () => {
    const soft: QuietHours = { zone: 'UTC', windows: NIGHT.windows.map((each) => ({ ...each, effect: 'soften' })) };
    const quietHours = { users: new Map([['nia' as UserId, soft]]) };
    const contacts = new Map(world().contacts).set('nia' as UserId, [sms('nia'), mail('nia')]);
    const channels = (in_: EscalationWorld) => plan('nurse', in_, medium).recipients.map(({ channel }) => channel);
    expect(channels(world({ quietHours, contacts }))).toEqual(['smtp']);
    expect(channels(world({ quietHours }))).toEqual(['sms']);
  });

  it('hold nobody at the last step', () => {
    for (const { heldUntilMs } of plan('everyone', world({ quietHours: quiet }), medium).recipients)
      expect(heldUntilMs).toBeUndefined();
  });
});

describe('any ward, however badly staffed', () => {
  const some = (from: readonly string[]) => fc.subarray([...from]);
  const cases = fc.record({
    nurses: some(STAFF),
    leads: some(STAFF),
    onCall: some(STAFF),
    reachable: some(STAFF),
    known: some(STAFF),
    priority: fc.constantFrom('high' as const, 'medium' as const),
  });

  it('tells only people who exist, by their own contacts, each address once, and warns whenever it tells nobody', () => {
    fc.assert(
      fc.property(cases, ({ nurses, leads, onCall, reachable, known, priority }) => {
        const base = world();
        const in_: EscalationWorld = {
          ...base,
          people: new Map([...base.people].filter(([id]) => known.includes(id))),
          contacts: new Map(reachable.map((who) => [who as UserId, [sms(who), mail(who)]])),
          team: {
            wardId: 'W3' as WardId,
            zone: 'UTC',
            shifts: [],
            assignments: [
              ...nurses.map((who) => assignment('nurse', who)),
              ...leads.map((who) => assignment('charge-nurse', who)),
            ],
          },
          rotas: onCall.map((who) => rota(['first', who])),
          quietHours: { ward: NIGHT, users: new Map() },
        };
        for (const step of ESCALATION_STEPS) {
          const { recipients, warnings } = plan(step, in_, { ...ALARM, priority });
          const addresses = recipients.map(({ channel, address }) => `${channel} ${address}`);
          expect(new Set(addresses).size).toBe(addresses.length);
          for (const { userId, address, heldUntilMs } of recipients) {
            expect(known).toContain(userId);
            expect(address).toContain(userId);
            if (priority === 'high') expect(heldUntilMs).toBeUndefined();
          }
          if (recipients.length === 0) expect(warnings.length).toBeGreaterThan(0);
          // Whoever could be told at all is told at the last step.
          if (step === 'everyone') expect(recipients.length > 0).toBe(known.some((who) => reachable.includes(who)));
        }
      }),
    );
  });
});
