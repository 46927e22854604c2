import { type Alarm, type AlarmChange, type ConditionTransition, nextAlarm } from '../../domain/alarm.ts';
import { actOn } from '../../domain/alarm-act.ts';
import { type AlarmHistoryEntry, historyEntry } from '../../domain/alarm-history.ts';
import { compareByAge, compareInWorklist, placeInWorklist } from '../../domain/alarm-order.ts';
import { ALARM_POLICY, type AlarmPolicy } from '../../domain/alarm-policy.ts';
import { nextDueMs, scheduled, timePassed } from '../../domain/alarm-time.ts';
import type { AlarmId, BedId, PatientId, WardId } from '../../domain/ids.ts';
import {
  type AcknowledgeOutcome,
  type ActOutcome,
  type ActRequest,
  type AlarmNote,
  type AlarmQuery,
  type AlarmStore,
  acknowledgeOutcome,
  HISTORY_MAX,
  type ManyOutcome,
  UNPLACED_WARD,
} from '../../ports/alarm-store.ts';
import type { Failure } from '../../ports/failure.ts';
import type { Delivery, DeliveryRecord, Outbox } from '../../ports/outbox.ts';

interface StoredDelivery extends Omit<Delivery, 'attempt'> {
  state: DeliveryRecord['state'];
  attempts: number;
  nextAtMs: number;
  leasedUntilMs: number;
  lastDetail?: string;
  updatedAtMs: number;
}

/** Alarms and their outbox while the process lives: for tests of what stands around them. */
export class MemoryAlarmStore implements AlarmStore, Outbox {
  readonly alarms = new Map<AlarmId, Alarm>();
  readonly places = new Map<PatientId, { readonly wardId?: WardId; readonly bedId?: BedId }>();
  /** Set it, and everything is refused with it: a database that is away. */
  refusal: Failure | undefined;
  /** Every event ever written to the outbox, in order. */
  readonly events: AlarmChange[] = [];
  readonly #policy: AlarmPolicy;
  readonly #now: () => number;
  readonly #applied = new Map<string, ConditionTransition['position']>();
  readonly #history = new Map<AlarmId, AlarmHistoryEntry[]>();
  readonly #notes = new Map<AlarmId, AlarmNote[]>();
  readonly #deliveries: StoredDelivery[] = [];
  #fannedOut = 0;

  constructor(options: { readonly policy?: AlarmPolicy; readonly now?: () => number } = {}) {
    this.#policy = options.policy ?? ALARM_POLICY;
    this.#now = options.now ?? Date.now;
  }

