import type { Role } from './access.ts';
import type { AlarmKind, Priority } from './alarm.ts';
import {
  type AssignedPerson,
  chargeNursesOf,
  doctorsOf,
  everyoneAssigned,
  nursesOf,
  type WardTeam,
} from './care-team.ts';
import type { ChannelType } from './channel.ts';
import type { BedId, PatientId, TenantId, UserId, WardId } from './ids.ts';
import { isSilent, type QuietHours, quietEffect } from './quiet-hours.ts';
import { onCallAt, type Rota, type RotaOverride } from './rota.ts';

/**
 * Who is told at a step of an escalation, by which channel and why. A running escalation and the preview ask this same
 * function, so that the preview cannot promise what will not happen.
 */
export type EscalationStep = 'nurse' | 'charge-nurse-and-doctor' | 'on-call' | 'everyone';

/** From the patient's own nurse outwards. */
export const ESCALATION_STEPS: readonly EscalationStep[] = ['nurse', 'charge-nurse-and-doctor', 'on-call', 'everyone'];

/** What of an alarm decides who is told. */
export interface EscalatedAlarm {
  readonly priority: Priority;
  readonly kind: AlarmKind;
  readonly patientId: PatientId;
  /** Whose patient: nobody else is told. */
  readonly tenantId?: TenantId;
  readonly wardId?: WardId;
  /** What the house calls the ward. */
  readonly ward?: string;
  readonly bedId?: BedId;
  /** What the wall calls the bed. */
  readonly bed?: string;
}

/** Everything that decides it, now and in the time to come: periods, not a moment. */
export interface EscalationWorld {
  readonly people: ReadonlyMap<UserId, Staff>;
  /** Verified ones only. */
  readonly contacts: ReadonlyMap<UserId, readonly StaffContact[]>;
  /** Of the alarm's ward. */
  readonly team?: WardTeam;
  /** Those of other wards may be among them. */
  readonly rotas: readonly { readonly rota: Rota; readonly overrides: readonly RotaOverride[] }[];
  readonly quietHours: {
    readonly ward?: QuietHours;
    readonly users: ReadonlyMap<UserId, QuietHours>;
  };
  /** Mailboxes and the like that are told when everybody is. */
  readonly house: readonly HouseRecipient[];
}

export interface Staff {
  readonly userId: UserId;
  readonly displayName: string;
  readonly roles: readonly Role[];
  /** May acknowledge alarms. */
  readonly mayAnswer: boolean;
  /** Empty: all wards. */
  readonly wardIds: readonly WardId[];
}

export interface StaffContact {
  readonly channel: string;
  readonly type: ChannelType;
  readonly address: string;
  readonly minPriority?: Priority;
}

export interface HouseRecipient {
  readonly channel: string;
  readonly address: string;
}

export interface StepPlan {
  /** Those that are told, or will be when quiet hours end. None: nobody can be told, and the next step comes at once. */
  readonly recipients: readonly StepRecipient[];
  readonly warnings: readonly EscalationWarning[];
}

export interface StepRecipient {
  /** Absent: of the house. */
  readonly userId?: UserId;
  readonly role: 'nurse' | 'charge-nurse' | 'doctor' | 'on-call' | 'everyone' | 'house';
  readonly channel: string;
  readonly address: string;
  /** For a person, without patient data. */
  readonly why: string;
  /** Told only then, if the alarm is still open. */
  readonly heldUntilMs?: number;
}

export interface EscalationWarning {
  readonly code:
    | 'nobody-assigned'
    | 'nobody-reachable'
    | 'no-nurse'
    | 'no-charge-nurse'
    | 'no-doctor'
    | 'nobody-on-call'
    | 'layer-empty'
    | 'unreachable'
    | 'unknown-person';
  readonly userId?: UserId;
  readonly text: string;
}

