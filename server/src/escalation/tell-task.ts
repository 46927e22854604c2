import type { Alarm } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import {
  ESCALATION_STEPS,
  type EscalatedAlarm,
  type EscalationStep,
  type EscalationWorld,
  planStep,
} from '../domain/escalation.ts';
import {
  ESCALATION_ACTOR,
  type EscalationDefinition,
  type EscalationRound,
  type RoundEnd,
} from '../domain/escalation-round.ts';
import { DEFAULT_TENANT } from '../domain/ids.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Escalations, RoundKey, ToldRecipient, ToldRound } from '../ports/escalations.ts';
import type { DeliveryOrders } from '../ports/outbox.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { Answered } from '../workflow/task-handler.ts';
import type { StaffDirectory } from './staff-directory.ts';
import { isObject, parseRoundKey } from './task-payload.ts';

export interface TellTaskParts {
  readonly alarms: Pick<AlarmStore, 'find' | 'act'>;
  readonly escalations: Pick<Escalations, 'rounds' | 'told' | 'hold'>;
  /** The steps that a definition tells, outwards. */
  readonly stepsOf: (definition: EscalationDefinition) => readonly EscalationStep[];
  readonly orders: DeliveryOrders;
  readonly directory: StaffDirectory;
  readonly systemAlarms: SystemAlarms;
  readonly placeOf: PlaceOf;
  /** Something was put into the outbox. */
  readonly onOrdered: () => void;
  readonly now: () => number;
}

/**
 * The function `escalation-tell`: tells whoever belongs to a step, and leaves the token with the alarm, so that taking
 * the alarm answers it. It may be called again for the same step: each order and each record is known by its key, and
 * the step that was told stays as it was.
 */
export function createTellTask(parts: TellTaskParts) {
  const { alarms, escalations, orders, directory, systemAlarms, stepsOf, placeOf, now } = parts;

  const nobodyAt = new Map<string, Set<EscalationStep>>();

  return async function tell(payload: unknown): Promise<{ readonly told: number } | Answered> {
    const task = parseTellPayload(payload);
    const [rounds, alarm] = await Promise.all([escalations.rounds(task.alarmId), alarms.find(task.alarmId)]);
    const round = rounds.find((each) => each.round === task.round);
    if (round === undefined || alarm === undefined) return answered('over');
    if (round.end !== undefined) return answered(round.end);

    const here = escalatedAlarm(alarm, placeOf(alarm));
    const world = await directory.worldOf(here);
    for (const step of untold(task, round))
      await tellStep({ ...task, step, repeat: 1, isLast: false }, round, here, world);
    // Who wants the next step told now marks the alarm with it first: then nobody says that a page was there already.
    const isWanted = round.startedBy === 'person' || (task.repeat === 1 && isMarked(alarm, task, round));
    const { recipients, after, waits, atMs } = await tellStep(task, round, here, world, isWanted);
    // Taken while it was told: nobody else will answer this token.
    if (after.end !== undefined) return answered(after.end);
    if (recipients.length > 0) await mark(alarm, task, round, atMs);
    if (!waits) return answered('nobody');
    return { told: recipients.length };
  };

  /**
   * Steps before this one of which nothing is written: their time ran out while no engine was there to tell them, or
   * telling them failed again and again. Whoever should have been told is told now.
   */
  function untold({ step }: TellPayload, { definition, fromStep, steps }: ToldRound): readonly EscalationStep[] {
    const ladder = stepsOf(definition);
    const rank = (each: EscalationStep) => ESCALATION_STEPS.indexOf(each);
    return ladder.filter(
      (each) =>
        rank(each) >= rank(fromStep) && rank(each) < rank(step) && !steps.some((written) => written.step === each),
    );
  }

  async function tellStep(
    task: TellPayload,
    round: EscalationRound,
    here: EscalatedAlarm,
    world: EscalationWorld,
    isWanted = false,
  ) {
    const atMs = now();
    const plan = planStep({ ...task, atMs }, here, world);
    const recipients = plan.recipients.map((each): ToldRecipient => ({ ...each, dedupeKey: keyOf(task, each) }));
    await order(task, { event: eventOf(task.step, round), isWanted }, recipients, atMs);
    const waits = recipients.length > 0 || task.isLast;
    const after = await escalations.told({
      ...task,
      atMs,
      ...(waits ? { untilMs: atMs + task.waitSeconds * 1000 } : {}),
      recipients,
      warnings: plan.warnings,
    });
    reportNobody(task.step, here, recipients.length === 0);
    return { recipients, after, waits, atMs };
  }

  async function order(
    { alarmId }: TellPayload,
    { event, isWanted }: { readonly event: NotificationEvent; readonly isWanted: boolean },
    recipients: readonly ToldRecipient[],
    atMs: number,
  ): Promise<void> {
    const all = recipients.map(({ channel, address, userId, dedupeKey, heldUntilMs }) => ({
      order: {
        alarmId,
        event,
        channel,
        recipient: address,
        dedupeKey,
        ...(userId === undefined ? {} : { userId }),
        ...(isWanted ? { insists: true as const } : {}),
      },
      heldUntilMs,
    }));
    await escalations.hold(
      all.flatMap(({ order: one, heldUntilMs }) =>
        heldUntilMs === undefined ? [] : [{ ...one, dueAtMs: heldUntilMs }],
      ),
    );
    const atOnce = all.filter(({ heldUntilMs }) => heldUntilMs === undefined).map(({ order: one }) => one);
    if (atOnce.length === 0) return;
    await orders.enqueue(atOnce, atMs);
    parts.onOrdered();
  }

  /** On the alarm itself, for everybody who looks at it; the nurse's own step is what every alarm begins with. */
  async function mark(alarm: Alarm, task: TellPayload, round: EscalationRound, atMs: number): Promise<void> {
    if (task.step === 'nurse' || isMarked(alarm, task, round)) return;
    await alarms.act({ id: alarm.id, act: { kind: 'escalate', step: task.step }, by: ESCALATION_ACTOR, atMs });
  }

  /** One alarm of the installation for each ward, naming the steps at which nobody was found last. */
  function reportNobody(
    step: EscalationStep,
    { wardId, ward: name, tenantId }: EscalatedAlarm,
    isNobody: boolean,
  ): void {
    const ofOther = tenantId === undefined || tenantId === DEFAULT_TENANT ? '' : `.${tenantId}`;
    const ward = wardId ?? `no-ward${ofOther}`;
    const id = `escalation.nobody.${ward}`;
    const steps = nobodyAt.get(ward) ?? new Set();
    if (isNobody) steps.add(step);
    else steps.delete(step);
    if (nobodyAt.size >= WARDS_MAX) nobodyAt.clear();
    nobodyAt.set(ward, steps);
    if (steps.size === 0) {
      systemAlarms.clear(id);
      return;
    }
    const missing = ESCALATION_STEPS.filter((each) => steps.has(each)).map((each) => NOBODY[each]);
    systemAlarms.raise({
      ...(tenantId !== undefined && { tenantId }),
      id,
      rule: 'escalation.nobody',
      priority: steps.has('everyone') ? 'high' : 'medium',
      text: `${wardId === undefined ? 'Patients without a ward' : (name ?? `Ward ${wardId}`)}: nobody could be told of an alarm as ${missing.join(', nor as ')}. See to the care team, the rota and the contacts.`,
    });
  }
}

