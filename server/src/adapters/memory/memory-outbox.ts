import type { Alarm, AlarmChange, Priority } from '../../domain/alarm.ts';
import type { AlarmId, UserId } from '../../domain/ids.ts';
import { rankOf } from '../../domain/notification-worth.ts';
import { calls, type OtherPage, TAKEN_GRACE_MS } from '../../domain/told-together.ts';
import type { Failure } from '../../ports/failure.ts';
import type {
  Delivery,
  DeliveryOrder,
  DeliveryRecord,
  DeliveryResult,
  EarlierDeliveries,
  LatelyTold,
  Outbox,
} from '../../ports/outbox.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';

type Subject =
  | { readonly kind: 'alarm'; readonly id: AlarmId; readonly change?: AlarmChange }
  | { readonly kind: 'system'; readonly alarm: SystemAlarm }
  | { readonly kind: 'summary'; readonly count: number };

interface Stored extends Omit<Delivery, 'about' | 'attempt'> {
  readonly subject: Subject;
  readonly dedupeKey?: string;
  state: DeliveryRecord['state'];
  attempts: number;
  nextAtMs: number;
  leasedUntilMs: number;
  updatedAtMs: number;
  lastDetail?: string;
  deliveredAtMs?: number;
  receipt?: string;
  receiptState?: NonNullable<DeliveryRecord['receiptState']>;
  receiptAtMs?: number;
  summary?: Stored;
  toldWith?: Stored;
}

interface AlarmSource {
  readonly alarms: ReadonlyMap<AlarmId, Alarm>;
  /** Every change ever written, in order. */
  readonly events: readonly AlarmChange[];
}

/** The outbox while the process lives, over alarms and changes that are somebody else's. */
export class MemoryOutbox implements Outbox {
  /** Set it, and everything is refused with it: a database that is away. */
  refusal: Failure | undefined;
  readonly #alarms: AlarmSource;
  readonly #deliveries: Stored[] = [];
  #fannedOut = 0;

  constructor(alarms: AlarmSource) {
    this.#alarms = alarms;
  }