export function planStep(
  { step, atMs, isLast }: { readonly step: EscalationStep; readonly atMs: number; readonly isLast: boolean },
  alarm: EscalatedAlarm,
  world: EscalationWorld,
): StepPlan {
  const { candidates, warnings } = candidatesOf(step, alarm, world, atMs);
  const reached = candidates.map((candidate) => reach(candidate, { alarm, atMs, isLast }, world));
  const recipients = [
    ...reached.flatMap((each) => each.recipients),
    ...(step === 'everyone' ? houseRecipients(world) : []),
  ];
  const told = uniqueByAddress(recipients);
  const found = [...warnings, ...reached.flatMap((each) => each.warnings)];
  if (told.length > 0) return { recipients: told, warnings: found };
  const nobody: EscalationWarning =
    candidates.length === 0
      ? { code: 'nobody-assigned', text: `step ${step}: nobody is assigned` }
      : { code: 'nobody-reachable', text: `step ${step}: nobody who is assigned has a verified contact` };
  return { recipients: [], warnings: [...found, nobody] };
}

interface Candidate extends AssignedPerson {
  readonly role: StepRecipient['role'];
}

interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly warnings: readonly EscalationWarning[];
}

function candidatesOf(step: EscalationStep, alarm: EscalatedAlarm, world: EscalationWorld, atMs: number): Candidates {
  switch (step) {
    case 'nurse': {
      const nurses = world.team === undefined ? [] : nursesOf(world.team, alarm, atMs);
      return { candidates: as('nurse', nurses), warnings: warnIfNone(nurses, 'no-nurse', 'no nurse is assigned') };
    }
    case 'charge-nurse-and-doctor':
      return leadsOf(alarm, world, atMs);
    case 'on-call':
      return firstOnCall(alarm, world, atMs);
    case 'everyone':
      return { candidates: everyone(alarm, world, atMs), warnings: [] };
    default:
      return step satisfies never;
  }
}

function leadsOf(alarm: EscalatedAlarm, { team }: EscalationWorld, atMs: number): Candidates {
  const leads = team === undefined ? [] : chargeNursesOf(team, atMs);
  const missing = warnIfNone(leads, 'no-charge-nurse', 'the ward has no charge nurse now');
  // A doctor cannot mend a cable.
  if (alarm.kind === 'technical') return { candidates: as('charge-nurse', leads), warnings: missing };
  const doctors = team === undefined ? [] : doctorsOf(team, alarm, atMs);
  return {
    candidates: [...as('charge-nurse', leads), ...as('doctor', doctors)],
    warnings: [...missing, ...warnIfNone(doctors, 'no-doctor', 'the ward has no doctor now')],
  };
}

/** Of each rota the first layer in which somebody who can be reached is on call. */
function firstOnCall(alarm: EscalatedAlarm, world: EscalationWorld, atMs: number): Candidates {
  const warnings: EscalationWarning[] = [];
  const candidates: Candidate[] = [];
  for (const { rota, overrides } of rotasOf(alarm, world)) {
    const layers = onCallAt(rota, overrides, atMs).filter(({ by }) => by !== 'not-needed');
    const holders = layers.flatMap((each) => ('userId' in each ? [{ layer: each.layer, userId: each.userId }] : []));
    const holder = holders.find(({ userId }) => isReachable(userId, alarm, world)) ?? holders[0];
    if (holder === undefined) warnings.push({ code: 'nobody-on-call', text: `rota ${rota.name}: nobody is on call` });
    else {
      if (holder.layer !== layers[0]?.layer)
        warnings.push({ code: 'layer-empty', text: `rota ${rota.name}: layer ${holder.layer} stands in` });
      candidates.push({ userId: holder.userId, role: 'on-call', why: `${rota.name}, ${holder.layer}` });
    }
  }
  return { candidates, warnings };
}

/**
 * Everybody assigned in the ward and everybody on call in any layer. Where that reaches nobody, everybody who sees the
 * ward and may answer, on duty or not.
 */
function everyone(alarm: EscalatedAlarm, world: EscalationWorld, atMs: number): readonly Candidate[] {
  const assigned = world.team === undefined ? [] : everyoneAssigned(world.team, atMs);
  const onCall = rotasOf(alarm, world).flatMap(({ rota, overrides }) =>
    onCallAt(rota, overrides, atMs).flatMap((each) =>
      'userId' in each ? [{ userId: each.userId, why: `${rota.name}, ${each.layer}` }] : [],
    ),
  );
  const onDuty = new Map([...onCall, ...assigned].map((each) => [each.userId, each]));
  const isAnybodyReached = [...onDuty.keys()].some((userId) => isReachable(userId, alarm, world));
  if (isAnybodyReached) return as('everyone', [...onDuty.values()]);
  const others = [...world.people.values()]
    .filter(({ mayAnswer, wardIds }) => mayAnswer && seesWard(wardIds, alarm.wardId))
    .map(({ userId }) => ({ userId, why: 'may answer alarms of this ward; nobody on duty can be reached' }));
  return as('everyone', [...new Map([...others, ...onDuty.values()].map((each) => [each.userId, each])).values()]);
}