/** Nobody else will: what the definition goes on by. */
function answered(answer: 'over' | 'nobody' | RoundEnd): Answered {
  return new Answered({ answer });
}

/** More wards than a house has. */
const WARDS_MAX = 1_000;

const NOBODY: Readonly<Record<EscalationStep, string>> = {
  nurse: 'nurse',
  'charge-nurse-and-doctor': 'charge nurse or doctor',
  'on-call': 'on call',
  everyone: 'anybody at all',
};

/** Where its patient lies now; where it rang, if nobody knows. */
export type PlaceOf = (alarm: Alarm) => Pick<EscalatedAlarm, 'wardId' | 'ward' | 'bedId' | 'bed' | 'tenantId'>;

/** What of an alarm decides who is told. */
export function escalatedAlarm({ priority, kind, patientId }: Alarm, place: ReturnType<PlaceOf>): EscalatedAlarm {
  return { priority, kind, patientId, ...place };
}

function isMarked(
  { escalationStep, escalatedAtMs = 0 }: Alarm,
  { step }: TellPayload,
  round: EscalationRound,
): boolean {
  return escalationStep === step && escalatedAtMs >= round.startedAtMs;
}

/** Whoever hears first hears what rang; whoever comes after that nobody took it. */
function eventOf(step: EscalationStep, { startedBy }: EscalationRound): NotificationEvent {
  if (step !== 'nurse') return 'escalated';
  return startedBy === 'raised' || startedBy === 'returned' ? startedBy : 'reminder';
}

/** The same for the same telling, whichever attempt and whichever process makes it. */
function keyOf(
  { alarmId, round, step, repeat }: TellPayload,
  to: { readonly channel: string; readonly address: string },
) {
  return `escalation:${alarmId}.${round}:${step}.${repeat}:${to.channel}:${to.address}`;
}

interface TellPayload extends RoundKey {
  readonly step: EscalationStep;
  readonly repeat: number;
  readonly isLast: boolean;
  readonly waitSeconds: number;
  readonly token: string;
}

/** A definition that hands over something else is a defect of the definition: the task fails, and the next step comes. */
function parseTellPayload(payload: unknown): TellPayload {
  const key = parseRoundKey(payload);
  const { step, repeat, isLast, waitSeconds, taskToken } = isObject(payload) ? payload : {};
  const known = ESCALATION_STEPS.find((each) => each === step);
  if (
    known === undefined ||
    !Number.isSafeInteger(repeat) ||
    typeof isLast !== 'boolean' ||
    typeof waitSeconds !== 'number' ||
    typeof taskToken !== 'string'
  )
    throw new TypeError('escalation-tell: step, repeat, isLast, waitSeconds and taskToken are needed');
  return { ...key, step: known, repeat: Number(repeat), isLast, waitSeconds, token: taskToken };
}