  async fanOut(plan: Parameters<Outbox['fanOut']>[0], nowMs: number): Promise<number> {
    this.#check();
    const changes = this.#alarms.events.slice(this.#fannedOut);
    if (changes.length === 0) return 0;
    const plans = await plan(changes);
    this.#fannedOut += changes.length;
    let made = 0;
    for (const [index, change] of changes.entries()) {
      const { event, recipients, followUpOn } = plans[index] ?? { recipients: [], followUpOn: [] };
      if (event === undefined) continue;
      const subject = { kind: 'alarm', id: change.alarm.id, change } as const;
      const told = new Set<string>();
      const tell = (to: { channel: string; recipient: string; userId?: UserId }, isFollowUp: boolean) => {
        if (told.has(`${to.channel}\n${to.recipient}`)) return;
        told.add(`${to.channel}\n${to.recipient}`);
        this.#add({ ...to, event, isFollowUp, insists: false, subject, priority: change.alarm.priority }, nowMs);
        made++;
      };
      const before = this.#deliveries.filter(
        (each) =>
          each.subject.kind === 'alarm' && each.subject.id === change.alarm.id && followUpOn.includes(each.channel),
      );
      for (const recipient of recipients) tell(recipient, false);
      for (const { channel, recipient, userId, state } of before)
        if (state === 'pending' || state === 'delivered')
          tell({ channel, recipient, ...(userId === undefined ? {} : { userId }) }, true);
    }
    const ids = new Set(changes.map(({ alarm }) => alarm.id));
    const isOf = (each: Stored) => each.subject.kind === 'alarm' && ids.has(each.subject.id);
    this.#tellApart((held, told) => isOf(held) || isOf(told), nowMs);
    return made;
  }

  async enqueue(orders: readonly DeliveryOrder[], nowMs: number): Promise<number> {
    this.#check();
    let made = 0;
    for (const { alarmId, insists = false, ...order } of orders) {
      const alarm = this.#alarms.alarms.get(alarmId);
      if (alarm === undefined || this.#knows(order.dedupeKey)) continue;
      const { priority } = alarm;
      this.#add({ ...order, insists, priority, isFollowUp: false, subject: { kind: 'alarm', id: alarmId } }, nowMs);
      made++;
    }
    return made;
  }

  async enqueueSystem(...[alarm, recipients, nowMs]: Parameters<Outbox['enqueueSystem']>): Promise<number> {
    this.#check();
    let made = 0;
    for (const to of recipients) {
      const dedupeKey = `system:${alarm.id}:${alarm.raisedAtMs}:${to.channel}:${to.recipient}`;
      if (this.#knows(dedupeKey)) continue;
      const { priority } = alarm;
      this.#add(
        {
          ...to,
          event: 'raised',
          priority,
          isFollowUp: false,
          insists: true,
          dedupeKey,
          subject: { kind: 'system', alarm },
        },
        nowMs,
      );
      made++;
    }
    return made;
  }

  async take(request: Parameters<Outbox['take']>[0]): Promise<readonly Delivery[]> {
    this.#check();
    const { nowMs, leaseUntilMs, limit, togetherMs = 0 } = request;
    const due = this.#deliveries
      .filter((each) => each.state === 'pending' && each.nextAtMs <= nowMs && each.leasedUntilMs <= nowMs)
      .sort((a, b) => rankOf(a.priority) - rankOf(b.priority) || a.nextAtMs - b.nextAtMs)
      .slice(0, limit);
    const lately = due.map((each) => this.#latelyTold(each, togetherMs, nowMs));
    for (const each of due) {
      each.leasedUntilMs = leaseUntilMs;
      each.attempts++;
    }
    return due.map((each, index) => this.#toDelivery(each, lately[index]));
  }

  async tellWith({ deliveryId, attempt, toldWith, atMs }: Parameters<Outbox['tellWith']>[0]): Promise<boolean> {
    this.#check();
    const told = this.#deliveries.find((each) => each.deliveryId === toldWith);
    const held = this.#deliveries.find((each) => each.deliveryId === deliveryId);
    if (told?.state !== 'delivered' || !this.#callsNow(told)) return false;
    if (held?.state !== 'pending' || held.attempts !== attempt) return false;
    held.state = 'dropped';
    held.attempts--;
    held.lastDetail = 'told-with';
    held.toldWith = told;
    held.updatedAtMs = atMs;
    held.leasedUntilMs = 0;
    return true;
  }

  async record({ deliveryId, attempt, outcome, atMs }: DeliveryResult): Promise<void> {
    this.#check();
    const delivery = this.#deliveries.find((each) => each.deliveryId === deliveryId);
    if (delivery === undefined) return;
    const isCurrent = delivery.attempts === attempt || outcome.kind === 'delivered';
    if (delivery.state !== 'pending' || !isCurrent) return;
    delivery.updatedAtMs = atMs;
    delivery.leasedUntilMs = 0;
    if (outcome.kind === 'delivered') {
      delivery.state = 'delivered';
      delivery.lastDetail = 'delivered';
      delivery.deliveredAtMs = atMs;
      if (outcome.receipt !== undefined) delivery.receipt = outcome.receipt;
      return;
    }
    delivery.lastDetail = outcome.reason;
    if (outcome.kind === 'retry') delivery.nextAtMs = outcome.nextAtMs;
    else if (outcome.kind === 'deferred') {
      delivery.nextAtMs = outcome.untilMs;
      delivery.attempts--;
    } else delivery.state = outcome.kind;
  }

  async summarise(request: Parameters<Outbox['summarise']>[0]): Promise<Delivery | undefined> {
    this.#check();
    const { delivery, events, neverHigh, atLeast, nowMs, leaseUntilMs } = request;
    const waiting = this.#deliveries.filter(
      (each) =>
        each.state === 'pending' &&
        each.channel === delivery.channel &&
        each.recipient === delivery.recipient &&
        !each.isFollowUp &&
        this.#calls(each) &&
        events.includes(each.event) &&
        !(each.priority === 'high' && neverHigh.includes(each.event)) &&
        (each.leasedUntilMs <= nowMs || each.deliveryId === delivery.deliveryId),
    );
    if (waiting.length < atLeast) return undefined;
    const first = waiting[0] as Stored;
    const priority = waiting.map((each) => each.priority).sort((a, b) => rankOf(a) - rankOf(b))[0] as Priority;
    const summary = this.#add(
      {
        channel: delivery.channel,
        recipient: delivery.recipient,
        ...(first.userId === undefined ? {} : { userId: first.userId }),
        event: 'summary',
        priority,
        isFollowUp: false,
        insists: true,
        subject: { kind: 'summary', count: waiting.length },
      },
      nowMs,
    );
    summary.attempts = 1;
    summary.leasedUntilMs = leaseUntilMs;
    for (const each of waiting) {
      each.state = 'dropped';
      each.lastDetail = 'summarised';
      each.updatedAtMs = nowMs;
      each.summary = summary;
    }
    return this.#toDelivery(summary);
  }

  async noteReceipt(receipt: Parameters<Outbox['noteReceipt']>[0]): ReturnType<Outbox['noteReceipt']> {
    this.#check();
    const { channel, state, atMs } = receipt;
    const delivery = this.#deliveries.findLast((each) => each.channel === channel && each.receipt === receipt.receipt);
    if (delivery === undefined) return undefined;
    // Opened is the most that can be said, and a failure reported late does not undo an arrival.
    if (
      delivery.receiptState === 'read' ||
      delivery.receiptState === state ||
      (delivery.receiptState && state === 'failed')
    )
      return { deliveryId: delivery.deliveryId, recipient: delivery.recipient, isNew: false };
    delivery.receiptState = state;
    delivery.receiptAtMs = atMs;
    if (state === 'failed') {
      delivery.state = 'failed';
      delivery.lastDetail = receipt.detail ?? 'failed later';
      delivery.updatedAtMs = atMs;
      this.#tellApart((_, told) => told === delivery, atMs);
    } else if (delivery.state === 'failed') delivery.state = 'delivered';
    return { deliveryId: delivery.deliveryId, recipient: delivery.recipient, isNew: true };
  }

  async latestTo({ channel, recipient }: Parameters<Outbox['latestTo']>[0]): ReturnType<Outbox['latestTo']> {
    this.#check();
    const told = this.#deliveries
      .filter((each) => each.channel === channel && each.recipient === recipient && each.deliveredAtMs !== undefined)
      .sort((a, b) => (b.deliveredAtMs ?? 0) - (a.deliveredAtMs ?? 0));
    const [latest] = told;
    if (latest === undefined) return undefined;
    const { event, deliveredAtMs: atMs = 0, subject } = latest;
    return { event, atMs, ...(subject.kind === 'alarm' ? { alarmId: subject.id } : {}) };
  }

  async wasTold({ alarmId, channel, recipient }: Parameters<Outbox['wasTold']>[0]): Promise<boolean> {
    this.#check();
    return this.#deliveries.some(
      (each) =>
        each.subject.kind === 'alarm' &&
        each.subject.id === alarmId &&
        each.channel === channel &&
        each.attempts > 0 &&
        (recipient === undefined || each.recipient === recipient),
    );
  }

  async deliveries(alarmId: string): Promise<readonly DeliveryRecord[]> {
    this.#check();
    return this.#deliveries
      .filter(({ subject }) => subject.kind === 'alarm' && subject.id === alarmId)
      .map((each) => ({
        deliveryId: each.deliveryId,
        event: each.event,
        channel: each.channel,
        recipient: each.recipient,
        ...(each.userId === undefined ? {} : { userId: each.userId }),
        state: (each.summary ?? each.toldWith ?? each).state,
        attempts: each.attempts,
        ...(each.lastDetail === undefined ? {} : { lastDetail: each.lastDetail }),
        orderedAtMs: each.orderedAtMs,
        updatedAtMs: each.updatedAtMs,
        ...timesOf(each.summary ?? each.toldWith ?? each),
        ...(each.dedupeKey === undefined ? {} : { dedupeKey: each.dedupeKey }),
        ...(each.toldWith?.subject.kind === 'alarm'
          ? { toldWith: { alarmId: each.toldWith.subject.id, atMs: each.toldWith.orderedAtMs } }
          : {}),
      }));
  }

  async traffic(): ReturnType<Outbox['traffic']> {
    this.#check();
    return [...Map.groupBy(this.#deliveries, ({ channel }) => channel)].map(([channel, all]) => {
      const waiting = all.filter(({ state }) => state === 'pending');
      const failed = all.filter(({ state }) => state === 'failed').sort((a, b) => b.updatedAtMs - a.updatedAtMs)[0];
      const delivered = Math.max(...all.map(({ deliveredAtMs = 0 }) => deliveredAtMs));
      return {
        channel,
        waiting: waiting.length,
        ...(waiting.length === 0 ? {} : { oldestWaitingAtMs: Math.min(...waiting.map((each) => each.orderedAtMs)) }),
        ...(delivered === 0 ? {} : { lastDeliveredAtMs: delivered }),
        ...(failed === undefined ? {} : { lastFailedAtMs: failed.updatedAtMs, lastFailure: failed.lastDetail ?? '' }),
      };
    });
  }

  #add(wanted: Omit<Stored, 'deliveryId' | 'orderedAtMs' | StateFields>, nowMs: number): Stored {
    const stored: Stored = {
      ...wanted,
      deliveryId: `delivery-${this.#deliveries.length}`,
      orderedAtMs: nowMs,
      state: 'pending',
      attempts: 0,
      nextAtMs: nowMs,
      leasedUntilMs: 0,
      updatedAtMs: nowMs,
    };
    this.#deliveries.push(stored);
    return stored;
  }

  #toDelivery(stored: Stored, lately: LatelyTold = { others: [] }): Delivery {
    const { deliveryId, event, channel, recipient, userId, priority, attempts, orderedAtMs } = stored;
    return {
      deliveryId,
      event,
      channel,
      recipient,
      ...(userId === undefined ? {} : { userId }),
      priority,
      attempt: attempts,
      orderedAtMs,
      isFollowUp: stored.isFollowUp,
      insists: stored.insists,
      about: this.#aboutOf(stored, lately),
    };
  }

  /** What was told with a page that no longer stands for it is due again: of each alarm and recipient the latest. */
  #tellApart(which: (held: Stored, told: Stored) => boolean, nowMs: number): void {
    const apart = this.#deliveries.filter((held) => {
      const { toldWith } = held;
      if (toldWith === undefined || !which(held, toldWith) || !this.#callsNow(held)) return false;
      const its = this.#alarmOf(toldWith);
      const isUrgent = its !== undefined && rankOf(its.priority) <= rankOf(held.priority);
      return !(toldWith.state === 'delivered' && this.#callsNow(toldWith) && isUrgent);
    });
    const latest = new Map(
      apart.map((held) => [`${this.#alarmOf(held)?.id}\n${held.channel}\n${held.recipient}`, held]),
    );
    for (const held of latest.values()) {
      const isTaken = held.toldWith !== undefined && this.#alarmOf(held.toldWith)?.acknowledgedAtMs !== undefined;
      delete held.toldWith;
      held.state = 'pending';
      held.lastDetail = 'told-apart';
      held.leasedUntilMs = 0;
      held.updatedAtMs = nowMs;
      held.nextAtMs = nowMs + (isTaken ? TAKEN_GRACE_MS : 0);
    }
  }

  #latelyTold(stored: Stored, togetherMs: number, nowMs: number): LatelyTold {
    const own = this.#alarmOf(stored);
    if (own === undefined || stored.userId === undefined || stored.isFollowUp || stored.insists) return { others: [] };
    const index = this.#deliveries.indexOf(stored);
    const others = this.#deliveries.flatMap((each, at): readonly OtherPage[] => {
      const alarm = this.#alarmOf(each);
      const isCandidate =
        (each.state === 'pending' || each.state === 'delivered') &&
        !each.isFollowUp &&
        each.channel === stored.channel &&
        each.recipient === stored.recipient &&
        Math.abs(each.orderedAtMs - stored.orderedAtMs) < togetherMs;
      if (!isCandidate || alarm === undefined || alarm.id === own.id || alarm.patientId !== own.patientId) return [];
      const isBeingSent = each.attempts === 1 && each.leasedUntilMs > nowMs;
      const isUnderWay = each.attempts === 0 || isBeingSent;
      const { deliveryId, event, priority, orderedAtMs, deliveredAtMs } = each;
      const state = each.state === 'delivered' ? 'delivered' : isUnderWay ? 'under-way' : 'in-trouble';
      const arrived = deliveredAtMs === undefined ? {} : { deliveredAtMs };
      const goesFirst = at < index || (isBeingSent && stored.lastDetail === undefined);
      return [{ deliveryId, alarmId: alarm.id, event, priority, orderedAtMs, ...arrived, state, goesFirst, alarm }];
    });
    const taken = [...this.#alarms.alarms.values()].flatMap(({ patientId, acknowledgedAtMs }) =>
      patientId === own.patientId && acknowledgedAtMs !== undefined ? [acknowledgedAtMs] : [],
    );
    return { others, ...(taken.length === 0 ? {} : { takenAtMs: Math.max(...taken) }) };
  }

  #alarmOf({ subject }: Stored): Alarm | undefined {
    return subject.kind === 'alarm' ? this.#alarms.alarms.get(subject.id) : undefined;
  }

  #callsNow(stored: Stored): boolean {
    const alarm = this.#alarmOf(stored);
    return alarm !== undefined && calls(alarm);
  }

  #aboutOf(stored: Stored, lately: LatelyTold): Delivery['about'] {
    const { subject } = stored;
    if (subject.kind !== 'alarm') return subject;
    const alarm = this.#alarms.alarms.get(subject.id) ?? subject.change?.alarm;
    if (alarm === undefined) throw new Error('a delivery about an alarm that never was');
    return {
      kind: 'alarm',
      alarm,
      ...(subject.change === undefined ? {} : { change: subject.change }),
      earlier: this.#earlierThan(stored, subject.id),
      lately,
    };
  }

  #earlierThan(stored: Stored, alarmId: AlarmId): EarlierDeliveries {
    const before = this.#deliveries
      .slice(0, this.#deliveries.indexOf(stored))
      .filter(
        ({ subject, channel, recipient }) =>
          subject.kind === 'alarm' &&
          subject.id === alarmId &&
          channel === stored.channel &&
          recipient === stored.recipient,
      );
    const told = before.filter(({ state }) => state === 'delivered');
    const receipt = told
      .sort((a, b) => (a.deliveredAtMs ?? 0) - (b.deliveredAtMs ?? 0))
      .findLast((each) => each.receipt !== undefined)?.receipt;
    const calls = before.filter(
      ({ state, isFollowUp }) => !isFollowUp && (state === 'delivered' || state === 'pending'),
    );
    return {
      ...(calls.length === 0 ? {} : { latestOrderedAtMs: Math.max(...calls.map(({ orderedAtMs }) => orderedAtMs)) }),
      wasDelivered: told.length > 0,
      isPending: before.some(({ state }) => state === 'pending'),
      wasToldOfRaising: told.some(({ event }) => event === 'raised'),
      ...(receipt === undefined ? {} : { receipt }),
    };
  }

  /** Its alarm is open, and nobody has it. */
  #calls({ subject }: Stored): boolean {
    const alarm = subject.kind === 'alarm' ? this.#alarms.alarms.get(subject.id) : undefined;
    return alarm?.state === 'active' && alarm.acknowledgedAtMs === undefined;
  }

  #knows(dedupeKey: string): boolean {
    return this.#deliveries.some((each) => each.dedupeKey === dedupeKey);
  }

  #check(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}

type StateFields = 'state' | 'attempts' | 'nextAtMs' | 'leasedUntilMs' | 'updatedAtMs';

function timesOf({ deliveredAtMs, receipt, receiptState, receiptAtMs }: Stored) {
  return {
    ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(receiptState === undefined ? {} : { receiptState }),
    ...(receiptAtMs === undefined ? {} : { receiptAtMs }),
  };
}
