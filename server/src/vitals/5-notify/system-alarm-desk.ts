import { urgencyOf } from '../../domain/alarm.ts';
import type { SystemAlarm, SystemAlarmStore, SystemAlarms } from '../../ports/system-alarms.ts';

/**
 * The alarms of the installation. They are in memory first, so that they ring while the database is away, which is when
 * they are needed most; the database gets them as soon as it takes them.
 */
export interface SystemAlarmDesk extends SystemAlarms {
  /** Not cleared, newest first. */
  open(): readonly SystemAlarm[];
  /** Somebody looks after it. What only a person can end (`endsByAcknowledgement`) is cleared by it. */
  acknowledge(id: string, by: string): SystemAlarm | undefined;
  /** Called in the same turn, also for what another process did. `isNew`: raised, or more urgent than it was. */
  onChange(tell: (alarm: SystemAlarm, isNew: boolean) => void): void;
  /** Another process changed something: reads what is open. */
  refresh(): Promise<void>;
  /** Tries once more to store what is not stored, and stops. */
  stop(): Promise<void>;
}

/** Open at once: one per channel, rota and watchdog is some dozens. Beyond it only higher ones displace others. */
const OPEN_MAX = 500;
const RETRY_MS = 2_000;

/** Says what happened, not what is: nothing but a person's knowing of it can end it. */
const ENDS_BY_ACKNOWLEDGEMENT: readonly string[] = [
  'delivery.failed',
  'device.key-compromised',
  'device.code-used-twice',
  'audit.held-altered',
];

export async function openSystemAlarmDesk(options: {
  readonly store: SystemAlarmStore;
  readonly now: () => number;
  readonly hooks?: {
    raised?(rule: string): void;
    onStoreError?(error: unknown): void;
    onDropped?(rule: string): void;
  };
}): Promise<SystemAlarmDesk> {
  const { store, now, hooks = {} } = options;
  const open = new Map<string, SystemAlarm>();
  /** By id and raising: what the store does not know yet. */
  const unstored = new Map<string, SystemAlarm>();
  /** Of each rereading under way: what became of alarms here meanwhile, which what it reads may not know. */
  const rereadings = new Set<Set<string>>();
  const listeners: ((alarm: SystemAlarm, isNew: boolean) => void)[] = [];
  let writing: Promise<void> | undefined;
  let reading: Promise<void> | undefined;
  let isReadAgain = false;
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;

  function become(alarm: SystemAlarm, isNew: boolean): SystemAlarm {
    if (alarm.state === 'active') open.set(alarm.id, alarm);
    else open.delete(alarm.id);
    unstored.set(keyOf(alarm), alarm);
    for (const meanwhile of rereadings) meanwhile.add(keyOf(alarm));
    write();
    tell(alarm, isNew);
    return alarm;
  }

  function tell(alarm: SystemAlarm, isNew: boolean): void {
    for (const listener of listeners) listener(alarm, isNew);
  }

  function write(): void {
    writing ??= writeAll().finally(() => {
      writing = undefined;
      if (unstored.size === 0 || isStopped) return;
      clearTimeout(retry);
      retry = setTimeout(write, RETRY_MS);
      retry.unref();
    });
  }

  async function writeAll(): Promise<void> {
    // From the front until nothing is left: one may change again while it is being written.
    for (let [next] = unstored; next !== undefined; [next] = unstored) {
      const [key, alarm] = next;
      try {
        await store.put(alarm);
        if (unstored.get(key) === alarm) unstored.delete(key);
      } catch (error) {
        hooks.onStoreError?.(error);
        return;
      }
    }
  }

  /** One after the other: what was read first must not be believed last. Asked again meanwhile, it reads once more. */
  function refresh(): Promise<void> {
    isReadAgain = true;
    reading ??= readUntilNew().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function readUntilNew(): Promise<void> {
    while (isReadAgain) {
      isReadAgain = false;
      await readOnce();
    }
  }

  async function readOnce(): Promise<void> {
    const ours = new Set(unstored.keys());
    rereadings.add(ours);
    try {
      takeOver(await store.list({ open: true, limit: OPEN_MAX }), ours);
    } finally {
      rereadings.delete(ours);
    }
  }

  function takeOver(stored: readonly SystemAlarm[], ours: ReadonlySet<string>): void {
    const there = new Set(stored.map(keyOf));
    for (const alarm of stored) {
      const known = open.get(alarm.id);
      if (ours.has(keyOf(alarm)) || (known !== undefined && isSame(known, alarm))) continue;
      open.set(alarm.id, alarm);
      tell(alarm, false);
    }
    for (const alarm of [...open.values()]) {
      if (there.has(keyOf(alarm)) || ours.has(keyOf(alarm))) continue;
      open.delete(alarm.id);
      tell({ ...alarm, state: 'cleared', clearedAtMs: now() }, false);
    }
  }

  await refresh().catch((error: unknown) => hooks.onStoreError?.(error));
  return {
    raise({ id, rule, priority, text, tenantId }) {
      const known = open.get(id);
      if (known?.text === text && known.priority === priority) return;
      if (known === undefined && open.size >= OPEN_MAX) {
        hooks.onDropped?.(rule);
        return;
      }
      const isMoreUrgent = known === undefined || urgencyOf(priority) > urgencyOf(known.priority);
      if (known === undefined) hooks.raised?.(rule);
      // Whoever acknowledged it did so to something less urgent.
      const { acknowledgedAtMs, acknowledgedBy, ...anew } = known ?? { raisedAtMs: now() };
      const kept = isMoreUrgent || acknowledgedAtMs === undefined ? anew : known;
      const ofTenant = tenantId === undefined ? {} : { tenantId };
      become(
        { ...kept, raisedAtMs: anew.raisedAtMs, id, rule, priority, text, state: 'active', ...ofTenant },
        isMoreUrgent,
      );
    },
    clear(id) {
      const known = open.get(id);
      if (known !== undefined) become({ ...known, state: 'cleared', clearedAtMs: now() }, false);
    },
    open: () => [...open.values()].sort((a, b) => b.raisedAtMs - a.raisedAtMs || (a.id < b.id ? -1 : 1)),
    acknowledge(id, by) {
      const known = open.get(id);
      if (known === undefined) return undefined;
      const taken =
        known.acknowledgedAtMs === undefined ? { ...known, acknowledgedAtMs: now(), acknowledgedBy: by } : known;
      if (ENDS_BY_ACKNOWLEDGEMENT.includes(known.rule))
        return become({ ...taken, state: 'cleared', clearedAtMs: now() }, false);
      return taken === known ? known : become(taken, false);
    },
    onChange: (listener) => void listeners.push(listener),
    refresh,
    async stop() {
      isStopped = true;
      clearTimeout(retry);
      await writing;
      await writeAll();
    },
  };
}

const keyOf = ({ id, raisedAtMs }: SystemAlarm): string => `${raisedAtMs} ${id}`;

function isSame(a: SystemAlarm, b: SystemAlarm): boolean {
  return (
    a.raisedAtMs === b.raisedAtMs &&
    a.text === b.text &&
    a.priority === b.priority &&
    a.acknowledgedAtMs === b.acknowledgedAtMs
  );
}