  async apply(transitions: readonly ConditionTransition[]): Promise<readonly AlarmChange[]> {
    this.#check();
    const changes: AlarmChange[] = [];
    for (const transition of transitions) {
      const { patientId, rule, position } = transition;
      const key = `${patientId}\n${rule}`;
      if (!isAfter(position, this.#applied.get(key))) continue;
      this.#applied.set(key, position);
      const open = [...this.alarms.values()].find(
        (alarm) => alarm.patientId === patientId && alarm.rule === rule && alarm.state === 'active',
      );
      const decided = nextAlarm(open, transition, this.places.get(patientId) ?? {});
      if (decided === undefined) continue;
      const change = scheduled(decided, open, this.#policy, this.#now());
      if (change.kind === 'raised' && this.alarms.has(change.alarm.id)) throw new Error('an alarm was raised twice');
      this.#put(change);
      changes.push(change);
    }
    return changes;
  }

  async act(request: ActRequest): Promise<ActOutcome> {
    this.#check();
    const { id, act, by, byId, atMs } = request;
    const alarm = this.alarms.get(id);
    if (alarm === undefined) return { kind: 'not-found' };
    const who = { by, ...(byId === undefined ? {} : { byId }) };
    const decision = actOn(alarm, act, who, atMs, this.#policy);
    if (decision.kind === 'refused' || decision.change.kind === 'unchanged') return decision;
    const change = scheduled(decision.change, alarm, this.#policy, atMs);
    this.#put(change);
    if ('note' in act && act.note !== undefined) {
      const notes = this.#notes.get(id) ?? [];
      const author = { author: by, ...(byId === undefined ? {} : { authorId: byId }) };
      this.#notes.set(id, [...notes, { id: String(notes.length + 1), atMs, ...author, text: act.note }]);
    }
    return { kind: 'done', change };
  }

  async acknowledge(request: Omit<ActRequest, 'act'>): Promise<AcknowledgeOutcome> {
    return acknowledgeOutcome(await this.act({ ...request, act: { kind: 'acknowledge' } }));
  }

  async acknowledgeMany({
    ids,
    ...who
  }: Parameters<AlarmStore['acknowledgeMany']>[0]): Promise<readonly ManyOutcome[]> {
    const outcomes: ManyOutcome[] = [];
    for (const id of ids) {
      const alarm = this.alarms.get(id);
      outcomes.push(
        alarm?.state === 'active' && alarm.priority === 'high'
          ? { kind: 'high-priority', id, alarm }
          : { id, ...(await this.acknowledge({ ...who, id })) },
      );
    }
    return outcomes;
  }

  async passTime({ nowMs, limit }: Parameters<AlarmStore['passTime']>[0]): Promise<readonly AlarmChange[]> {
    this.#check();
    const due = [...this.alarms.values()]
      .filter((alarm) => (nextDueMs(alarm) ?? Number.POSITIVE_INFINITY) <= nowMs)
      .sort((a, b) => (nextDueMs(a) ?? 0) - (nextDueMs(b) ?? 0))
      .slice(0, limit);
    const changes: AlarmChange[] = [];
    for (const alarm of due) {
      for (let now = alarm, next = timePassed(now, nowMs); next !== undefined; next = timePassed(now, nowMs)) {
        const change = scheduled(next, now, this.#policy, nowMs);
        this.#put(change);
        changes.push(change);
        now = change.alarm;
      }
    }
    return changes;
  }

  async nextDueMs(): Promise<number | undefined> {
    this.#check();
    const dues = [...this.alarms.values()].map(nextDueMs).filter((ms) => ms !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  async list(query: AlarmQuery): Promise<readonly Alarm[]> {
    this.#check();
    const { patientId, wardIds, open, priorities, unacknowledged, ownerId, after } = query;
    const place = (alarm: Alarm) => placeInWorklist(alarm);
    const compare = query.order === 'worklist' ? compareInWorklist : compareByAge;
    return [...this.alarms.values()]
      .filter(
        (alarm) =>
          (patientId === undefined || alarm.patientId === patientId) &&
          (wardIds === undefined || wardIds.includes(this.#wardOf(alarm))) &&
          (open === undefined || (alarm.state === 'active') === open) &&
          (priorities === undefined || priorities.includes(alarm.priority)) &&
          (unacknowledged === undefined || (alarm.acknowledgedAtMs === undefined) === unacknowledged) &&
          (ownerId === undefined || alarm.ownerId === ownerId) &&
          (query.fromMs === undefined || alarm.raisedAtMs >= query.fromMs) &&
          (query.toMs === undefined || alarm.raisedAtMs < query.toMs) &&
          (after === undefined || compare(after, place(alarm)) < 0),
      )
      .sort((a, b) => compare(place(a), place(b)))
      .slice(0, query.limit);
  }

  async history(id: AlarmId): Promise<readonly AlarmHistoryEntry[]> {
    this.#check();
    return (this.#history.get(id) ?? []).slice(-HISTORY_MAX);
  }

  async notes(id: AlarmId): Promise<readonly AlarmNote[]> {
    this.#check();
    return this.#notes.get(id) ?? [];
  }

  #wardOf(alarm: Alarm): WardId {
    return this.places.get(alarm.patientId)?.wardId ?? alarm.wardId ?? UNPLACED_WARD;
  }

  async find(id: AlarmId): Promise<Alarm | undefined> {
    this.#check();
    return this.alarms.get(id);
  }

  async fanOut(
    routes: (change: AlarmChange) => readonly { readonly channel: string; readonly recipient: string }[],
    nowMs: number,
  ): Promise<number> {
    this.#check();
    let made = 0;
    for (; this.#fannedOut < this.events.length; this.#fannedOut++) {
      const change = this.events[this.#fannedOut];
      if (change === undefined) continue;
      for (const { channel, recipient } of routes(change)) {
        const deliveryId = `delivery-${this.#deliveries.length}`;
        const times = { nextAtMs: nowMs, leasedUntilMs: 0, updatedAtMs: nowMs };
        this.#deliveries.push({ deliveryId, change, channel, recipient, state: 'pending', attempts: 0, ...times });
        made++;
      }
    }
    return made;
  }

  async take(request: Parameters<Outbox['take']>[0]): Promise<readonly Delivery[]> {
    this.#check();
    const due = this.#deliveries
      .filter(
        (each) => each.state === 'pending' && each.nextAtMs <= request.nowMs && each.leasedUntilMs <= request.nowMs,
      )
      .slice(0, request.limit);
    for (const each of due) {
      each.leasedUntilMs = request.leaseUntilMs;
      each.attempts++;
    }
    return due.map(({ deliveryId, change, channel, recipient, attempts }) => ({
      deliveryId,
      change,
      channel,
      recipient,
      attempt: attempts,
    }));
  }

  async record(result: Parameters<Outbox['record']>[0]): Promise<void> {
    this.#check();
    const delivery = this.#deliveries.find((each) => each.deliveryId === result.deliveryId);
    if (delivery === undefined) throw new Error('no such delivery');
    // An attempt whose lease ran out must not undo what a later one does; but delivered is delivered.
    if (delivery.state !== 'pending' || (delivery.attempts !== result.attempt && result.outcome !== 'delivered'))
      return;
    delivery.state = result.outcome === 'retry' ? 'pending' : result.outcome;
    delivery.lastDetail = result.detail;
    delivery.updatedAtMs = result.atMs;
    delivery.nextAtMs = result.nextAtMs ?? result.atMs;
    delivery.leasedUntilMs = 0;
  }

  async deliveries(alarmId: string): Promise<readonly DeliveryRecord[]> {
    return this.#deliveries
      .filter((each) => each.change.alarm.id === alarmId)
      .map(({ deliveryId, channel, recipient, state, attempts, lastDetail, updatedAtMs }) => ({
        deliveryId,
        channel,
        recipient,
        state,
        attempts,
        ...(lastDetail === undefined ? {} : { lastDetail }),
        updatedAtMs,
      }));
  }

  #put(change: AlarmChange): void {
    this.alarms.set(change.alarm.id, change.alarm);
    if (change.kind === 'unchanged') return;
    this.events.push(change);
    const { id } = change.alarm;
    this.#history.set(id, [...(this.#history.get(id) ?? []), historyEntry(change)]);
  }

  #check(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}

function isAfter(position: ConditionTransition['position'], applied: ConditionTransition['position'] | undefined) {
  if (applied === undefined) return true;
  return position.offset > applied.offset || (position.offset === applied.offset && position.step > applied.step);
}
