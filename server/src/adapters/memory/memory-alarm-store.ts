import {
  type Alarm,
  type AlarmChange,
  acknowledgeAlarm,
  type ConditionTransition,
  nextAlarm,
} from '../../domain/alarm.ts';
import type { AlarmId, BedId, PatientId, WardId } from '../../domain/ids.ts';
import type { AcknowledgeOutcome, AlarmStore } from '../../ports/alarm-store.ts';
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
  readonly #applied = new Map<string, ConditionTransition['position']>();
  readonly #deliveries: StoredDelivery[] = [];
  #fannedOut = 0;

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
      const change = nextAlarm(open, transition, this.places.get(patientId) ?? {});
      if (change === undefined) continue;
      if (change.kind === 'raised' && this.alarms.has(change.alarm.id)) throw new Error('an alarm was raised twice');
      this.#put(change);
      changes.push(change);
    }
    return changes;
  }

  async acknowledge(request: {
    readonly id: AlarmId;
    readonly by: string;
    readonly atMs: number;
  }): Promise<AcknowledgeOutcome> {
    this.#check();
    const alarm = this.alarms.get(request.id);
    if (alarm === undefined) return { kind: 'not-found' };
    if (alarm.state === 'resolved') return { kind: 'already-resolved', alarm };
    if (alarm.acknowledgedAtMs !== undefined) return { kind: 'already-acknowledged', alarm };
    const change = acknowledgeAlarm(alarm, request.by, request.atMs);
    this.#put(change);
    return { kind: 'acknowledged', change };
  }

  async list(query: Parameters<AlarmStore['list']>[0]): Promise<readonly Alarm[]> {
    this.#check();
    return [...this.alarms.values()]
      .filter(
        (alarm) =>
          (query.patientId === undefined || alarm.patientId === query.patientId) &&
          (query.wardIds === undefined || (alarm.wardId !== undefined && query.wardIds.includes(alarm.wardId))) &&
          (query.open === undefined || (alarm.state === 'active') === query.open) &&
          (query.fromMs === undefined || alarm.raisedAtMs >= query.fromMs) &&
          (query.toMs === undefined || alarm.raisedAtMs < query.toMs),
      )
      .sort((a, b) => b.raisedAtMs - a.raisedAtMs || (a.id < b.id ? 1 : -1))
      .slice(0, query.limit);
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
    if (change.kind !== 'unchanged') this.events.push(change);
  }

  #check(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}

function isAfter(position: ConditionTransition['position'], applied: ConditionTransition['position'] | undefined) {
  if (applied === undefined) return true;
  return position.offset > applied.offset || (position.offset === applied.offset && position.step > applied.step);
}
