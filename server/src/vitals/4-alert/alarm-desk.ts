import { type Alarm, type AlarmChange, type ConditionTransition, nextAlarm } from '../../domain/alarm.ts';
import type { AlarmId, BedId, PatientId, WardId } from '../../domain/ids.ts';
import {
  type AcknowledgeOutcome,
  type ActOutcome,
  type ActRequest,
  type AlarmStore,
  acknowledgeOutcome,
  type ManyOutcome,
} from '../../ports/alarm-store.ts';
import { Failure } from '../../ports/failure.ts';
import { difference, looksSame } from './alarm-difference.ts';

/**
 * Where alarms ring. A transition rings in memory and on every wall at once, also while the database is away, and is then
 * stored, in order, for as long as it takes. Where the store decides otherwise (someone acknowledged through another
 * process, a replay it has seen) the store is right, and what was rung is corrected.
 */
export interface AlarmDesk {
  /** Never fails and never waits; `room` says when to pause. */
  take(transitions: readonly ConditionTransition[], receivedAtMs?: number): void;
  /** Resolves once there is room for more: the back-pressure of a database that is away for long. */
  room(): Promise<void>;
  /** Resolves once everything taken until now is stored. */
  settled(): Promise<void>;
  /** Until then (the replay after a start) a transition rings only when the store says that it is new. */
  goLive(): void;
  /** The open alarms, as rung. */
  open(): readonly Alarm[];
  find(id: AlarmId): Alarm | undefined;
  /** Calls back at each change, in the same tick. Returns the way to stop. */
  onChange(callback: (change: AlarmChange) => void): () => void;
  /** Calls back when something new to be told may be in the outbox. */
  onStored(callback: () => void): () => void;
  /** What a person does. Rejects with `Failure` where it cannot be stored: an acknowledgement that could be lost is none. */
  act(request: Omit<ActRequest, 'atMs'>): Promise<ActOutcome>;
  acknowledge(request: Omit<ActRequest, 'act' | 'atMs'>): Promise<AcknowledgeOutcome>;
  acknowledgeMany(
    request: Omit<ActRequest, 'id' | 'act' | 'atMs'> & { readonly ids: readonly AlarmId[] },
  ): Promise<readonly ManyOutcome[]>;
  /** What the store has done by itself, in the order in which it did: time has passed. */
  adopt(changes: readonly AlarmChange[]): void;
  /**
   * This alarm was changed, perhaps by another process; tried until it could be read. Not read where it is known as of
   * that revision already, as after every change of our own; without one, it is read in any case.
   */
  refresh(id: AlarmId, revision?: number): Promise<void>;
  /** Transitions rung but not yet stored. */
  unstored(): number;
  /** Gives up after `deadlineMs`; answers how many transitions were left (the log replays them). */
  stop(deadlineMs: number): Promise<number>;
}

export interface AlarmDeskHooks {
  change?(change: AlarmChange): void;
  receiptToStreamMs?(ms: number): void;
  storedMs?(ms: number): void;
  /** The store is away; it is tried again. */
  onRetry?(error: unknown, attempt: number): void;
  /** The store refuses this transition for good: it rings, but is not stored. */
  onRejected?(error: unknown, transition: ConditionTransition): void;
  /** A subscriber threw. */
  onSubscriberFailed?(error: unknown): void;
}

export interface AlarmDeskDependencies {
  readonly store: AlarmStore;
  readonly placeOf: (patientId: PatientId) => { readonly wardId?: WardId; readonly bedId?: BedId };
  /** ms since 1970. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly hooks?: AlarmDeskHooks;
  readonly settings?: Partial<AlarmDeskSettings>;
}

export interface AlarmDeskSettings {
  /** Transitions in one transaction: some 10 ms of work in PostgreSQL. */
  readonly chunkMax: number;
  /** Between two transactions, unless somebody waits for the second: so that many alarms are stored in few of them. */
  readonly restMs: number;
  /** Transitions waiting for the store before readings wait too: two for each of 10,000 patients, about 20 MB. */
  readonly unstoredMax: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** How long an acknowledgement waits for its alarm to be stored first. */
  readonly acknowledgeWaitMs: number;
}

const DEFAULTS: AlarmDeskSettings = {
  chunkMax: 200,
  restMs: 100,
  unstoredMax: 20_000,
  retryFirstMs: 100,
  retryMaxMs: 5_000,
  acknowledgeWaitMs: 3_000,
};

/** One per patient and rule can be open; a hundred thousand is ten times what 10,000 patients ever had. */
const OPEN_MAX = 100_000;
/** Answers of the store that are still under way when an alarm is resolved are a handful. */
const CLOSED_MAX = 10_000;

interface Waiting {
  readonly transition: ConditionTransition;
  readonly takenMs: number;
}

