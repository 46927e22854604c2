import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConditionTransition } from '../../domain/alarm.ts';
import { judgeReading } from '../../domain/assess.ts';
import { adopt, judgeAgain } from '../../domain/assess-again.ts';
import { judgeSilence } from '../../domain/assess-silence.ts';
import type { AssessState } from '../../domain/assess-state.ts';
import type { AlarmId, PatientId } from '../../domain/ids.ts';
import type { PatientStatus } from '../../domain/patient-status.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import {
  type LogBatch,
  type LoggedReading,
  type LogPositions,
  partitionOf,
  type ReadingLog,
} from '../../ports/reading-log.ts';
import type { RegistrySnapshot } from '../../ports/registry.ts';
import type { AlarmDesk } from '../4-alert/alarm-desk.ts';
import { alarmIdOf } from './alarm-id.ts';
import { type CheckpointWriter, checkpointWriter } from './checkpoint-writer.ts';
import { type PatientRules, patientRules } from './patient-rules.ts';
import { type Partition, readStates, stateOf } from './patients.ts';

/**
 * Judges every reading of the log and every silence, and hands what begins and ends to the alarm desk. Holds all patients
 * in memory; after a start it loads the checkpoints and replays what came after them, which names the same alarms again.
 */
export interface Assessor {
  statusOf(patientId: PatientId): PatientStatus | undefined;
  /** Calls back with the patients whose status changed, once per batch. Returns the way to stop. */
  onTouched(callback: (patientIds: readonly PatientId[]) => void): () => void;
  /** Call it whenever the registry was reread: who is judged by other rules now is judged again. */
  rulesChanged(snapshot: RegistrySnapshot): void;
  /** Readings that are durable but not judged. */
  lag(): number;
  /** False while readings from before the start are replayed; silence is not judged until then. */
  isCaughtUp(): boolean;
  /** Finishes the batch in flight and saves every checkpoint. Stop the desk after it. */
  stop(): Promise<void>;
}

export interface AssessorHooks {
  batch?(done: { readonly ms: number; readonly readings: number }): void;
  receiptToJudgementMs?(ms: number): void;
  /** A reading could not be judged: a defect. It is left out, so that no other patient waits for it. */
  onJudgementFailed?(error: unknown): void;
  onRetry?(error: unknown, attempt: number): void;
  onCheckpointFailed?(error: unknown): void;
  /** The checkpoint cannot be used (another version, or of a log that was replaced): the log is replayed instead. */
  onCheckpointIgnored?(partition: number, reason: 'version' | 'log-began-anew'): void;
}

export interface AssessorDependencies {
  readonly log: ReadingLog;
  readonly checkpoints: Checkpoints;
  readonly desk: Pick<AlarmDesk, 'take' | 'room' | 'settled' | 'goLive' | 'open'>;
  readonly snapshot: RegistrySnapshot;
  /** ms since 1970. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly hooks?: AssessorHooks;
  readonly settings?: Partial<AssessorSettings>;
}

export interface AssessorSettings {
  /** Readings judged in one turn: a millisecond or less, which is what a device may wait behind it. */
  readonly batchMax: number;
  /** Silence is noticed this much late at most. */
  readonly tickMs: number;
  /** One partition per turn. With 16 partitions a restart replays up to half a minute. */
  readonly checkpointEveryMs: number;
  /** A patient who wears nothing, has no condition and was not heard for this long is forgotten. */
  readonly forgetAfterMs: number;
  /** If ticks or judging lag by this much, we were not listening, and silence is counted anew. */
  readonly deafAfterMs: number;
  /** How long a stop waits for alarms and checkpoints to be stored. */
  readonly stopMaxMs: number;
}

const DEFAULTS: AssessorSettings = {
  batchMax: 256,
  tickMs: 1_000,
  checkpointEveryMs: 2_000,
  forgetAfterMs: 86_400_000,
  deafAfterMs: 3_000,
  stopMaxMs: 5_000,
};

export const ASSESS_GROUP = 'assess';

/** At 10–30 µs each, with its alarm ringing, about a millisecond. */
const SILENT_PER_TURN = 50;

