import { MemoryAlarmStore } from '../../server/src/adapters/memory/memory-alarm-store.ts';
import { MemoryCheckpoints } from '../../server/src/adapters/memory/memory-checkpoints.ts';
import { MemoryEscalations } from '../../server/src/adapters/memory/memory-escalations.ts';
import { MemoryOutbox } from '../../server/src/adapters/memory/memory-outbox.ts';
import { MemoryWorkflowStore } from '../../server/src/adapters/memory/memory-workflow-store.ts';
import type { AlarmChange } from '../../server/src/domain/alarm.ts';
import type { AlarmId, PatientId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { type Plan, START_MS } from './plan.ts';
import { VirtualTime } from './virtual-time.ts';
import { ESCALATION, POLICY } from './ward.ts';

/** What outlives every process: the log, the database, what was really sent; and the story as it is told. */
export interface World {
  readonly time: VirtualTime;
  readonly plan: Plan;
  readonly planted: Planted | undefined;
  readonly readings: AssignedReading[];
  readonly alarms: MemoryAlarmStore;
  readonly escalations: MemoryEscalations;
  readonly workflow: MemoryWorkflowStore;
  readonly outbox: MemoryOutbox;
  readonly checkpoints: MemoryCheckpoints;
  /** Changes of alarms in the order in which they were committed. */
  readonly changes: Committed[];
  /** What tellers took to be sent, and recorded as delivered: in the order of commits. */
  readonly takings: Taking[];
  /** Told with the page of another alarm of the patient. */
  readonly toldTogether: { readonly atMs: number; readonly deliveryId: string; readonly with: string }[];
  readonly sendings: Sending[];
  readonly pages: Page[];
  readonly acts: Acted[];
  /** How often a process was started. */
  lives: number;
  /** What was seen to be wrong in the moment in which it was done. */
  readonly broken: string[];
  /** By id: alarms of the installation that were raised, ever. */
  readonly systemAlarms: Map<string, string>;
  readonly troubles: Map<string, number>;
  /** Whoever listens is told which alarms a commit has changed, and whether executions may be due. */
  onNotice(call: (notice: Notice) => void): void;
  notify(notice: Notice): void;
  /** Milliseconds since the story began. */
  sinceStart(): number;
  tell(line: () => string): void;
}

/** A bug put in on purpose, around a port: to know that the simulator would find it. */
export interface Planted {
  readonly name: string;
  /** In place of what a call to the database does. */
  readonly around?: (call: Call) => Promise<unknown>;
  /** What of the changes of a transaction the escalations hear. */
  readonly followed?: (changes: readonly AlarmChange[]) => readonly AlarmChange[];
  /** A reading as the program is given it; what is durable stays as it is. */
  readonly heard?: (reading: AssignedReading) => AssignedReading;
}

interface Call {
  readonly what: string;
  readonly given: readonly unknown[];
  readonly execute: () => Promise<unknown>;
  readonly world: World;
}

export interface Notice {
  /** With the revision each alarm has since, as `parseAlarmNotice` reads it. */
  readonly alarms: readonly { readonly id: AlarmId; readonly revision: number }[];
  readonly isForWorkflow: boolean;
}

export interface Committed {
  readonly atMs: number;
  readonly by: string;
  readonly change: AlarmChange;
}

export interface Taking {
  readonly atMs: number;
  readonly by: string;
  readonly deliveryId: string;
  readonly what: 'taken' | 'delivered' | 'put-back';
  /** Of one that was taken: somebody had its alarm then. */
  readonly isTaken?: boolean;
  readonly isCall?: boolean;
}

/** A notifier was asked to send. */
export interface Sending {
  readonly atMs: number;
  readonly by: string;
  readonly key: string;
  readonly channel: string;
}

/** What somebody has received. */
export interface Page {
  readonly atMs: number;
  readonly key: string;
  readonly channel: string;
  readonly recipient: string;
  readonly event: string;
  readonly alarmId?: AlarmId;
}

export interface Acted {
  readonly atMs: number;
  readonly who: string;
  readonly alarmId: AlarmId;
  readonly act: string;
  readonly outcome: string;
}

export function openWorld(
  plan: Plan,
  planted: Planted | undefined,
  onLine: ((line: string) => void) | undefined,
): World {
  const time = new VirtualTime(START_MS);
  const now = () => time.nowMs + (time.current?.clockAheadMs ?? 0);
  const listeners: ((notice: Notice) => void)[] = [];
  const notify = (notice: Notice): void => {
    for (const listen of listeners) listen(notice);
  };
  const changes: Committed[] = [];
  const sinceStart = () => time.nowMs - START_MS;
  const tell = (line: () => string): void => {
    if (onLine === undefined) return;
    onLine(`${(sinceStart() / 1000).toFixed(3).padStart(8)} ${(time.current?.name ?? '').padEnd(5)} ${line()}`);
  };
  const workflow = new MemoryWorkflowStore();
  const escalations = new MemoryEscalations({ alarms: () => alarms, workflow, times: ESCALATION, now });
  const alarms: MemoryAlarmStore = new MemoryAlarmStore({
    policy: POLICY,
    now,
    inTransaction(committed) {
      const by = time.current?.name ?? '';
      for (const change of committed) {
        changes.push({ atMs: time.nowMs, by, change });
        tell(() => `stored   ${describe(change)}`);
      }
      const isForWorkflow = escalations.follow(planted?.followed?.(committed) ?? committed);
      const latest = new Map(committed.map(({ alarm }) => [alarm.id, alarm.revision]));
      notify({ alarms: [...latest].map(([id, revision]) => ({ id, revision })), isForWorkflow });
    },
  });
  for (const { name, ward } of plan.patients)
    alarms.places.set(name as PatientId, { wardId: ward as never, bedId: `bed-${name}` as never });
  return {
    time,
    plan,
    planted,
    readings: [],
    alarms,
    escalations,
    workflow,
    outbox: new MemoryOutbox(alarms),
    checkpoints: new MemoryCheckpoints(),
    changes,
    takings: [],
    toldTogether: [],
    sendings: [],
    pages: [],
    acts: [],
    lives: 0,
    broken: [],
    systemAlarms: new Map(),
    troubles: new Map(),
    onNotice: (call) => void listeners.push(call),
    notify,
    sinceStart,
    tell,
  };
}

function describe({ kind, alarm, by, undone }: AlarmChange): string {
  const owner = by === undefined ? '' : ` by ${by}`;
  const more = undone === undefined ? '' : `, undoing ${undone.join(' and ')}`;
  return `${short(alarm.id)} ${alarm.patientId} ${alarm.rule} ${kind}${owner} (${alarm.state}, ${alarm.condition})${more}`;
}

export const short = (id: string): string => id.slice(0, 6);