export async function openAlarmDesk(dependencies: AlarmDeskDependencies): Promise<AlarmDesk> {
  const { store, placeOf, now, monotonicMs, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const alarms = new Map<string, Alarm>();
  const byId = new Map<AlarmId, Alarm>();
  /** Resolved of late, with their revision: an older answer of the store must not bring them back. */
  const closed = new Map<AlarmId, number>();
  /** Open, and refused by the store for good: these ring although it does not know them. */
  const refused = new Set<AlarmId>();
  const changeSubscribers = new Set<(change: AlarmChange) => void>();
  const storedSubscribers = new Set<() => void>();
  const waiters: { readonly until: number; resolve(): void }[] = [];
  const roomWaiters: (() => void)[] = [];
  let waiting: Waiting[] = [];
  /** The same by patient and rule. */
  const waitingOf = new Map<string, ConditionTransition[]>();
  let takenCount = 0;
  let storedCount = 0;
  let isLive = false;
  let isStopped = false;
  /** Asked for, and not begun yet. */
  const refreshes = new Map<AlarmId, { revision: number; readonly done: Promise<void> }>();
  let refreshing: Promise<void> = Promise.resolve();
  let isPumping = false;
  let pumping: Promise<void> | undefined;
  let endPause: () => void = () => {};
  let restsUntilMs = Number.NEGATIVE_INFINITY;
  let isResting = false;
  /** Somebody waits until all is stored. */
  let isAwaited = false;

  for (const alarm of await store.list({ open: true, limit: OPEN_MAX })) remember(alarm);

  function take(transitions: readonly ConditionTransition[], receivedAtMs?: number): void {
    if (transitions.length === 0) return;
    const takenMs = monotonicMs();
    for (const transition of transitions) {
      waiting.push({ transition, takenMs });
      takenCount++;
      const key = keyOf(transition);
      const ofKey = waitingOf.get(key);
      if (ofKey === undefined) waitingOf.set(key, [transition]);
      else ofKey.push(transition);
      if (isLive) ring(transition, receivedAtMs);
    }
    if (isResting && waiting.length >= settings.chunkMax) endPause();
    if (isPumping) return;
    isPumping = true;
    pumping = pump();
  }

  function ring(transition: ConditionTransition, receivedAtMs: number | undefined): void {
    const open = alarms.get(keyOf(transition));
    const change = nextAlarm(open, transition, placeOf(transition.patientId));
    if (change === undefined) return;
    remember(change.alarm);
    publish(change);
    if (change.kind === 'raised' && receivedAtMs !== undefined) hooks.receiptToStreamMs?.(now() - receivedAtMs);
  }

  function remember(alarm: Alarm): void {
    const key = keyOf(alarm);
    const before = alarms.get(key);
    if (before !== undefined) byId.delete(before.id);
    if (before !== undefined && (before.id !== alarm.id || alarm.state === 'resolved')) refused.delete(before.id);
    if (alarm.state === 'resolved') {
      alarms.delete(key);
      closed.set(alarm.id, alarm.revision);
      const [oldest] = closed.size > CLOSED_MAX ? closed.keys() : [];
      if (oldest !== undefined) closed.delete(oldest);
      return;
    }
    alarms.set(key, alarm);
    byId.set(alarm.id, alarm);
  }

  function publish(change: AlarmChange): void {
    if (change.kind === 'unchanged') return;
    hooks.change?.(change);
    for (const subscriber of changeSubscribers) guarded(() => subscriber(change));
  }

  function guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      // One broken wall must not keep an alarm from the others, nor from the store.
      hooks.onSubscriberFailed?.(error);
    }
  }

  async function pump(): Promise<void> {
    // Everything taken in this turn goes into one transaction.
    await Promise.resolve();
    for (let attempt = 1; waiting.length > 0 && !isStopped; ) {
      await rest();
      const chunk = waiting.slice(0, settings.chunkMax);
      try {
        await applyChunk(chunk);
        attempt = 1;
      } catch (error) {
        hooks.onRetry?.(error, attempt);
        if (isStopped) break;
        await pause(retryPauseMs(attempt));
        attempt++;
      }
    }
    isPumping = false;
  }

  async function rest(): Promise<void> {
    const ms = restsUntilMs - monotonicMs();
    if (ms <= 0 || isAwaited || waiting.length >= settings.chunkMax) return;
    isResting = true;
    await pause(ms);
    isResting = false;
  }

  async function applyChunk(chunk: readonly Waiting[]): Promise<void> {
    try {
      await done(chunk, await store.apply(chunk.map(({ transition }) => transition)));
    } catch (error) {
      if (!(error instanceof Failure) || error.retryable) throw error;
      // The store answered no. One bad transition must not hold up every other alarm: find it.
      if (chunk.length > 1) return applyChunk(chunk.slice(0, Math.ceil(chunk.length / 2)));
      const [rejected] = chunk;
      if (rejected !== undefined) {
        const rung = alarms.get(keyOf(rejected.transition));
        if (rung !== undefined) refused.add(rung.id);
        hooks.onRejected?.(error, rejected.transition);
      }
      await done(chunk, []);
    }
  }

  async function done(chunk: readonly Waiting[], changes: readonly AlarmChange[]): Promise<void> {
    waiting = waiting.slice(chunk.length);
    storedCount += chunk.length;
    const nowMs = monotonicMs();
    restsUntilMs = nowMs + settings.restMs;
    isAwaited &&= waiting.length > 0;
    for (const { transition, takenMs } of chunk) {
      hooks.storedMs?.(nowMs - takenMs);
      const key = keyOf(transition);
      const ofKey = waitingOf.get(key);
      ofKey?.shift();
      if (ofKey?.length === 0) waitingOf.delete(key);
    }
    if (isLive) correct(chunk, changes);
    else for (const change of changes) if (change.kind !== 'unchanged') accept(change.alarm, change);
    if (changes.length > 0) for (const subscriber of storedSubscribers) guarded(subscriber);
    while (waiters[0] !== undefined && waiters[0].until <= storedCount) waiters.shift()?.resolve();
    if (waiting.length < settings.unstoredMax) for (const resolve of roomWaiters.splice(0)) resolve();
  }

  /** The store's word on what was rung. What still waits to be stored is played again on top of it. */
  function correct(chunk: readonly Waiting[], changes: readonly AlarmChange[]): void {
    const last = new Map(changes.map((change) => [keyOf(change.alarm), change]));
    for (const key of new Set(chunk.map(({ transition }) => keyOf(transition)))) {
      const change = last.get(key);
      if (change !== undefined) accept(change.alarm, change);
      else {
        // Nothing was stored for it: the store had seen it, or refused it. What it holds is asked for.
        const rung = alarms.get(key);
        if (rung !== undefined) readAgain(rung.id);
      }
    }
  }

  /** Makes memory agree with what the store holds, and tells the walls if that is news to them. */
  function accept(stored: Alarm, change: AlarmChange | undefined): void {
    const key = keyOf(stored);
    const rung = alarms.get(key);
    // An answer that was overtaken by a newer one.
    if (stored.revision < ((rung?.id === stored.id ? rung.revision : closed.get(stored.id)) ?? 0)) return;
    if (rung !== undefined && rung.id !== stored.id) {
      // An old alarm of the rule, resolved while a newer one rings, is not news.
      if (stored.state === 'resolved') return;
      withdraw(rung);
    }
    const after = waitingOf.get(key) ?? [];
    let alarm: Alarm | undefined = stored;
    for (const transition of after) {
      const open: Alarm | undefined = alarm?.state === 'active' ? alarm : undefined;
      alarm = nextAlarm(open, transition, placeOf(transition.patientId))?.alarm ?? open;
    }
    if (alarm === undefined) return;
    const isNews = rung === undefined ? alarm.state === 'active' || !isLive : !looksSame(rung, alarm);
    remember(alarm);
    if (!isNews) return;
    const isKnown = change !== undefined && change.kind !== 'unchanged' && (rung === undefined || after.length === 0);
    if (isKnown) publish({ ...change, alarm });
    else publish(rung === undefined ? { kind: 'raised', alarm, atMs: now() } : difference(rung, alarm, now()));
  }

  function withdraw(rung: Alarm): void {
    const over: Alarm = { ...rung, state: 'resolved', resolvedAtMs: now() };
    remember(over);
    publish({ kind: 'resolved', alarm: over, atMs: now() });
  }

  /** One at a time: ten thousand notices at once must not become ten thousand queries at once. */
  function refresh(id: AlarmId, revision = Number.POSITIVE_INFINITY): Promise<void> {
    const queued = refreshes.get(id);
    if (queued !== undefined) {
      queued.revision = Math.max(queued.revision, revision);
      return queued.done;
    }
    const run = async () => {
      const wanted = refreshes.get(id)?.revision ?? revision;
      refreshes.delete(id);
      if ((byId.get(id)?.revision ?? closed.get(id) ?? -1) < wanted) await refreshNow(id);
    };
    const turn = () => {
      const read = refreshing.then(run, run);
      refreshing = read;
      return read;
    };
    // The answer to what is on its way may say it already, or be older than what there is to read. Nobody else waits for it.
    const done = isOnItsWay(id) ? stored().then(turn) : turn();
    refreshes.set(id, { revision, done });
    return done;
  }

  function readAgain(id: AlarmId): void {
    refresh(id).catch((error: unknown) => hooks.onRetry?.(error, 1));
  }

  function isOnItsWay(id: AlarmId): boolean {
    const rung = byId.get(id);
    return rung !== undefined && waitingOf.has(keyOf(rung));
  }

  async function refreshNow(id: AlarmId): Promise<void> {
    const alarm = await reread(() => store.find(id));
    if (alarm === undefined) return unknownToStore(id);
    // Whether the answer to what was taken meanwhile is newer than this or older, nobody knows: read again after it.
    if (waitingOf.has(keyOf(alarm))) void stored().then(() => readAgain(id));
    else if (alarm.state === 'active' || byId.has(id)) accept(alarm, undefined);
  }

  /**
   * Rung here, and the store never made it: it had seen what waited here, and we played that on top of what was done since
   * (ended and began again, on an acknowledgement that came after both). What it holds open of that rule is right.
   */
  async function unknownToStore(id: AlarmId): Promise<void> {
    const { patientId, rule } = byId.get(id) ?? {};
    if (patientId === undefined || refused.has(id)) return;
    const open = await reread(() => store.list({ patientId, open: true, limit: OPEN_MAX }));
    const rung = byId.get(id);
    if (rung === undefined) return;
    const held = open.find((each) => each.rule === rule);
    if (isOnItsWay(id)) readAgain(id);
    else if (held !== undefined) accept(held, undefined);
    else withdraw(rung);
  }

  /** Until it could be read: a notice that was not followed leaves the wall wrong for ever. The others wait behind it. */
  async function reread<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (isStopped || !(error instanceof Failure && error.retryable)) throw error;
        hooks.onRetry?.(error, attempt);
        await sleep(retryPauseMs(attempt), isStopped);
      }
    }
  }

  const retryPauseMs = (attempt: number) => Math.min(settings.retryFirstMs * 2 ** (attempt - 1), settings.retryMaxMs);

  async function act(request: Omit<ActRequest, 'atMs'>): Promise<ActOutcome> {
    await storedFirst([request.id]);
    const outcome = await store.act({ ...request, atMs: now() });
    if (outcome.kind === 'done') adopt([outcome.change]);
    else if (outcome.kind === 'refused') accept(outcome.alarm, undefined);
    return outcome;
  }

  async function acknowledgeMany(
    request: Parameters<AlarmDesk['acknowledgeMany']>[0],
  ): Promise<readonly ManyOutcome[]> {
    await storedFirst(request.ids);
    const outcomes = await store.acknowledgeMany({ ...request, atMs: now() });
    adopt(outcomes.flatMap((outcome) => (outcome.kind === 'acknowledged' ? outcome.change : [])));
    for (const outcome of outcomes) if ('alarm' in outcome) accept(outcome.alarm, undefined);
    return outcomes;
  }

  /** An alarm that rings and is not stored yet cannot be found there: a moment of patience. */
  async function storedFirst(ids: readonly AlarmId[]): Promise<void> {
    if (waiting.length > 0 && ids.some((id) => byId.has(id)))
      await Promise.race([settled(), sleep(settings.acknowledgeWaitMs, isStopped)]);
  }

  function adopt(changes: readonly AlarmChange[]): void {
    for (const change of changes) accept(change.alarm, change);
    if (changes.length > 0) for (const subscriber of storedSubscribers) guarded(subscriber);
  }

  function settled(): Promise<void> {
    if (storedCount >= takenCount) return Promise.resolve();
    isAwaited = true;
    if (isResting) endPause();
    return stored();
  }

  /** The same for who is in no hurry. */
  function stored(): Promise<void> {
    if (storedCount >= takenCount) return Promise.resolve();
    return new Promise((resolve) => waiters.push({ until: takenCount, resolve }));
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    take,
    room: () =>
      waiting.length < settings.unstoredMax
        ? Promise.resolve()
        : new Promise((resolve) => roomWaiters.push(() => resolve())),
    settled,
    goLive: () => {
      isLive = true;
    },
    open: () => [...alarms.values()],
    find: (id) => byId.get(id),
    onChange: (callback) => subscribe(changeSubscribers, callback),
    onStored: (callback) => subscribe(storedSubscribers, callback),
    act,
    acknowledge: async (request) => acknowledgeOutcome(await act({ ...request, act: { kind: 'acknowledge' } })),
    acknowledgeMany,
    adopt,
    refresh,
    unstored: () => waiting.length,
    async stop(deadlineMs) {
      await Promise.race([settled(), sleep(deadlineMs, false)]);
      isStopped = true;
      endPause();
      await pumping;
      return waiting.length;
    },
  };
}

function keyOf({ patientId, rule }: { readonly patientId: PatientId; readonly rule: string }): string {
  return `${patientId}\n${rule}`;
}

function subscribe<T>(subscribers: Set<T>, callback: T): () => void {
  subscribers.add(callback);
  return () => subscribers.delete(callback);
}

function sleep(ms: number, isPointless: boolean): Promise<void> {
  return isPointless ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms).unref());
}
