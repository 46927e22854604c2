import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LiveAlert, LiveBeat } from '@healthsync/contracts/live';
import type { LiveSystemAlarm } from '@healthsync/contracts/system-alarm';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { PatientId, TenantId, WardId } from '../../domain/ids.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';
import { toSystemAlarm } from '../system-alarm-shape.ts';
import { type EventName, encodeEvent } from './event.ts';
import { alertNow, allWards, placesIn, wardOfAlarm } from './places.ts';
import { readSnapshot } from './snapshot.ts';
import type { LiveSources } from './sources.ts';
import { type Connection, connectionOf, NO_WARD } from './tile.ts';
import { tileJson } from './tile-json.ts';

/**
 * The live stream: what the rooms know, to everyone who watches. Vitals are gathered and told once a second per ward,
 * serialised once however many watch; an alarm is written to every socket in the call that publishes it. Only wards
 * somebody watches cost anything. A reader who falls behind misses vitals and then gets a fresh snapshot; one who stays
 * behind is dropped: memory per reader is bounded.
 */
export interface LiveHub {
  /** Readings of these patients were judged. Cheap: remembers, does nothing more. */
  touched(patientIds: Iterable<PatientId>): void;
  /** Tells everyone concerned at once, in this very call. */
  alarmChanged(change: AlarmChange): void;
  /** Of the installation: tells every reader at once, whatever their ward. */
  systemAlarmChanged(alarm: SystemAlarm): void;
  /** Beds, wards or assignments changed: everyone gets a new snapshot. */
  registryChanged(): void;
  /** Adds a reader; its snapshot is on its way. Answers `undefined` when there is no room. */
  attach(reader: LiveReader): (() => void) | undefined;
  readers(): number;
  close(): void;
}

export interface LiveReader {
  /** Who reads: bounds streams per person. */
  readonly owner: string;
  /** Whose: see `tenant-hubs.ts`. Absent: the first organisation's. */
  readonly tenantId?: TenantId;
  /** The wards this reader may see and asked for; `all` includes wards made later. */
  readonly wards: 'all' | ReadonlySet<WardId>;
  /** Patients who lie in none of these and are theirs all the same. */
  readonly beside?: ReadonlySet<PatientId>;
  /** False: alarms and beats only. */
  readonly wantsVitals: boolean;
  write(bytes: Buffer): void;
  /** Bytes accepted by `write` that the socket has not taken yet. */
  pendingBytes(): number;
  end(): void;
}

export const LIVE_BOUNDS = {
  /** Streams in all: a hospital's walls, stations and phones; beyond it a client is told to come back. */
  readersMax: 2_000,
  /** Streams of one person or screen: one per open tab. A kiosk account shared by many walls needs the most. */
  readersPerOwnerMax: 64,
  /** Unsent bytes from which on a reader gets no more vitals: some twenty seconds of a ward of forty. */
  behindBytes: 512 * 1024,
  /** Unsent bytes from which on a reader is dropped: alarms alone have filled it. */
  dropBytes: 1024 * 1024,
  /** How long a reader may stay behind. Longer, and its wall's own watchdog has long said the feed is down. */
  behindMaxMs: 10_000,
  /** Vitals are told this often: a wall's eye follows no faster. */
  tickMs: 1_000,
  /** A client that hears nothing for 5 s says the feed is down; every 2 s leaves room for a lost one. */
  beatMs: 2_000,
  /** Tiles serialised before others get their turn: about 1 ms of the thread that also acknowledges readings. */
  tilesPerSlice: 200,
} as const;
export type LiveBounds = { readonly [Name in keyof typeof LIVE_BOUNDS]: number };

export interface LiveHooks {
  event?(name: string): void;
  sent?(bytes: number): void;
  ended?(reason: 'overflow' | 'closed'): void;
  tickMs?(ms: number): void;
}

interface Seat {
  readonly reader: LiveReader;
  /** `opening`: its snapshot is being made. `behind`: skips vitals until it has read what it was sent. */
  state: 'opening' | 'live' | 'behind';
  /** Alarms and beats go to whoever has a snapshot to add them to. */
  hasSnapshot: boolean;
  /** Beds or wards changed since its snapshot. */
  isOutdated: boolean;
  behindSinceMs: number;
  /** Lowest count of unsent bytes since its snapshot, which may itself be larger than the bounds. */
  floorBytes: number;
  /** Patients touched while its snapshot was being made. */
  missed: Set<PatientId>;
}

