import type { Role } from '../../server/src/domain/access.ts';
import { ALARM_POLICY, type AlarmPolicy } from '../../server/src/domain/alarm-policy.ts';
import type { EscalationTimes } from '../../server/src/domain/escalation-times.ts';
import type { BedId, DeviceId, PatientId, RotaId, UserId, WardId } from '../../server/src/domain/ids.ts';
import type { LimitRule } from '../../server/src/domain/rule.ts';
import { parseTopic, type Subscription } from '../../server/src/domain/topic.ts';
import type { StaffSources } from '../../server/src/escalation/staff-directory.ts';
import type { KeptQuietHours } from '../../server/src/ports/care-teams.ts';
import type { RegistrySnapshot } from '../../server/src/ports/registry.ts';
import type { Subscribers } from '../../server/src/vitals/5-notify/teller.ts';
import { CHANNELS, type PatientPlan } from './plan.ts';

/** Two wards with their people, the rules, and the times: as in a house, only shorter. */

export interface Person {
  readonly name: string;
  readonly role: Role;
  readonly ward?: 'W1' | 'W2';
}

export const STAFF: readonly Person[] = [
  { name: 'nia', role: 'nurse', ward: 'W1' },
  { name: 'chris', role: 'charge-nurse', ward: 'W1' },
  { name: 'dora', role: 'physician', ward: 'W1' },
  { name: 'noa', role: 'nurse', ward: 'W2' },
  { name: 'cleo', role: 'charge-nurse', ward: 'W2' },
  { name: 'dan', role: 'physician', ward: 'W2' },
  { name: 'otto', role: 'physician' },
  { name: 'olga', role: 'physician' },
];

/** A board that hears of everything, as one that subscribed to it. */
export const BOARD = 'board';

export const HEART_RATE: LimitRule = {
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 1,
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  priority: 'high',
};
export const RESPIRATION: LimitRule = {
  kind: 'limit',
  id: 'respiratoryRate.above.medium',
  version: 1,
  vital: 'respiratoryRate',
  comparison: 'above',
  limit: 30,
  priority: 'medium',
};
/** Must be seen for a while. */
export const SPO2: LimitRule = {
  kind: 'limit',
  id: 'spo2.below.high',
  version: 1,
  vital: 'spo2',
  comparison: 'below',
  limit: 85,
  sustainedMs: 8_000,
  priority: 'high',
};

export const ESCALATION: EscalationTimes = {
  nurseSeconds: 10,
  leadsSeconds: 8,
  onCallSeconds: 8,
  everyoneSeconds: 10,
  mediumSeconds: 12,
  repeatsMax: 2,
};

export const SNOOZE_MS = 15_000;

export const POLICY: AlarmPolicy = {
  ...ALARM_POLICY,
  acknowledgementMs: { high: 30_000, medium: 40_000, low: 60_000 },
  remindEveryMs: { high: 12_000, medium: 20_000, low: 30_000 },
  snoozeMs: { high: [SNOOZE_MS], medium: [SNOOZE_MS], low: [SNOOZE_MS] },
};

export function registryOf(patients: readonly PatientPlan[]): RegistrySnapshot {
  return {
    wards: [
      { id: 'W1' as WardId, name: 'Ward 1' },
      { id: 'W2' as WardId, name: 'Ward 2' },
    ],
    beds: patients.map(({ name, ward }) => ({ id: `bed-${name}` as BedId, wardId: ward as WardId, label: name })),
    patients: patients.map(({ name, ward }) => ({
      id: name as PatientId,
      bedId: `bed-${name}` as BedId,
      wardId: ward as WardId,
      bed: name,
      spo2Scale: 1,
      // It has its own tests; here it would only ring again for what rings already.
      news2Use: { kind: 'off', why: 'other' },
    })),
    devices: [],
    assignments: patients.map(({ name }) => ({
      deviceId: `D-${name}` as DeviceId,
      patientId: name as PatientId,
      fromMs: 0,
    })),
    revokedSerials: [],
    deviceTokens: [],
    rules: {
      sets: [{ place: { scope: 'house' }, revision: 1, rules: [HEART_RATE, RESPIRATION, SPO2] }],
      overrides: [],
    },
  };
}

const addressOf = (name: string, channel: string) => `${name}@${channel}`;

/** The story begins at 08:00 UTC: for its first minute they hold back what is not high. */
const QUIET: KeptQuietHours['users'] = new Map(
  STAFF.filter(({ role }) => role === 'nurse').map(({ name }) => [
    name as UserId,
    {
      version: 1,
      zone: 'UTC',
      windows: [
        { weekdays: [1, 2, 3, 4, 5, 6, 7], from: '07:00', to: '08:01', priorities: ['medium'], effect: 'hold' },
      ],
    },
  ]),
);

/** As kept in the database; asked for by the real directory. With quiet hours, nurses want nothing of medium urgency now. */
export const staffSources = (hasQuietHours: boolean): Omit<StaffSources, 'now'> => ({
  accounts: {
    users: async () =>
      STAFF.map(({ name, role, ward }) => ({
        id: name as UserId,
        name,
        displayName: name,
        roles: [role],
        wardIds: ward === undefined ? [] : [ward as WardId],
      })),
  },
  contacts: {
    of: async (userIds) =>
      userIds.flatMap((userId) =>
        CHANNELS.map((channel) => ({ userId, channel, address: addressOf(userId, channel), verified: true })),
      ),
  } as StaffSources['contacts'],
  teams: {
    team: async (wardId) => ({
      wardId,
      zone: 'UTC',
      shifts: [],
      version: 1,
      assignments: STAFF.filter(({ ward }) => ward === wardId).map(({ name, role }) => ({
        id: `assigned-${name}`,
        wardId,
        role: role === 'physician' ? 'doctor' : role === 'nurse' ? 'nurse' : 'charge-nurse',
        userId: name as UserId,
        bedIds: [],
        patientIds: [],
        fromMs: 0,
        madeBy: 'house',
        madeAtMs: 0,
      })),
    }),
    quietHours: async () => ({ users: hasQuietHours ? QUIET : new Map() }),
  },
  rotas: {
    list: async () => [
      {
        id: 'R1' as RotaId,
        version: 1,
        name: 'Medicine',
        wardIds: [],
        zone: 'UTC',
        layers: ['otto', 'olga'].map((name) => ({
          name: `layer of ${name}`,
          people: [name as UserId],
          startsOn: '2026-01-05',
          handoverAt: '08:00',
          turnDays: 7,
        })),
        retired: false,
        setBy: 'house',
        setAtMs: 0,
        reason: 'house',
      },
    ],
    overrides: async () => [],
  },
  channelTypes: () =>
    new Map([
      ['mail', 'smtp'],
      ['text', 'sms'],
    ]),
  house: () => [],
});

const topic = parseTopic('alarms');
if (topic === undefined) throw new Error('no such topic');
const SUBSCRIPTIONS: readonly Subscription[] = [
  { id: 'board', topic, subscriber: { kind: 'endpoint', channel: BOARD, recipient: BOARD } },
];
export const subscribers = async (): Promise<Subscribers> => ({ subscriptions: SUBSCRIPTIONS, people: new Map() });