/** Which channels this person is told by, and whether now. */
function reach(
  { userId, role, why }: Candidate,
  telling: { readonly alarm: EscalatedAlarm; readonly atMs: number; readonly isLast: boolean },
  world: EscalationWorld,
): { readonly recipients: readonly StepRecipient[]; readonly warnings: readonly EscalationWarning[] } {
  const { alarm, atMs, isLast } = telling;
  const person = world.people.get(userId);
  if (person === undefined)
    return { recipients: [], warnings: [{ code: 'unknown-person', userId, text: 'assigned, but no longer a user' }] };
  const wanted = contactsFor(userId, alarm, world);
  if (wanted.length === 0)
    return {
      recipients: [],
      warnings: [{ code: 'unreachable', userId, text: `${person.displayName} has no verified contact for this` }],
    };
  const { ward, users } = world.quietHours;
  const own = users.get(userId);
  const hours = [...(ward === undefined ? [] : [ward]), ...(own === undefined ? [] : [own])];
  const quiet = quietEffect({ priority: alarm.priority, atMs, isLastStep: isLast }, hours);
  // Softened, but nothing silent to be told by: better loud than not at all.
  const silent = quiet.kind === 'soften' ? wanted.filter(({ type }) => isSilent(type)) : [];
  const contacts = silent.length > 0 ? silent : wanted;
  const recipients = contacts.map(({ channel, address }) => ({
    userId,
    role,
    channel,
    address,
    why,
    ...(quiet.kind === 'hold' ? { heldUntilMs: quiet.untilMs } : {}),
  }));
  return { recipients, warnings: [] };
}

function contactsFor(userId: UserId, { priority }: EscalatedAlarm, world: EscalationWorld): readonly StaffContact[] {
  const contacts = world.contacts.get(userId) ?? [];
  return contacts.filter(({ minPriority = 'low' }) => URGENCY[priority] >= URGENCY[minPriority]);
}

function isReachable(userId: UserId, alarm: EscalatedAlarm, world: EscalationWorld): boolean {
  return world.people.has(userId) && contactsFor(userId, alarm, world).length > 0;
}

/** Rotas that name the ward come before those for the whole house. An alarm whose ward is not known is everyone's. */
function rotasOf({ wardId }: EscalatedAlarm, { rotas }: EscalationWorld): EscalationWorld['rotas'] {
  const own = rotas.filter(({ rota }) => seesWard(rota.wardIds, wardId));
  return [...own].sort((a, b) => Number(a.rota.wardIds.length === 0) - Number(b.rota.wardIds.length === 0));
}

function houseRecipients({ house }: EscalationWorld): readonly StepRecipient[] {
  return house.map(({ channel, address }) => ({ role: 'house', channel, address, why: 'told when everybody is' }));
}

/** A person with two roles is told once by each channel. */
function uniqueByAddress(recipients: readonly StepRecipient[]): readonly StepRecipient[] {
  const unique = new Map<string, StepRecipient>();
  for (const each of recipients) {
    const key = `${each.channel}\n${each.address}`;
    if (!unique.has(key)) unique.set(key, each);
  }
  return [...unique.values()];
}

const as = (role: Candidate['role'], people: readonly AssignedPerson[]): readonly Candidate[] =>
  people.map((person) => ({ ...person, role }));

const warnIfNone = (
  people: readonly unknown[],
  code: EscalationWarning['code'],
  text: string,
): readonly EscalationWarning[] => (people.length === 0 ? [{ code, text }] : []);

const seesWard = (wardIds: readonly WardId[], wardId: WardId | undefined) =>
  wardIds.length === 0 || wardId === undefined || wardIds.includes(wardId);

const URGENCY: Readonly<Record<Priority, number>> = { low: 0, medium: 1, high: 2 };
