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
import type { Escalations, RoundKey, ToldRecipient, ToldRound, ToldStep } from '../ports/escalations.ts';
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
    const passed: ToldStep[] = [];
    for (const step of untold(task, round))
      passed.push(await order({ ...task, step, repeat: 1, isLast: false }, round, here, world));
    // Who wants the next step told now marks the alarm with it first: then nobody says that a page was there already.
    const isWanted = round.startedBy === 'person' || (task.repeat === 1 && isMarked(alarm, task, round));
    const told = await order(task, round, here, world, isWanted);
    const waits = told.recipients.length > 0 || task.isLast;
    const after = await escalations.told({
      ...task,
      ...told,
      ...(waits ? { untilMs: told.atMs + task.waitSeconds * 1000 } : {}),
      passed,
    });
    for (const { step, recipients } of [...passed, told]) reportNobody(step, here, recipients.length === 0);
    // Taken while it was told: nobody else will answer this token.
    if (after.end !== undefined) return answered(after.end);
    if (told.recipients.length > 0) await mark(alarm, task, round, told.atMs);
    if (!waits) return new Answered({ answer: 'nobody', next: next(task, round, here, world) });
    return { told: told.recipients.length };
  };

  /**
   * The next step that finds somebody, or else the last: whoever can be told need not wait for each step in between to
   * find nobody. Those are written, and looked at once more, with the step that is told.
   */
  function next(
    { step }: TellPayload,
    { definition }: EscalationRound,
    here: EscalatedAlarm,
    world: EscalationWorld,
  ): EscalationStep | undefined {
    const further = stepsOf(definition).filter((each) => rank(each) > rank(step));
    const finds = (each: EscalationStep) =>
      planStep({ step: each, atMs: now(), isLast: false }, here, world).recipients.length > 0;
    return further.find(finds) ?? further.at(-1);
  }

  /**
   * Steps before this one of which nothing is written: they were passed, for nobody was there; their time ran out while
   * no engine was there to tell them; or telling them failed again and again. Whoever should have been told is told now.
   */
  function untold({ step }: TellPayload, { definition, fromStep, steps }: ToldRound): readonly EscalationStep[] {
    return stepsOf(definition).filter(
      (each) =>
        rank(each) >= rank(fromStep) && rank(each) < rank(step) && !steps.some((written) => written.step === each),
    );
  }

  /** Orders what tells a step; nothing of it is written down yet. */
  async function order(
    task: TellPayload,
    round: EscalationRound,
    here: EscalatedAlarm,
    world: EscalationWorld,
    isWanted = false,
  ): Promise<ToldStep> {
    const atMs = now();
    const plan = planStep({ ...task, atMs }, here, world);
    const recipients = plan.recipients.map((each): ToldRecipient => ({ ...each, dedupeKey: keyOf(task, each) }));
    await enqueue(task, { event: eventOf(task.step, round), isWanted }, recipients, atMs);
    return { step: task.step, repeat: task.repeat, atMs, recipients, warnings: plan.warnings };
  }

  async function enqueue(
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
function answered(answer: 'over' | RoundEnd): Answered {
  return new Answered({ answer });
}

const rank = (step: EscalationStep) => ESCALATION_STEPS.indexOf(step);

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
