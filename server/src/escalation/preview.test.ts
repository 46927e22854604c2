import { describe, expect, it } from 'vitest';
import type { CareAssignment } from '../domain/care-team.ts';
import type { EscalationWorld } from '../domain/escalation.ts';
import { ESCALATION_TIMES } from '../domain/escalation-times.ts';
import type { PatientId, UserId, WardId } from '../domain/ids.ts';
import { escalationDefinitions } from './definition-files.ts';
import { previewEscalation, upcomingSteps } from './preview.ts';

const AT = Date.parse('2026-11-22T02:00:00Z');
const MINUTE = 60_000;
const definitions = escalationDefinitions();
const ALARM = {
  rule: 'heartRate.above.high',
  priority: 'high',
  kind: 'physiological',
  patientId: 'P1' as PatientId,
  wardId: 'W3' as WardId,
} as const;

function world(...missing: readonly string[]): EscalationWorld {
  const staff = ['nia', 'chris', 'dora', 'otto'].filter((who) => !missing.includes(who));
  const assign = (role: CareAssignment['role'], who: string): CareAssignment[] =>
    staff.includes(who)
      ? [{ id: who, wardId: 'W3' as WardId, role, userId: who as UserId, bedIds: [], patientIds: [], fromMs: 0 }]
      : [];
  return {
    people: new Map(
      staff.map((who) => [
        who as UserId,
        { userId: who as UserId, displayName: who, roles: ['nurse'], mayAnswer: true, wardIds: [] },
      ]),
    ),
    contacts: new Map(staff.map((who) => [who as UserId, [{ channel: 'sms', type: 'sms', address: `+${who}` }]])),
    team: {
      wardId: 'W3' as WardId,
      zone: 'UTC',
      shifts: [],
      assignments: [...assign('nurse', 'nia'), ...assign('charge-nurse', 'chris'), ...assign('doctor', 'dora')],
    },
    rotas: staff.includes('otto')
      ? [
          {
            rota: {
              id: 'R' as never,
              version: 1,
              name: 'Medicine',
              wardIds: [],
              zone: 'UTC',
              layers: [
                { name: 'first', people: ['otto' as UserId], startsOn: '2026-01-05', handoverAt: '08:00', turnDays: 7 },
              ],
            },
            overrides: [],
          },
        ]
      : [],
    quietHours: { users: new Map() },
    house: [],
  };
}

const from = { definitions, times: ESCALATION_TIMES, atMs: AT };
const shown = (steps: ReturnType<typeof previewEscalation>['steps']) =>
  steps.map(
    ({ step, atMs, untilMs, recipients }) =>
      `+${(atMs - AT) / MINUTE} ${step}: ${recipients.map(({ userId }) => userId).join(' ') || '-'}${
        untilMs === undefined ? '' : `, waits ${(untilMs - atMs) / MINUTE}`
      }`,
  );

describe('a preview', () => {
  it('says who would be told of a high alarm, and when', () => {
    const { definition, steps } = previewEscalation(ALARM, world(), from);
    expect(definition).toBe('escalation-high');
    expect(shown(steps)).toEqual([
      '+0 nurse: nia, waits 10',
      '+10 charge-nurse-and-doctor: chris dora, waits 5',
      '+15 on-call: otto, waits 5',
      '+20 everyone: otto chris dora nia, waits 5',
      '+25 everyone: otto chris dora nia, waits 5',
    ]);
  });

  it('of a medium alarm takes longer and ends on call; of a low one there is none', () => {
    const { steps } = previewEscalation({ ...ALARM, priority: 'medium' }, world(), from);
    expect(shown(steps)).toEqual([
      '+0 nurse: nia, waits 30',
      '+30 charge-nurse-and-doctor: chris dora, waits 30',
      '+60 on-call: otto, waits 30',
      '+90 on-call: otto, waits 30',
    ]);
    expect(previewEscalation({ ...ALARM, priority: 'low' }, world(), from)).toEqual({ steps: [] });
  });

  it('asks no doctor to mend a cable', () => {
    const lost = { ...ALARM, kind: 'technical', rule: 'technical.lost', priority: 'medium' } as const;
    expect(shown(previewEscalation(lost, world(), from).steps).slice(0, 2)).toEqual([
      '+0 nurse: nia, waits 10',
      '+10 charge-nurse-and-doctor: chris, waits 5',
    ]);
  });

  it('goes to the next step at once where nobody can be told, and says what is missing', () => {
    const { steps } = previewEscalation(ALARM, world('nia', 'otto'), from);
    expect(shown(steps)).toEqual([
      '+0 nurse: -',
      '+0 charge-nurse-and-doctor: chris dora, waits 5',
      '+5 on-call: -',
      '+5 everyone: chris dora, waits 5',
      '+10 everyone: chris dora, waits 5',
    ]);
    expect(steps[0]?.warnings.map(({ code }) => code)).toEqual(['no-nurse', 'nobody-assigned']);
  });

  it('keeps the time of the last step where nobody at all can be told: somebody may come', () => {
    const { steps } = previewEscalation(ALARM, world('nia', 'chris', 'dora', 'otto'), from);
    expect(shown(steps).slice(3)).toEqual(['+0 everyone: -, waits 5', '+5 everyone: -, waits 5']);
  });

  it('follows a shift that changes while it runs', () => {
    const one = world();
    const team = one.team as NonNullable<EscalationWorld['team']>;
    const change = AT + 5 * MINUTE;
    const assignments = team.assignments.map((each) => (each.userId === 'chris' ? { ...each, toMs: change } : each));
    const { steps } = previewEscalation(ALARM, { ...one, team: { ...team, assignments } }, from);
    expect(shown(steps)[1]).toBe('+10 charge-nurse-and-doctor: dora, waits 5');
  });
});

describe('what is still to come of a running escalation', () => {
  const definition = definitions.get('escalation-high');
  const input = {
    alarmId: 'A1',
    round: 2,
    fromStep: 'nurse' as const,
    repeat: 1,
    repeatsMax: 12,
    seconds: { nurse: 600, leads: 300, onCall: 300, everyone: 300 },
  };
  const upcoming = (waiting?: Parameters<typeof upcomingSteps>[2]['waiting']) => {
    if (definition === undefined) throw new Error('no definition');
    const base = { definition, input, atMs: AT };
    return shown(upcomingSteps(ALARM, world(), waiting === undefined ? base : { ...base, waiting }));
  };

  it('begins when the step that waits has waited in vain', () => {
    expect(upcoming({ step: 'charge-nurse-and-doctor', repeat: 1, untilMs: AT + 2 * MINUTE })).toEqual([
      '+2 on-call: otto, waits 5',
      '+7 everyone: otto chris dora nia, waits 5',
      '+12 everyone: otto chris dora nia, waits 5',
    ]);
  });

  it('is everybody again once everybody was told', () => {
    expect(upcoming({ step: 'everyone', repeat: 3, untilMs: AT + MINUTE })).toEqual([
      '+1 everyone: otto chris dora nia, waits 5',
    ]);
    expect(upcoming({ step: 'everyone', repeat: 12, untilMs: AT + MINUTE })).toEqual([]);
  });

  it('is all of it before anybody was told', () => {
    expect(upcoming()[0]).toBe('+0 nurse: nia, waits 10');
  });
});
