import type { AlarmId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Checkpoints } from '../ports/checkpoints.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { ReadingLog } from '../ports/reading-log.ts';
import type { RejectedReadings } from '../ports/rejected-readings.ts';
import type { VitalsHistory } from '../ports/vitals-history.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Admission, createAdmission } from './1-ingest/admission.ts';
import { BUILT_IN_PROFILES, loadMappingProfiles } from './1-ingest/mapping-profiles.ts';
import { createRejectedQuarantine } from './1-ingest/rejected-quarantine.ts';
import { type Keeper, startKeeper } from './2-keep/keeper.ts';
import { type Assessor, startAssessor } from './3-assess/assessor.ts';
import { type AlarmClock, startAlarmClock } from './4-alert/alarm-clock.ts';
import { type AlarmDesk, openAlarmDesk } from './4-alert/alarm-desk.ts';
import type { MessageSources } from './5-notify/compose.ts';
import { startTeller, type Teller, type TellerDependencies } from './5-notify/teller.ts';

/**
 * A reading's way, stage by stage:
 *
 *   1-ingest   admission    bytes → a named outcome; accepted only once durable in the log
 *              (the log)    the only truth about what arrived; everything below reads it, and none waits for another
 *   2-keep     keeper       log → history, with the position in the same transaction
 *   3-assess   assessor     log → conditions that begin and end, for each patient
 *   4-alert    alarm desk   conditions → alarms that ring at once, and are then stored
 *              alarm clock  what time does to them: snoozes that end, reminders
 *   5-notify   teller       stored alarms → people beyond the wall
 *
 * Started from behind, so that whoever hands something on finds the next one listening.
 */
export interface VitalsPipeline {
  readonly admission: Admission;
  readonly keeper: Keeper;
  readonly assessor: Assessor;
  readonly desk: AlarmDesk;
  readonly teller: Teller;
  /** Beds, limits, assignments changed: whoever is judged by other rules now is judged again. */
  registryChanged(): void;
  /** An alarm was changed, perhaps by another process: which, and its revision if that was said. Without it, any may have. */
  alarmChanged(changed: { readonly id: AlarmId; readonly revision?: number } | undefined): void;
}

export interface PipelineParts {
  readonly readings: ReadingLog;
  readonly history: VitalsHistory;
  readonly checkpoints: Checkpoints;
  readonly alarms: AlarmStore;
  readonly outbox: Outbox;
  readonly rejected: RejectedReadings;
  readonly notifiers: readonly Notifier[];
  /** Who is told, in which words, and what becomes of it: `apps/open-telling.ts`. */
  readonly telling: Pick<TellerDependencies, 'subscribers' | 'policies' | 'watch' | 'settings'> & {
    readonly sources: Omit<MessageSources, 'placeOf' | 'wallUrl'>;
  };
  readonly view: () => RegistryView;
  readonly refreshView: () => Promise<unknown>;
  /** Folders of mapping profiles beside the built-in ones. */
  readonly profileFolders: readonly string[];
  readonly clockAheadMaxMs: number;
  /** Where people see the wall, for messages to them. */
  readonly wallUrl?: string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Called right after a stage has started, with the way to stop it. */
  readonly onStarted: (stage: string, stop: () => Promise<unknown>) => void;
}

export async function startVitalsPipeline(parts: PipelineParts): Promise<VitalsPipeline> {
  const profiles = await loadMappingProfiles([BUILT_IN_PROFILES, ...parts.profileFolders]);
  const teller = startTelling(parts);
  const desk = await openDesk(parts);
  desk.onStored(() => teller.wake());
  const clock = startClock(parts, desk);
  desk.onStored(() => clock.wake());
  const assessor = await startAssessing(parts, desk);
  const keeper = await startKeeping(parts);
  const quarantine = openQuarantine(parts);
  const admission = createAdmission({
    log: parts.readings,
    view: parts.view,
    refreshView: parts.refreshView,
    profiles,
    quarantine,
    now: parts.now,
    bounds: { clockAheadMaxMs: parts.clockAheadMaxMs },
    hooks: {
      reading: (transport, outcome, code) => parts.metrics.ingest.reading(transport, outcome, code),
      failed: (error) => parts.metrics.log.failure(String((error as { code?: unknown }).code ?? 'unknown')),
    },
  });
  const refresh = (id: AlarmId, revision?: number) =>
    void desk
      .refresh(id, revision)
      .catch((error: unknown) => parts.log.warn('an alarm could not be reread', { error }));
  return {
    admission,
    keeper,
    assessor,
    desk,
    teller,
    registryChanged: () => assessor.rulesChanged(parts.view().snapshot),
    alarmChanged(changed) {
      if (changed !== undefined) refresh(changed.id, changed.revision);
      else for (const open of desk.open()) refresh(open.id);
      clock.wake();
    },
  };
}

