import type { Alert } from '@healthsync/contracts/alert';
import type { LiveAlert, LiveSnapshot, LiveVitals, Tile } from '@healthsync/contracts/live';
import type { LiveSystemAlarm, SystemAlarm } from '@healthsync/contracts/system-alarm';
import { compareAlarms, isCalling } from './alarm-rank.ts';
import type { ServerClock } from './server-clock.ts';

/** How the stream itself is doing, and when it was last heard (server time). */
export type FeedState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'down'; readonly sinceMs: number }
  | { readonly kind: 'signed-out'; readonly sinceMs: number };

type Listener = () => void;

/**
 * What the wall knows. Values change every second and have one subscription per tile; the `shape` (which beds there are,
 * which alarms are open) changes rarely and is what React renders from. Nothing is ever erased because the stream fell
 * silent: alarms stay until a snapshot says otherwise.
 */
export interface LiveStore {
  readonly clock: ServerClock;
  tile(patientId: string): Tile | undefined;
  tiles(): ReadonlyMap<string, Tile>;
  /** Open alarms of one patient, most urgent first. */
  alarmsOf(patientId: string): readonly Alert[];
  /** All open alarms, most urgent first; the same array until one changes. */
  alarms(): readonly Alert[];
  /** Alarms of the installation: nobody's patient, and nobody might be told. */
  systemAlarms(): readonly SystemAlarm[];
  wards(): LiveSnapshot['wards'];
  feed(): FeedState;
  /** Grows with every change of beds or alarms. */
  shape(): number;

  onTile(patientId: string, listener: Listener): () => void;
  onShape(listener: Listener): () => void;
  onFeed(listener: Listener): () => void;
  /** Alarms as they call for somebody, anew or again; at a snapshot, those this page did not know. */
  onRaised(listener: (alerts: readonly Alert[], from: 'event' | 'snapshot') => void): () => void;

  applySnapshot(snapshot: LiveSnapshot): void;
  applyVitals(vitals: LiveVitals): void;
  applyAlert(change: LiveAlert): void;
  /** How often the stream has spoken of this alarm; to be asked before a request and handed in with its answer. */
  heardOf(alertId: string): number;
  /** What a request of ours answered: taken in unless the stream, which is in order, has spoken since. */
  applyAnswer(alert: Alert, heardBefore: number): void;
  applySystem(change: LiveSystemAlarm): void;
  setFeed(state: FeedState): void;
  clear(): void;
}