export async function startAssessor(dependencies: AssessorDependencies): Promise<Assessor> {
  const { log, checkpoints, desk, snapshot, now, monotonicMs, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const rules = patientRules(snapshot, now());
  const extent = await log.extent();
  let goal = extent.next;
  const partitions = await loadPartitions(log.partitions, checkpoints, extent, hooks);
  const told: ConditionTransition[] = [];
  const touchedSubscribers = new Set<(patientIds: readonly PatientId[]) => void>();
  let isCaughtUp = false;
  /** The alarms that were open when the replay had come to its end. */
  let toAdopt: ReadonlySet<AlarmId> | undefined;
  let listeningSinceMs = now();
  let tickedAtMs = now();
  let judgedReceiptMs = now();
  let wasBehind = false;
  let isStopping = false;

  /** Hands on what is told while judging, also where judging fails half way: then the state knows of it already. */
  function judging(partition: Partition, judge: () => void, receivedAtMs?: number): boolean {
    partition.isDirty = true;
    try {
      judge();
      return true;
    } catch (error) {
      hooks.onJudgementFailed?.(error);
      return false;
    } finally {
      if (told.length > 0) desk.take(told.splice(0), receivedAtMs);
    }
  }

  function judge(record: LoggedReading, touched: Set<PatientId>): void {
    const partition = partitions[record.partition];
    if (partition === undefined || record.offset < partition.next) return;
    const { patientId, receivedAtMs } = record.reading;
    const state = stateOf(partition, patientId);
    const ofPatient = rules.of(patientId);
    const isJudged = judging(
      partition,
      () => judgeReading(state, record.reading, ofPatient, record, alarmIdOf, told),
      receivedAtMs,
    );
    if (isJudged) touched.add(patientId);
    partition.next = record.offset + 1;
    judgedReceiptMs = receivedAtMs;
    if (isCaughtUp) hooks.receiptToJudgementMs?.(now() - receivedAtMs);
  }

  async function handle(batch: LogBatch): Promise<void> {
    const startedMs = monotonicMs();
    const touched = new Set<PatientId>();
    for (const record of batch.records) judge(record, touched);
    hooks.batch?.({ ms: monotonicMs() - startedMs, readings: batch.records.length });
    tellTouched([...touched]);
    if (!isCaughtUp && hasReached(partitions, goal)) await catchUp();
    await desk.room();
  }

  function tellTouched(patientIds: readonly PatientId[]): void {
    if (patientIds.length === 0) return;
    for (const subscriber of touchedSubscribers)
      try {
        subscriber(patientIds);
      } catch (error) {
        hooks.onJudgementFailed?.(error);
      }
  }

  /** The replay is done: bring what the store holds and what we know together, then judge silence too. */
  async function catchUp(): Promise<void> {
    await desk.settled();
    if (toAdopt === undefined) {
      // Another process may have raised an alarm meanwhile: by a reading that is in the log, and not judged here yet. To
      // judge that patient by what was before would end it.
      toAdopt = new Set(desk.open().map(({ id }) => id));
      goal = (await log.extent()).next;
      if (!hasReached(partitions, goal)) return;
    }
    for (const alarm of desk.open()) {
      if (!toAdopt.has(alarm.id)) continue;
      const partition = partitions[partitionOf(alarm.patientId, log.partitions)];
      if (partition === undefined || alarm.condition !== 'present') continue;
      adopt(stateOf(partition, alarm.patientId), alarm);
    }
    desk.goLive();
    isCaughtUp = true;
    for (const partition of partitions) {
      judgeAllAgain(partition, () => true);
      await nextTurn();
    }
    listeningSinceMs = now();
    tickedAtMs = now();
  }

  function judgeAllAgain(partition: Partition, isTouched: (patientId: PatientId) => boolean): void {
    const touched: PatientId[] = [];
    for (const [patientId, state] of partition.states) {
      if (!isTouched(patientId)) continue;
      judging(partition, () => judgeAgain(state, now(), rules.of(patientId), alarmIdOf, told));
      touched.push(patientId);
    }
    tellTouched(touched);
  }

  async function tick(): Promise<void> {
    const nowMs = now();
    const isBehind = subscription.lag() > 0 && nowMs - judgedReceiptMs > settings.deafAfterMs;
    // Twice in a row: a reading that has just come after a quiet minute is not being behind.
    if (nowMs - tickedAtMs > settings.deafAfterMs || (isBehind && wasBehind)) listeningSinceMs = nowMs;
    wasBehind = isBehind;
    tickedAtMs = nowMs;
    // An override begins or ends: who is judged otherwise from now on is judged again.
    if (nowMs >= rules.dueMs()) rulesChanged(newest);
    if (isCaughtUp) for (const partition of partitions) await judgeSilent(partition, nowMs);
  }

  async function judgeSilent(partition: Partition, nowMs: number): Promise<void> {
    const touched: PatientId[] = [];
    for (const [patientId, state] of partition.states) {
      if (nowMs < state.dueMs) continue;
      judging(partition, () => judgeSilence(state, nowMs, rules.of(patientId), listeningSinceMs, alarmIdOf, told));
      touched.push(patientId);
      // A network that takes every device away at once must not stall the entry.
      if (touched.length % SILENT_PER_TURN === 0) await nextTurn();
      if (isStopping) return;
    }
    tellTouched(touched);
  }

  let following = Promise.resolve();
  let newest = snapshot;
  function rulesChanged(next: RegistrySnapshot): void {
    newest = next;
    rules.follow(next, now());
    following = following.then(async () => {
      for (const partition of partitions) {
        if (isStopping) return;
        // While the replay runs, everyone is judged again at its end.
        if (isCaughtUp) judgeAllAgain(partition, rules.update);
        else for (const patientId of partition.states.keys()) rules.update(patientId);
        await nextTurn();
      }
    });
  }

  if (hasReached(partitions, goal)) await catchUp();
  const subscription = log.subscribe({
    group: ASSESS_GROUP,
    from: new Map(partitions.filter(({ next }) => next > 0).map(({ number, next }) => [number, next])),
    batchMax: settings.batchMax,
    lingerMs: 0,
    handle,
    ...(hooks.onRetry === undefined ? {} : { onRetry: hooks.onRetry }),
  });
  const writer = makeWriter(dependencies, settings, partitions, rules);
  const ticking = every(settings.tickMs, tick, (error) => hooks.onJudgementFailed?.(error));
  const saving = every(
    settings.checkpointEveryMs,
    () => writer.saveNext(),
    (error) => hooks.onCheckpointFailed?.(error),
  );

  return {
    statusOf: (patientId) => partitions[partitionOf(patientId, log.partitions)]?.states.get(patientId)?.status,
    onTouched(callback) {
      touchedSubscribers.add(callback);
      return () => touchedSubscribers.delete(callback);
    },
    rulesChanged,
    lag: () => subscription.lag(),
    isCaughtUp: () => isCaughtUp,
    async stop() {
      isStopping = true;
      await subscription.stop();
      await Promise.all([ticking.stop(), following]);
      const saved = saving.stop().then(() => writer.saveAll());
      // With the database away there is nothing to wait for: the log replays what the last checkpoint does not hold.
      await Promise.race([saved, new Promise((resolve) => setTimeout(resolve, settings.stopMaxMs).unref())]).catch(
        (error: unknown) => hooks.onCheckpointFailed?.(error),
      );
    },
  };
}

async function loadPartitions(
  count: number,
  checkpoints: Checkpoints,
  extent: { readonly first: LogPositions; readonly next: LogPositions },
  hooks: AssessorHooks,
): Promise<Partition[]> {
  const partitions = Array.from(
    { length: count },
    (_, number): Partition => ({ number, states: new Map(), next: extent.first.get(number) ?? 0, isDirty: false }),
  );
  for (const { partition: number, next, state } of await checkpoints.load()) {
    if (number >= count) continue;
    const states = readStates(state);
    // The log is younger than the checkpoint: by its positions we would take new readings for old ones, and stay silent.
    if (states === undefined || next > (extent.next.get(number) ?? 0)) {
      hooks.onCheckpointIgnored?.(number, states === undefined ? 'version' : 'log-began-anew');
      continue;
    }
    partitions[number] = { number, states, next: Math.max(next, extent.first.get(number) ?? 0), isDirty: false };
  }
  return partitions;
}

function makeWriter(
  { checkpoints, log, desk, now }: AssessorDependencies,
  { forgetAfterMs }: AssessorSettings,
  partitions: readonly Partition[],
  rules: PatientRules,
): CheckpointWriter {
  const isForgettable = ({ status, conditions }: AssessState): boolean =>
    Object.keys(conditions).length === 0 &&
    now() - (status.last?.receivedAtMs ?? 0) > forgetAfterMs &&
    (rules.of(status.patientId).devices?.length ?? 0) === 0;
  return checkpointWriter({
    partitions,
    checkpoints,
    log,
    group: ASSESS_GROUP,
    settled: () => desk.settled(),
    isForgettable,
    onForgotten: ({ status }) => rules.forget(status.patientId),
  });
}

function hasReached(partitions: readonly Partition[], goal: LogPositions): boolean {
  return partitions.every(({ number, next }) => next >= (goal.get(number) ?? 0));
}

/** Runs `work` again and again, never twice at once. */
function every(
  ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { readonly stop: () => Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }, ms);
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