function openQuarantine({ rejected, now, log, onStarted }: PipelineParts) {
  const quarantine = createRejectedQuarantine({
    store: rejected,
    now,
    hooks: {
      dropped: (count) => log.warn('rejected readings were counted, not kept', { count }),
      failed: (error) => log.warn('rejected readings could not be kept yet', { error }),
    },
  });
  onStarted('rejected readings', () => quarantine.close());
  return quarantine;
}

async function startKeeping({
  readings,
  history,
  monotonicMs,
  metrics,
  log,
  onStarted,
}: PipelineParts): Promise<Keeper> {
  const keeper = await startKeeper({
    log: readings,
    history,
    monotonicMs,
    hooks: {
      onBatch: (batch) => metrics.keep.batch(batch),
      onRetry: (error, attempt) => {
        metrics.keep.retry();
        log.warn('history did not take a batch', { error, attempt });
      },
    },
  });
  onStarted('keeper', () => keeper.stop());
  return keeper;
}

async function startAssessing(parts: PipelineParts, desk: AlarmDesk): Promise<Assessor> {
  const { readings, checkpoints, view, now, monotonicMs, metrics, log, onStarted } = parts;
  const assessor = await startAssessor({
    log: readings,
    checkpoints,
    desk,
    snapshot: view().snapshot,
    now,
    monotonicMs,
    hooks: {
      batch: (batch) => metrics.assess.batch(batch),
      receiptToJudgementMs: (ms) => metrics.assess.receiptToJudgementMs(ms),
      onJudgementFailed: (error) => log.error('a reading could not be judged', { error }),
      onRetry: (error, attempt) => {
        metrics.assess.retry();
        log.error('a batch of readings is judged again', { error, attempt });
      },
      onCheckpointFailed: (error) => log.warn('a checkpoint could not be saved', { error }),
      onCheckpointIgnored: (partition, reason) => log.warn('a checkpoint cannot be used', { partition, reason }),
    },
  });
  onStarted('assessor', () => assessor.stop());
  return assessor;
}

/** How long a stop waits for the database to take the last alarm changes; what is left is replayed from the log. */
const DESK_STOP_MS = 5_000;

async function openDesk({
  alarms,
  view,
  now,
  monotonicMs,
  metrics,
  log,
  onStarted,
}: PipelineParts): Promise<AlarmDesk> {
  const desk = await openAlarmDesk({
    store: alarms,
    placeOf: (patientId) => {
      const { wardId, bedId } = view().place(patientId) ?? {};
      return { ...(wardId === undefined ? {} : { wardId }), ...(bedId === undefined ? {} : { bedId }) };
    },
    now,
    monotonicMs,
    hooks: {
      change: (change) => metrics.alarms.change(change),
      receiptToStreamMs: (ms) => metrics.alarms.receiptToStreamMs(ms),
      storedMs: (ms) => metrics.alarms.storedMs(ms),
      onRetry: (error, attempt) => log.warn('alarms ring but cannot be stored yet', { error, attempt }),
      onRejected: (error) => log.error('an alarm rings but the database refuses it', { error }),
      onSubscriberFailed: (error) => log.error('a subscriber of alarms failed', { error }),
    },
  });
  onStarted('alarm desk', async () => {
    const left = await desk.stop(DESK_STOP_MS);
    if (left > 0) log.warn('alarm changes were left for the next start', { count: left });
  });
  return desk;
}

function startClock({ alarms, now, metrics, log, onStarted }: PipelineParts, desk: AlarmDesk): AlarmClock {
  const clock = startAlarmClock({
    store: alarms,
    desk,
    now,
    hooks: {
      lateMs: (ms) => metrics.alarms.lateMs(ms),
      onRetry: (error, attempt) => log.warn('the alarm clock waits for the database', { error, attempt }),
    },
  });
  onStarted('alarm clock', () => clock.stop());
  return clock;
}

function startTelling(parts: PipelineParts): Teller {
  const { outbox, notifiers, telling, view, now, monotonicMs, random, metrics, log, onStarted } = parts;
  const teller = startTeller({
    outbox,
    notifiers,
    ...telling,
    sources: {
      ...telling.sources,
      placeOf({ patientId }) {
        const { bed, wardId } = view().place(patientId) ?? {};
        return { ...(bed === undefined ? {} : { bed }), ...(wardId === undefined ? {} : { wardId }) };
      },
      ...(parts.wallUrl === undefined ? {} : { wallUrl: parts.wallUrl }),
    },
    now,
    monotonicMs,
    random,
    hooks: {
      attempt: (done) => metrics.notify.attempt(done),
      deliveredMs: (_channel, priority, ms) => metrics.notify.deliveredMs(priority, ms),
      held: (channel, why) => metrics.notify.held(channel, why),
      fannedOut: (count) => metrics.notify.ordered(count),
      onFailed: ({ channel, deliveryId }) =>
        log.error('a notification could not be delivered', { channel, deliveryId }),
      onOutboxError: (error) => log.warn('the outbox is away', { error }),
    },
  });
  onStarted('teller', () => teller.stop());
  return teller;
}