export function createLiveStore(clock: ServerClock): LiveStore {
  let tiles = new Map<string, Tile>();
  let alerts = new Map<string, Alert>();
  let byPatient = new Map<string, readonly Alert[]>();
  let sorted: readonly Alert[] = [];
  let wards: LiveSnapshot['wards'] = [];
  let system: readonly SystemAlarm[] = [];
  let feed: FeedState = { kind: 'connecting' };
  let shape = 0;
  let snapshots = 0;
  let heard = new Map<string, number>();
  const tileListeners = new Map<string, Set<Listener>>();
  const shapeListeners = new Set<Listener>();
  const feedListeners = new Set<Listener>();
  const raisedListeners = new Set<(alerts: readonly Alert[], from: 'event' | 'snapshot') => void>();

  function reshape(): void {
    sorted = [...alerts.values()].sort(compareAlarms);
    byPatient = Map.groupBy(sorted, (alert) => alert.patientId);
    shape += 1;
    for (const listener of shapeListeners) listener();
  }

  function keep(alert: Alert): void {
    if (alert.state === 'active') alerts.set(alert.id, alert);
    else alerts.delete(alert.id);
    reshape();
    touch(alert.patientId);
  }

  const heardOf = (alertId: string) => snapshots + (heard.get(alertId) ?? 0);

  function touch(patientId: string): void {
    for (const listener of tileListeners.get(patientId) ?? []) listener();
  }

  return {
    clock,
    tile: (patientId) => tiles.get(patientId),
    tiles: () => tiles,
    alarmsOf: (patientId) => byPatient.get(patientId) ?? NONE,
    alarms: () => sorted,
    systemAlarms: () => system,
    wards: () => wards,
    feed: () => feed,
    shape: () => shape,
    onTile(patientId, listener) {
      const listeners = tileListeners.get(patientId) ?? new Set();
      tileListeners.set(patientId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && tileListeners.get(patientId) === listeners) tileListeners.delete(patientId);
      };
    },
    onShape: (listener) => subscribe(shapeListeners, listener),
    onFeed: (listener) => subscribe(feedListeners, listener),
    onRaised: (listener) => subscribe(raisedListeners, listener),

    applySnapshot(snapshot) {
      clock.hear(snapshot.serverTime);
      const before = alerts;
      // Counts for every alarm at once, and those counted apart until now need not be kept.
      snapshots += 1 + Math.max(0, ...heard.values());
      heard = new Map();
      wards = snapshot.wards;
      system = snapshot.system ?? [];
      tiles = new Map(snapshot.tiles.map((tile) => [tile.patientId, tile]));
      alerts = new Map(snapshot.alerts.filter((alert) => alert.state === 'active').map((alert) => [alert.id, alert]));
      reshape();
      for (const patientId of tileListeners.keys()) touch(patientId);
      const unknown = [...alerts.values()].filter((alert) => !before.has(alert.id));
      if (unknown.length > 0) for (const listener of raisedListeners) listener(unknown, 'snapshot');
    },

    applyVitals(vitals) {
      clock.hear(vitals.serverTime);
      let hasNewBed = false;
      for (const tile of vitals.tiles) {
        const known = tiles.get(tile.patientId);
        hasNewBed ||= known?.bedId !== tile.bedId || known.bed !== tile.bed || known.wardId !== tile.wardId;
        tiles.set(tile.patientId, tile);
      }
      if (hasNewBed) reshape();
      for (const tile of vitals.tiles) touch(tile.patientId);
    },

    applyAlert({ serverTime, change, alert }) {
      clock.hear(serverTime);
      heard.set(alert.id, (heard.get(alert.id) ?? 0) + 1);
      const before = alerts.get(alert.id);
      if (isOvertaken(change, alert, before)) return;
      keep(alert);
      if (callsAgain(change, alert, before)) for (const listener of raisedListeners) listener([alert], 'event');
    },

    applySystem({ serverTime, alarm }) {
      clock.hear(serverTime);
      const others = system.filter(({ id }) => id !== alarm.id);
      system = alarm.state === 'active' ? [...others, alarm] : others;
      reshape();
    },

    heardOf,
    applyAnswer(alert, heardBefore) {
      if (heardOf(alert.id) === heardBefore) keep(alert);
    },

    setFeed(state) {
      if (state.kind === feed.kind) return;
      feed = state;
      for (const listener of feedListeners) listener();
    },

    clear() {
      tiles = new Map();
      alerts = new Map();
      wards = [];
      system = [];
      feed = { kind: 'connecting' };
      reshape();
      for (const listener of feedListeners) listener();
    },
  };
}

const NONE: readonly Alert[] = [];

/** Said of the alarm as it was before somebody took it; only what withdraws an acknowledgement may take it back. */
function isOvertaken(change: LiveAlert['change'], alert: Alert, before: Alert | undefined): boolean {
  const isPassing = change === 'worsened' || change === 'reminder' || change === 'escalated' || change === 'unchanged';
  return isPassing && before?.acknowledgedAt !== undefined && alert.acknowledgedAt === undefined;
}

const WEIGHT = { high: 3, medium: 2, low: 1 } as const;

/** The changes after which somebody has to come, as the contract lists them. */
function callsAgain(change: LiveAlert['change'], alert: Alert, before: Alert | undefined): boolean {
  if (!isCalling(alert)) return false;
  switch (change) {
    case 'raised':
    case 'returned':
    case 'acknowledgement-expired':
    case 'released':
    case 'unsnoozed':
    case 'reminder':
      return true;
    case 'priority-changed':
      return before === undefined || WEIGHT[alert.priority] > WEIGHT[before.priority];
    default:
      return false;
  }
}

function subscribe<Each>(set: Set<Each>, listener: Each): () => void {
  set.add(listener);
  return () => void set.delete(listener);
}
