import type pg from 'pg';
import { type Alarm, type AlarmChange, type ConditionTransition, nextAlarm } from '../../domain/alarm.ts';
import type { BedId, WardId } from '../../domain/ids.ts';
import { ALARM_FIELDS, toAlarm } from './alarm-rows.ts';

/** Applies transitions to the rows they concern, locked; answers with the changes, not yet written. */
export async function applyTransitions(
  client: pg.PoolClient,
  transitions: readonly ConditionTransition[],
  settle: (change: AlarmChange, before: Alarm | undefined) => AlarmChange,
): Promise<{ readonly changes: readonly AlarmChange[]; writeApplied(): Promise<void> }> {
  const known = await lockKnown(client, transitions);
  const changes = transitions.flatMap((transition) => applyOne(known, transition, settle) ?? []);
  return { changes, writeApplied: () => writeApplied(client, known) };
}

/** What was applied last to one patient and rule. */
interface Applied {
  readonly partition: number;
  readonly offset: number;
  readonly step: number;
  /** The latest event time among all that were applied. */
  readonly atMs: number;
}

interface Known {
  /** By patient and rule. */
  readonly applied: Map<string, Applied>;
  readonly changed: Map<string, ConditionTransition>;
  readonly open: Map<string, Alarm>;
  /** Alarms of these transitions that exist already, open or not. */
  readonly ids: Set<string>;
  /** By patient. */
  readonly places: ReadonlyMap<string, { readonly wardId?: WardId; readonly bedId?: BedId }>;
}

function applyOne(
  known: Known,
  transition: ConditionTransition,
  settle: (change: AlarmChange, before: Alarm | undefined) => AlarmChange,
): AlarmChange | undefined {
  const key = keyOf(transition);
  const applied = known.applied.get(key);
  if (applied !== undefined && !isNew(applied, transition)) return undefined;
  known.applied.set(key, {
    ...transition.position,
    atMs: Math.max(transition.atMs, applied?.atMs ?? Number.NEGATIVE_INFINITY),
  });
  known.changed.set(key, transition);
  const before = known.open.get(key);
  const decided = nextAlarm(before, transition, known.places.get(transition.patientId) ?? {});
  if (decided === undefined) return undefined;
  const change = settle(decided, before);
  // The same reading cannot begin two alarms of a rule.
  if (change.kind === 'raised' && known.ids.has(change.alarm.id)) return undefined;
  known.ids.add(change.alarm.id);
  if (change.alarm.state === 'active') known.open.set(key, change.alarm);
  else known.open.delete(key);
  return change;
}

/**
 * A replay brings transitions at or before the applied position, and of times already seen. A log that began anew (its
 * folder was lost, or it was cut into other partitions) brings lower positions too, but of later times: to take those
 * for a replay would keep a patient's alarms silent until the new log had caught up with the old.
 */
function isNew(applied: Applied, { position, atMs }: ConditionTransition): boolean {
  if (position.partition !== applied.partition || position.offset < applied.offset) return atMs > applied.atMs;
  return position.offset > applied.offset || position.step > applied.step;
}

/** Locks, always in the same order, all that these transitions can touch. */
async function lockKnown(client: pg.PoolClient, transitions: readonly ConditionTransition[]): Promise<Known> {
  const pairs = [...new Map(transitions.map((each) => [keyOf(each), each])).values()];
  const patients = pairs.map(({ patientId }) => patientId);
  const rules = pairs.map(({ rule }) => rule);
  // Only these may raise an alarm.
  const present = transitions.filter(({ kind }) => kind !== 'ended');
  const [conditions, alarms, existing, places] = await Promise.all([
    // The update changes nothing: it locks the row, waiting for whoever has it, and answers with what it is by then.
    client.query<Applied & { readonly patientId: string; readonly rule: string }>(
      `insert into alarm_condition as condition (patient_id, rule, partition, log_offset, step, at)
       select patient_id, rule, -1, -1, -1, to_timestamp(0) from unnest($1::text[], $2::text[]) as pair (patient_id, rule)
       order by patient_id, rule
       on conflict (patient_id, rule) do update set step = condition.step
       returning patient_id as "patientId", rule, partition, log_offset as "offset", step, at as "atMs"`,
      [patients, rules],
    ),
    client.query<object>(
      `select ${ALARM_FIELDS} from alarm
       where state = 'active' and (patient_id, rule) in (select * from unnest($1::text[], $2::text[]))
       order by id for update`,
      [patients, rules],
    ),
    present.length === 0
      ? NONE
      : client.query<{ id: string }>('select id from alarm where id = any($1)', [
          present.map(({ alarmId }) => alarmId),
        ]),
    readPlaces(client, [...new Set(present.map(({ patientId }) => patientId))]),
  ]);
  return {
    applied: new Map(
      conditions.rows.filter(({ partition }) => partition >= 0).map((condition) => [keyOf(condition), condition]),
    ),
    changed: new Map(),
    open: new Map(alarms.rows.map(toAlarm).map((alarm) => [keyOf(alarm), alarm])),
    ids: new Set(existing.rows.map(({ id }) => id)),
    places,
  };
}

const NONE = { rows: [] };

async function readPlaces(client: pg.PoolClient, patients: readonly string[]): Promise<Known['places']> {
  if (patients.length === 0) return new Map();
  const { rows } = await client.query<{ id: string; bedId: BedId | null; wardId: WardId | null }>(
    `select patient.id, bed.id as "bedId", bed.ward_id as "wardId"
     from patient join bed on bed.id = patient.bed_id where patient.id = any($1)`,
    [patients],
  );
  return new Map(
    rows.map(({ id, bedId, wardId }) => [
      id,
      { ...(wardId === null ? {} : { wardId }), ...(bedId === null ? {} : { bedId }) },
    ]),
  );
}

async function writeApplied(client: pg.PoolClient, { applied, changed }: Known): Promise<void> {
  const rows = [...changed].map(([key, { patientId, rule }]) => {
    const { partition = -1, offset = -1, step = -1, atMs = 0 } = applied.get(key) ?? {};
    return { patient_id: patientId, rule, partition, log_offset: offset, step, at: new Date(atMs) };
  });
  if (rows.length === 0) return;
  await client.query(
    `update alarm_condition as condition
     set partition = next.partition, log_offset = next.log_offset, step = next.step, at = next.at
     from jsonb_populate_recordset(null::alarm_condition, $1::jsonb) as next
     where condition.patient_id = next.patient_id and condition.rule = next.rule`,
    [JSON.stringify(rows)],
  );
}

/** Ids hold no blanks. */
const keyOf = ({ patientId, rule }: { readonly patientId: string; readonly rule: string }) => `${patientId} ${rule}`;
