import type pg from 'pg';
import type { Alarm } from '../../domain/alarm.ts';
import { type AlarmQuery, UNPLACED_WARD } from '../../ports/alarm-store.ts';
import { ALARM_FIELDS, toAlarm } from './alarm-rows.ts';

/** Alarms by where their patients lie now, which is what the live stream goes by too. */
export async function listAlarms(pool: pg.Pool, query: AlarmQuery): Promise<readonly Alarm[]> {
  const { patientId, wardIds, open, priorities, unacknowledged, ownerId, fromMs, toMs, after, limit } = query;
  const isWorklist = query.order === 'worklist';
  const { rows } = await pool.query<object>(
    `select ${ALARM_FIELDS} from alarm
     left join patient on patient.id = alarm.patient_id left join bed on bed.id = patient.bed_id
     where ($1::text is null or alarm.patient_id = $1)
       and ($2::text[] is null or coalesce(bed.ward_id, alarm.ward_id, '${UNPLACED_WARD}') = any($2)
         or alarm.patient_id = any($13))
       and ($3::text is null or alarm.state = $3)
       and ($4::timestamptz is null or alarm.raised_at >= $4)
       and ($5::timestamptz is null or alarm.raised_at < $5)
       and ($6::text[] is null or alarm.priority = any($6))
       and ($7::boolean is null or (alarm.acknowledged_at is null) = $7)
       and ($8::text is null or alarm.owner_id = $8)
       and ($9::text is null or ${isWorklist ? AFTER_IN_WORKLIST : AFTER_BY_AGE})
     order by ${isWorklist ? `${RANK}, alarm.raised_at, alarm.id` : 'alarm.raised_at desc, alarm.id desc'}
     limit $12`,
    [
      patientId,
      wardIds,
      open === undefined ? undefined : open ? 'active' : 'resolved',
      timeOf(fromMs),
      timeOf(toMs),
      priorities,
      unacknowledged,
      ownerId,
      after?.id,
      timeOf(after?.raisedAtMs),
      after?.rank,
      limit,
      query.besides ?? [],
    ],
  );
  return rows.map(toAlarm);
}

/** `domain/alarm-order.ts#worklistRank`; the contract suite holds the two equal. */
const RANK = `(
  100 * case
    when alarm.state = 'resolved' then 3
    when alarm.acknowledged_at is not null then 2
    when alarm.snoozed_until is not null then 1
    else 0 end
  + case alarm.priority when 'high' then 0 when 'medium' then 10 else 20 end
  + case alarm.kind when 'technical' then 5 else 0 end
  + case alarm.condition when 'ended' then 11 else 0 end
)`;

const AFTER_IN_WORKLIST = `(${RANK}, alarm.raised_at, alarm.id) > ($11::int, $10::timestamptz, $9)`;
// The rank has no part in it, but every parameter needs a type.
const AFTER_BY_AGE = `(alarm.raised_at, alarm.id) < ($10::timestamptz, $9) and ($11::int is null or true)`;

const timeOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));
