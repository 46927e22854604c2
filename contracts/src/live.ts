import { type Static, Type } from 'typebox';
import { Alert, AlertChangeKind } from './alert.ts';
import { SystemAlarm } from './system-alarm.ts';

/**
 * `GET /api/live` (server-sent events). Every event has an id; a client that comes back with `Last-Event-ID` gets a new
 * `snapshot`. No event carries a name: names are asked for apart, by those who may.
 *
 * - `snapshot`: at once, and after every reconnection.
 * - `vitals`: once a second per ward, only what changed.
 * - `alert`: at once, whenever an alarm changes.
 * - `system`: at once, whenever an alarm of the installation changes (`LiveSystemAlarm`).
 * - `beat`: every 2 s. A client that hears nothing for 5 s says the feed is down.
 * - `signed-out`: the session ended or was revoked; the last event of the stream.
 * - `overflow`: the client read too slowly; the last event of the stream. Come back for a new snapshot.
 */

export const TileValue = Type.Object({
  /** Canonical unit. */
  v: Type.Number(),
  /** When it was measured, ms since 1970 UTC. */
  at: Type.Integer(),
  /** When it was received, by the server's clock: what its age is counted from. `at` is the device's clock. */
  rx: Type.Integer(),
  /** From this age on (ms since it was received) the value is stale, and from that age on lost. */
  staleAfter: Type.Integer(),
  lostAfter: Type.Integer(),
});
export type TileValue = Static<typeof TileValue>;

export const News2 = Type.Object({
  score: Type.Integer({ minimum: 0, maximum: 20 }),
  /** Some parameter scores 3 alone. */
  single3: Type.Boolean(),
  /** Clinical risk (RCP chart 2): 0–4, a single 3, 5–6, 7 and more. Of a partial score: at least this. */
  tier: Type.Optional(Type.Enum(['low', 'low-medium', 'medium', 'high'])),
  /** The points of each parameter that was there. */
  points: Type.Record(Type.String(), Type.Integer()),
  /** Parameters that were not there, and since when (ms; absent: never). A score with any is partial. */
  missing: Type.Array(Type.Object({ parameter: Type.String(), since: Type.Optional(Type.Integer()) })),
});
export type News2 = Static<typeof News2>;

export const Tile = Type.Object(
  {
    patientId: Type.String(),
    wardId: Type.String(),
    bedId: Type.String(),
    bed: Type.String(),
    /** ms since 1970 UTC when the last reading was received; absent: never. */
    lastAt: Type.Optional(Type.Integer()),
    /** By the server's judgement at `serverTime`; the client ages values itself between events. */
    connection: Type.Enum(['waiting', 'live', 'stale', 'lost', 'leads-off', 'offline']),
    battery: Type.Optional(Type.Number()),
    oxygen: Type.Optional(Type.Boolean()),
    consciousness: Type.Optional(Type.String()),
    values: Type.Record(Type.String(), TileValue),
    news2: Type.Optional(News2),
    news2NotApplicable: Type.Optional(
      Type.Enum(['under-16', 'pregnancy', 'end-of-life', 'other'], {
        description: 'Why there is no NEWS2 for this patient: to be shown in its place.',
      }),
    ),
  },
  { $id: 'Tile' },
);
export type Tile = Static<typeof Tile>;

export const LiveSnapshot = Type.Object({
  serverTime: Type.Integer(),
  wards: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
  tiles: Type.Array(Tile),
  /** Open alarms. */
  alerts: Type.Array(Alert),
  /** Alarms of the installation that are not cleared. */
  system: Type.Optional(Type.Array(SystemAlarm)),
});
export type LiveSnapshot = Static<typeof LiveSnapshot>;

/** Whole tiles of the patients that changed. */
export const LiveVitals = Type.Object({ serverTime: Type.Integer(), wardId: Type.String(), tiles: Type.Array(Tile) });
export type LiveVitals = Static<typeof LiveVitals>;

export const LiveAlert = Type.Object({
  serverTime: Type.Integer(),
  change: AlertChangeKind,
  /** Who did it; absent: the condition itself, or the clock. */
  by: Type.Optional(Type.String()),
  /** With `priority-changed` and `returned`: what it was before, if that was another. */
  previousPriority: Type.Optional(Type.Enum(['high', 'medium', 'low'])),
  alert: Alert,
});
export type LiveAlert = Static<typeof LiveAlert>;

export const LiveBeat = Type.Object({ serverTime: Type.Integer() });
export type LiveBeat = Static<typeof LiveBeat>;
