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

/** Alarms while the process lives: for tests of what stands around them. Their outbox is `memory-outbox.ts`. */
export class MemoryAlarmStore implements AlarmStore {
  readonly alarms = new Map<AlarmId, Alarm>();
  readonly places = new Map<PatientId, { readonly wardId?: WardId; readonly bedId?: BedId }>();
  /** Set it, and everything is refused with it: a database that is away. */
  refusal: Failure | undefined;
  /** Every change worth telling, in order: what the outbox fans out. */
  readonly events: AlarmChange[] = [];
  readonly #policy: AlarmPolicy;
  readonly #now: () => number;
  readonly #inTransaction: (changes: readonly AlarmChange[]) => void;
  readonly #applied = new Map<string, Applied>();
  readonly #history = new Map<AlarmId, AlarmHistoryEntry[]>();
  readonly #notes = new Map<AlarmId, AlarmNote[]>();

  constructor(
    options: {
      readonly policy?: AlarmPolicy;
      readonly now?: () => number;
      /** What else belongs to changes, without `unchanged`: called with them, and done when it returns. */
      readonly inTransaction?: (changes: readonly AlarmChange[]) => void;
    } = {},
  ) {
    this.#policy = options.policy ?? ALARM_POLICY;
    this.#now = options.now ?? Date.now;
    this.#inTransaction = options.inTransaction ?? (() => {});
  }

  async apply(transitions: readonly ConditionTransition[]): Promise<readonly AlarmChange[]> {
    this.#check();
    const changes: AlarmChange[] = [];
    for (const transition of transitions) {
      const { patientId, rule, position } = transition;
      const key = `${patientId}\n${rule}`;
      const applied = this.#applied.get(key);
      if (applied !== undefined && !isNew(applied, transition)) continue;
      this.#applied.set(key, { ...position, atMs: Math.max(transition.atMs, applied?.atMs ?? 0) });
      const open = [...this.alarms.values()].find(
        (alarm) => alarm.patientId === patientId && alarm.rule === rule && alarm.state === 'active',
      );
      const decided = nextAlarm(open, transition, this.places.get(patientId) ?? {});
      if (decided === undefined) continue;
      const change = scheduled(decided, open, this.#policy, this.#now());
      // The same reading cannot begin two alarms of a rule.
      if (change.kind === 'raised' && this.alarms.has(change.alarm.id)) continue;
      this.#put(change);
      changes.push(change);
    }
    this.#commit(changes);
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
    this.#commit([change]);
    if (!('note' in act) || act.note === undefined) return { kind: 'done', change };
    const notes = this.#notes.get(id) ?? [];
    const author = { author: by, ...(byId === undefined ? {} : { authorId: byId }) };
    const noteId = String(notes.length + 1);
    this.#notes.set(id, [...notes, { id: noteId, atMs, ...author, text: act.note }]);
    return { kind: 'done', change, noteId };
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
    this.#commit(changes);
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
          (wardIds === undefined ||
            wardIds.includes(this.#wardOf(alarm)) ||
            query.besides?.includes(alarm.patientId) === true) &&
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

  #put(change: AlarmChange): void {
    this.alarms.set(change.alarm.id, change.alarm);
    if (change.kind === 'unchanged') return;
    this.events.push(change);
    const { id } = change.alarm;
    this.#history.set(id, [...(this.#history.get(id) ?? []), historyEntry(change)]);
  }

  #commit(changes: readonly AlarmChange[]): void {
    const told = changes.filter(({ kind }) => kind !== 'unchanged');
    if (told.length > 0) this.#inTransaction(told);
  }

  #check(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }
}

/** What was applied last to one patient and rule, and the latest event time among all that was. */
type Applied = ConditionTransition['position'] & { readonly atMs: number };

/** As in PostgreSQL: a log that began anew brings lower positions, but of later times. */
function isNew(applied: Applied, { position, atMs }: ConditionTransition): boolean {
  if (position.partition !== applied.partition || position.offset < applied.offset) return atMs > applied.atMs;
  return position.offset > applied.offset || position.step > applied.step;
}
