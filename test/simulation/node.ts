import { MemoryReadingLog } from '../../server/src/adapters/embedded/memory-reading-log.ts';
import type { Alarm } from '../../server/src/domain/alarm.ts';
import type { AlarmId, BedId, PatientId, WardId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { unansweredId } from '../../server/src/escalation/close-task.ts';
import { ESCALATION_FUNCTIONS, escalationFiles, stepsOf } from '../../server/src/escalation/definition-files.ts';
import { watchHeartbeat } from '../../server/src/escalation/heartbeat-watch.ts';
import { startHeldTellings } from '../../server/src/escalation/held-tellings.ts';
import { createStaffDirectory } from '../../server/src/escalation/staff-directory.ts';
import { escalationFunctions } from '../../server/src/escalation/task-functions.ts';
import { startWatchdog, WATCHDOG_HEARTBEAT } from '../../server/src/escalation/watchdog.ts';
import { Failure } from '../../server/src/ports/failure.ts';
import { appended } from '../../server/src/ports/reading-log.ts';
import type { SystemAlarms } from '../../server/src/ports/system-alarms.ts';
import { startAssessor } from '../../server/src/vitals/3-assess/assessor.ts';
import { startAlarmClock } from '../../server/src/vitals/4-alert/alarm-clock.ts';
import { type AlarmDesk, openAlarmDesk } from '../../server/src/vitals/4-alert/alarm-desk.ts';
import { createChannelWatch } from '../../server/src/vitals/5-notify/channel-watch.ts';
import { startTeller } from '../../server/src/vitals/5-notify/teller.ts';
import { Definitions, digestOf } from '../../server/src/workflow/definitions.ts';
import { startWorkflowDriver } from '../../server/src/workflow/driver.ts';
import { channelsOf } from './channels.ts';
import { linkTo } from './database-link.ts';
import { type Dice, dice } from './dice.ts';
import { CHANNELS, FAULTS_END_MS, type NodeName, START_MS } from './plan.ts';
import type { Life } from './virtual-time.ts';
import { BOARD, registryOf, staffSources, subscribers } from './ward.ts';
import type { Notice, Page, World } from './world.ts';

/** A machine on which the program runs, dies and is started again. */
export interface Node {
  readonly name: NodeName;
  /** What its wall shows; undefined: nothing runs, or not yet. */
  desk(): AlarmDesk | undefined;
  /** Somebody asks it for something. False: nobody is there. */
  reach(ask: (desk: AlarmDesk) => void): boolean;
  /** A reading has become durable. */
  appended(reading: AssignedReading): void;
}

export function runNode(world: World, name: NodeName, onPage: (page: Page) => void): Node {
  const { time, plan } = world;
  const throws = plan.dice.own();
  const crashes = plan.crashes.filter(({ node }) => node === name);
  let lives = 0;
  let calls = 0;
  let present: { readonly life: Life; readonly program: Program } | undefined;

  function start(): void {
    const life: Life = { name: `${name}${++lives}`, isOver: false, frozenUntilMs: 0, clockAheadMs: 0 };
    world.lives++;
    setClock(life);
    const kill = (restartAfterMs: number): void => {
      if (life.isOver) return;
      world.tell(() => 'killed');
      life.isOver = true;
      present = undefined;
      restart(restartAfterMs);
    };
    /** The call that it dies with, if this is the one. */
    const isLast = (phase: 'before' | 'after'): boolean => {
      if (phase === 'before') calls++;
      if (world.sinceStart() >= FAULTS_END_MS) return false;
      return crashes.some((crash) => 'atCall' in crash && crash.atCall === calls && crash.phase === phase);
    };
    const restartAfterMs = () => crashes.find((crash) => 'atCall' in crash && crash.atCall === calls)?.restartAfterMs;
    const program = runProgram(world, {
      name,
      life,
      dice: throws.own(),
      isLast,
      kill: () => kill(restartAfterMs() ?? 1_000),
      onPage,
    });
    present = { life, program };
    world.tell(() => `started  ${life.name}`);
    time.after(0, life, () => void program.start().catch((error: unknown) => givesUp(error)));

    /** As a supervisor would have it: what cannot start is started again. */
    function givesUp(error: unknown): void {
      if (!(error instanceof Failure)) world.time.thrown.push(error);
      world.tell(() => `could not start: ${String(error)}`);
      kill(2_000);
    }
  }

  /** Until nothing goes wrong any more, at the latest. */
  function restart(afterMs: number): void {
    const atMs = Math.min(world.sinceStart() + afterMs, Math.max(FAULTS_END_MS, world.sinceStart() + 100));
    time.after(atMs - world.sinceStart(), undefined, start);
  }

  function setClock(life: Life): void {
    const atMs = world.sinceStart();
    const wrong = plan.clocks.find((each) => each.node === name && atMs >= each.fromMs && atMs < each.toMs);
    life.clockAheadMs = wrong?.aheadMs ?? 0;
  }

  for (const { node, fromMs, toMs } of plan.clocks)
    if (node === name)
      for (const atMs of [fromMs, toMs])
        time.after(atMs, undefined, () => {
          if (present === undefined) return;
          setClock(present.life);
          world.tell(() => `clock of ${name} is ahead by ${present?.life.clockAheadMs} ms`);
        });
  for (const { node, fromMs, toMs } of plan.freezes)
    if (node === name)
      time.after(fromMs, undefined, () => {
        if (present === undefined) return;
        present.life.frozenUntilMs = Math.max(present.life.frozenUntilMs, START_MS + toMs);
        world.tell(() => `${name} stands still until ${toMs / 1000}`);
      });
  for (const crash of crashes)
    if ('atMs' in crash)
      time.after(crash.atMs, undefined, () => {
        if (present === undefined) return;
        world.tell(() => `killed   ${name}`);
        present.life.isOver = true;
        present = undefined;
        restart(crash.restartAfterMs);
      });
  world.onNotice((notice) => {
    if (present === undefined) return;
    const { life, program } = present;
    const isLost = world.sinceStart() < FAULTS_END_MS && throws.chance(plan.noticeLost);
    // Whoever lost the connection on which notices come learns of it, and asks for everything.
    time.after(isLost ? throws.between(1_000, 8_000) : throws.between(0, 20), life, () =>
      program.noticed(isLost ? undefined : notice),
    );
  });
  start();

  return {
    name,
    desk: () => (present?.life.isOver === false ? present.program.desk() : undefined),
    reach(ask) {
      const reached = present;
      const desk = reached?.program.desk();
      if (reached === undefined || desk === undefined) return false;
      time.after(1, reached.life, () => ask(desk));
      return true;
    },
    appended(reading) {
      if (present === undefined) return;
      const { life, program } = present;
      time.after(0, life, () => program.appended(reading));
    },
  };
}

interface Program {
  start(): Promise<void>;
  desk(): AlarmDesk | undefined;
  appended(reading: AssignedReading): void;
  /** By notice of the database; undefined: any may have changed. */
  noticed(notice: Notice | undefined): void;
}

const FILES = escalationFiles();
const KEPT = FILES.map((file) => ({ ...file, digest: digestOf(file) }));
/** Read once for all stories: they are as pure as numbers. */
const DEFINITIONS = new Definitions({ keepDefinition: async () => {}, definition: async () => undefined });
await DEFINITIONS.keep(FILES, [...ESCALATION_FUNCTIONS]);
const LADDERS = new Map<string, ReturnType<typeof stepsOf>>(FILES.map((file) => [file.name, stepsOf(file)]));

/** One run of the program, wired as `apps/all-in-one.ts` does; only its timers, engines and channels are the simulation's. */
function runProgram(
  world: World,
  options: {
    readonly name: NodeName;
    readonly life: Life;
    readonly dice: Dice;
    readonly isLast: (phase: 'before' | 'after') => boolean;
    readonly kill: () => void;
    readonly onPage: (page: Page) => void;
  },
): Program {
  const { time, plan } = world;
  const { name, life } = options;
  const own = dice(options.dice.between(0, 0x7fffffff));
  const now = () => time.nowMs + life.clockAheadMs;
  const monotonicMs = () => time.nowMs;
  const link = linkTo(world, { node: name, life, dice: own, isLast: options.isLast, kill: options.kill });
  const alarms = link.to(world.alarms, 'alarms');
  const outbox = link.to(world.outbox, 'outbox');
  const workflow = link.to(world.workflow, 'workflow');
  const escalations = link.to(world.escalations, 'escalations');
  const checkpoints = link.to(world.checkpoints, 'checkpoints');
  // Everything durable is there when it starts; what comes after is appended as it becomes durable.
  const log = new MemoryReadingLog({ partitions: 2 });
  const heard = world.planted?.heard ?? ((reading: AssignedReading) => reading);
  for (const reading of world.readings) void appended(log, heard(reading));
  const trouble = (what: string, error: unknown): void => {
    const is = error instanceof Failure ? error.code : String((error as Error)?.stack ?? error);
    world.troubles.set(`${what}: ${is}`, (world.troubles.get(`${what}: ${is}`) ?? 0) + 1);
    // A dependency is away: expected. Anything else is a defect.
    if (!(error instanceof Failure)) time.thrown.push(error);
  };
  const systemAlarms: SystemAlarms = {
    raise({ id, text }) {
      if (!world.systemAlarms.has(id)) world.tell(() => `rings    ${id}`);
      world.systemAlarms.set(id, text);
    },
    clear: () => {},
  };
  const places = new Map(plan.patients.map((each) => [each.name, each]));
  const placeOfPatient = (patientId: PatientId) => {
    const ward = places.get(patientId)?.ward;
    return { wardId: ward as WardId, bedId: `bed-${patientId}` as BedId, bed: patientId };
  };
  const placeOf = ({ patientId }: Pick<Alarm, 'patientId'>) => placeOfPatient(patientId);
  let desk: AlarmDesk | undefined;
  let isListening = false;
  let wakeClock = (): void => {};
  let wakeDriver = (): void => {};

  async function start(): Promise<void> {
    // As when the program starts: asked for, before anything can ring.
    for (const definition of KEPT) await workflow.keepDefinition(definition);
    const notifiers = channelsOf(world, life, own, options.onPage);
    const teller = startTeller({
      outbox,
      notifiers,
      subscribers,
      policies: async () => new Map(),
      sources: { placeOf },
      watch: createChannelWatch({ channels: [...CHANNELS, BOARD], systemAlarms, now }),
      now,
      monotonicMs,
      random: () => own.next(),
      hooks: { onOutboxError: (error) => trouble('outbox', error) },
      settings: {
        pollMs: 8_000,
        sendTimeoutMs: 6_000,
        leaseMs: LEASE_MS,
        retry: { firstMs: 1_000, maxMs: 15_000, attemptsMax: 60, giveUpAfterMs: 600_000 },
      },
    });
    const opened = await openAlarmDesk({
      store: alarms,
      placeOf: placeOfPatient,
      now,
      monotonicMs,
      hooks: {
        onRetry: (error) => trouble('desk', error),
        onRejected: (error) => trouble('desk refused', error),
        onSubscriberFailed: (error) => time.thrown.push(error),
      },
    });
    desk = opened;
    opened.onStored(() => teller.wake());
    const clock = startAlarmClock({ store: alarms, desk: opened, now, hooks: { onRetry: (e) => trouble('clock', e) } });
    opened.onStored(() => clock.wake());
    wakeClock = () => clock.wake();
    const assessor = await startAssessor({
      log,
      checkpoints,
      desk: opened,
      snapshot: registryOf(plan.patients),
      now,
      monotonicMs,
      hooks: {
        onJudgementFailed: (error) => time.thrown.push(error),
        onRetry: (error) => trouble('assessor', error),
        onCheckpointFailed: (error) => trouble('checkpoint', error),
      },
      settings: { tickMs: 2_500, checkpointEveryMs: 8_000 },
    });
    opened.onChange(({ alarm }) => {
      if (alarm.acknowledgedAtMs !== undefined || alarm.state === 'resolved') systemAlarms.clear(unansweredId(alarm));
    });
    isListening = true;
    noticed(undefined);
    startEscalating(assessor, () => teller.wake());
  }

  /** Before it listens it hears nothing; once it does, it asks for whatever may have changed meanwhile. */
  function noticed(notice: Notice | undefined): void {
    if (desk === undefined || !isListening) return;
    const changed: readonly { id: AlarmId; revision?: number }[] =
      notice?.alarms ?? desk.open().map(({ id }) => ({ id }));
    for (const { id, revision } of changed)
      desk.refresh(id, revision).catch((error: unknown) => trouble('notice', error));
    if (changed.length > 0) wakeClock();
    if (notice?.isForWorkflow !== false) wakeDriver();
  }

  function startEscalating(assessor: Awaited<ReturnType<typeof startAssessor>>, onOrdered: () => void): void {
    const directory = createStaffDirectory({ ...staffSources(plan.hasQuietHours), now });
    const driver = startWorkflowDriver({
      store: workflow,
      definitions: DEFINITIONS,
      handlers: escalationFunctions({
        alarms,
        escalations,
        orders: outbox,
        directory,
        systemAlarms,
        stepsOf: (definition) => LADDERS.get(definition) ?? [],
        placeOf,
        statusOf(patientId: PatientId) {
          if (!assessor.isCaughtUp())
            throw new Failure('overloaded', 'patients are not judged up to now yet', { retryable: true });
          return assessor.statusOf(patientId);
        },
        onOrdered,
        now,
      }),
      worker: name,
      now,
      monotonicMs,
      seed: () => [1, 2, 3, 4].map(() => own.between(0, 0x7fffffff)) as [number, number, number, number],
      hooks: {
        onStoreError: (error) => trouble('workflow', error),
        onHandlerError: (what, error) => trouble(`function ${what}`, error),
        onParked: (what) => time.thrown.push(new Error(`parked: ${what}`)),
      },
      settings: { pollMs: 8_000 },
    });
    wakeDriver = () => driver.wake();
    const onError = (error: unknown) => trouble('watch', error);
    startHeldTellings({
      escalations,
      orders: outbox,
      onOrdered,
      now,
      onError,
      everyMs: plan.hasQuietHours ? 10_000 : 60_000,
    });
    startWatchdog({
      watch: escalations,
      directory,
      orders: outbox,
      systemAlarms,
      placeOf,
      onOrdered,
      now,
      hooks: { onError },
      settings: { graceMs: 10_000, lateMs: 20_000, repeatMs: 20_000 },
    });
    watchHeartbeat({ name: WATCHDOG_HEARTBEAT, watch: escalations, systemAlarms, now, onError, everyMs: 20_000 });
  }

  return {
    start,
    desk: () => desk,
    appended: (reading) => void appended(log, heard(reading)),
    noticed,
  };
}

/** Of a delivery: longer than an attempt and its record, here as in the program. */
export const LEASE_MS = 20_000;