export function createLiveHub(options: {
  readonly sources: LiveSources;
  readonly now: () => number;
  readonly bounds?: Partial<LiveBounds>;
  readonly hooks?: LiveHooks;
}): LiveHub {
  const { sources, now, hooks = {} } = options;
  const bounds: LiveBounds = { ...LIVE_BOUNDS, ...options.bounds };
  const seats = new Set<Seat>();
  let touched = new Set<PatientId>();
  /** What each watched patient's connection was when last told, so that silence is told too. */
  const told = new Map<PatientId, Connection>();
  let lastId = 0;
  let isTicking = false;
  let isClosed = false;
  let tickTimer: NodeJS.Timeout | undefined;
  let beatTimer: NodeJS.Timeout | undefined;

  function attach(reader: LiveReader): (() => void) | undefined {
    if (isClosed || seats.size >= bounds.readersMax) return undefined;
    let own = 0;
    for (const seat of seats) if (seat.reader.owner === reader.owner) own++;
    if (own >= bounds.readersPerOwnerMax) return undefined;
    const seat: Seat = {
      reader,
      state: 'opening',
      hasSnapshot: false,
      isOutdated: false,
      behindSinceMs: 0,
      floorBytes: 0,
      missed: new Set(),
    };
    seats.add(seat);
    startTimers();
    void open(seat);
    return () => leave(seat);
  }

  function leave(seat: Seat): void {
    seats.delete(seat);
    if (seats.size > 0) return;
    clearInterval(tickTimer);
    clearInterval(beatTimer);
    tickTimer = beatTimer = undefined;
    touched = new Set();
    told.clear();
  }

  function startTimers(): void {
    tickTimer ??= setInterval(() => void tick(), bounds.tickMs);
    beatTimer ??= setInterval(beat, bounds.beatMs);
  }

  /** Whatever happens while the snapshot is made is in it. */
  async function open(seat: Seat): Promise<void> {
    seat.state = 'opening';
    seat.isOutdated = false;
    seat.missed.clear();
    const { wards, beside, wantsVitals } = seat.reader;
    const json = await readSnapshot({
      sources,
      now,
      wards,
      ...(beside !== undefined && { beside }),
      wantsVitals,
      tilesPerSlice: bounds.tilesPerSlice,
      missed: seat.missed,
      // What others were told before stays: if it has changed since, the next tick tells everyone.
      onConnection: (id, connection) => void (told.has(id) || told.set(id, connection)),
    });
    if (!seats.has(seat)) return;
    const bytes = event('snapshot', json);
    seat.reader.write(bytes);
    hooks.sent?.(bytes.length);
    seat.state = 'live';
    seat.hasSnapshot = true;
    seat.floorBytes = seat.reader.pendingBytes();
  }

  function alarmChanged(change: AlarmChange): void {
    if (change.kind === 'unchanged' || seats.size === 0) return;
    const view = sources.view();
    const ward = wardOfAlarm(view, change.alarm);
    const { kind, by, previousPriority } = change;
    const body: LiveAlert = {
      serverTime: now(),
      change: kind,
      ...(by !== undefined && { by }),
      ...(previousPriority !== undefined && { previousPriority }),
      alert: alertNow(view, change.alarm),
    };
    const bytes = event('alert', JSON.stringify(body));
    for (const seat of seats) {
      if (seat.hasSnapshot && (sees(seat.reader, ward) || isBeside(seat.reader, change.alarm.patientId)))
        write(seat, bytes);
    }
  }

  function systemAlarmChanged(alarm: SystemAlarm): void {
    if (seats.size === 0) return;
    const body: LiveSystemAlarm = { serverTime: now(), alarm: toSystemAlarm(alarm) };
    const bytes = event('system', JSON.stringify(body));
    for (const seat of seats) if (seat.hasSnapshot) write(seat, bytes);
  }

  function beat(): void {
    const body: LiveBeat = { serverTime: now() };
    const bytes = event('beat', JSON.stringify(body));
    for (const seat of seats) if (seat.hasSnapshot) write(seat, bytes);
  }

  async function tick(): Promise<void> {
    // A tick that outlasts its second skips the next: what was touched is not lost, only told later.
    if (isTicking) return;
    isTicking = true;
    const startedMs = performance.now();
    try {
      for (const seat of seats) catchUp(seat);
      // Not emptied: a set that is used again and again links each table to the next, and an old one keeps all later ones.
      const moved = touched;
      touched = new Set();
      const besides = readersBeside();
      const watched = watchedWards();
      for (const ward of watched) await tellWard(ward, { moved, besides });
      tellBeside(besides, { moved, watched });
    } finally {
      isTicking = false;
      hooks.tickMs?.(performance.now() - startedMs);
    }
  }

  /** A ward's changed tiles, in events of bounded size; between two of them the thread is free for readings. */
  async function tellWard(
    ward: WardId,
    { moved, besides }: { readonly moved: ReadonlySet<PatientId>; readonly besides: ReadersBeside },
  ): Promise<void> {
    let tiles: string[] = [];
    let looked = 0;
    for (const place of placesIn(sources.view(), ward, sources.statusOf)) {
      const tile = changedTile(place, moved);
      if (tile !== undefined) {
        tiles.push(tile);
        for (const seat of besides.get(place.id) ?? []) send([seat], ward, [tile]);
      }
      // Looking is a fifth of the work of serialising.
      if (tiles.length >= bounds.tilesPerSlice || ++looked % (bounds.tilesPerSlice * 5) === 0) {
        sendTiles(ward, tiles);
        tiles = [];
        await nextTurn();
      }
    }
    sendTiles(ward, tiles);
  }

  /** Of wards that nobody watches, only the patients somebody has beside their own. */
  function tellBeside(
    besides: ReadersBeside,
    { moved, watched }: { readonly moved: ReadonlySet<PatientId>; readonly watched: ReadonlySet<WardId> },
  ): void {
    const view = sources.view();
    for (const [patientId, readers] of besides) {
      const place = view.place(patientId);
      if (place === undefined || watched.has(place.wardId ?? NO_WARD)) continue;
      const tile = changedTile(place, moved);
      if (tile !== undefined) send(readers, place.wardId ?? NO_WARD, [tile]);
    }
  }

  function readersBeside(): ReadersBeside {
    const view = sources.view();
    const besides = new Map<PatientId, Seat[]>();
    for (const seat of seats) {
      if (!seat.reader.wantsVitals) continue;
      for (const patientId of seat.reader.beside ?? []) {
        if (sees(seat.reader, view.place(patientId)?.wardId ?? NO_WARD)) continue;
        const readers = besides.get(patientId);
        if (readers === undefined) besides.set(patientId, [seat]);
        else readers.push(seat);
      }
    }
    return besides;
  }

  function changedTile(place: PatientPlace, moved: ReadonlySet<PatientId>): string | undefined {
    const status = sources.statusOf(place.id);
    const at = { ms: now(), isOffline: sources.isOffline };
    const connection = connectionOf(status, at);
    if (!moved.has(place.id) && told.get(place.id) === connection) return undefined;
    told.set(place.id, connection);
    return tileJson(place, status, connection);
  }

  function sendTiles(ward: WardId, tiles: readonly string[]): void {
    if (tiles.length === 0) return;
    send(
      [...seats].filter(({ reader }) => sees(reader, ward)),
      ward,
      tiles,
    );
  }

  function send(to: readonly Seat[], ward: WardId, tiles: readonly string[]): void {
    const head = `{"serverTime":${now()},"wardId":${JSON.stringify(ward)},"tiles":[`;
    const bytes = event('vitals', `${head}${tiles.join(',')}]}`);
    for (const seat of to) if (seat.state === 'live' && seat.reader.wantsVitals) write(seat, bytes);
  }

  function watchedWards(): ReadonlySet<WardId> {
    const watched = new Set<WardId>();
    for (const { reader } of seats) {
      if (!reader.wantsVitals) continue;
      for (const ward of reader.wards === 'all' ? allWards(sources.view()) : reader.wards) watched.add(ward);
    }
    return watched;
  }

  /** Everything after the snapshot goes through here, which keeps each reader's memory bounded. */
  function write(seat: Seat, bytes: Buffer): void {
    const { reader } = seat;
    seat.floorBytes = Math.min(seat.floorBytes, reader.pendingBytes());
    reader.write(bytes);
    hooks.sent?.(bytes.length);
    const growth = reader.pendingBytes() - seat.floorBytes;
    if (growth > bounds.dropBytes) drop(seat);
    else if (growth > bounds.behindBytes && seat.state === 'live') {
      seat.state = 'behind';
      seat.behindSinceMs = now();
    }
  }

  function catchUp(seat: Seat): void {
    const hasRead = seat.reader.pendingBytes() === 0;
    if (seat.state === 'live' && seat.isOutdated && hasRead) void open(seat);
    if (seat.state !== 'behind') return;
    if (hasRead) void open(seat);
    else if (now() - seat.behindSinceMs > bounds.behindMaxMs) drop(seat);
  }

  function drop(seat: Seat): void {
    leave(seat);
    seat.reader.write(event('overflow', JSON.stringify({ serverTime: now() } satisfies LiveBeat)));
    seat.reader.end();
    hooks.ended?.('overflow');
  }

  function event(name: EventName, json: string): Buffer {
    hooks.event?.(name);
    return encodeEvent({ id: ++lastId, name, json });
  }

  return {
    touched(patientIds) {
      if (seats.size === 0) return;
      const opening = [...seats].filter((seat) => seat.state === 'opening');
      for (const id of patientIds) {
        touched.add(id);
        for (const seat of opening) seat.missed.add(id);
      }
    },
    alarmChanged,
    systemAlarmChanged,
    registryChanged() {
      // Told with the next tick, so that enrolling a thousand devices does not send a thousand snapshots.
      for (const seat of seats) seat.isOutdated = true;
    },
    attach,
    readers: () => seats.size,
    close() {
      isClosed = true;
      for (const seat of [...seats]) {
        leave(seat);
        seat.reader.end();
        hooks.ended?.('closed');
      }
    },
  };
}

type ReadersBeside = ReadonlyMap<PatientId, readonly Seat[]>;

function isBeside({ beside }: LiveReader, patientId: PatientId): boolean {
  return beside?.has(patientId) === true;
}

function sees(reader: LiveReader, ward: WardId): boolean {
  return reader.wards === 'all' || reader.wards.has(ward);
}
