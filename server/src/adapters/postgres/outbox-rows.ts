import type { Alarm, AlarmChange, Priority } from '../../domain/alarm.ts';
import type { AlarmId } from '../../domain/ids.ts';
import type { OtherPage } from '../../domain/told-together.ts';
import type { Delivery, DeliveryRecord, EarlierDeliveries, LatelyTold } from '../../ports/outbox.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';
import { epochMs } from './epoch-ms.ts';
import { withoutNulls } from './without-nulls.ts';

/** A delivery as it is read for a notifier, with what its recipient was told before and about whom else. */
export interface TakenRow {
  readonly deliveryId: string;
  readonly event: Delivery['event'];
  readonly rank: 0 | 1 | 2;
  readonly channel: string;
  readonly recipient: string;
  readonly userId: Delivery['userId'] | null;
  readonly attempt: number;
  readonly orderedAtMs: number;
  readonly isFollowUp: boolean;
  readonly insists: boolean;
  readonly others?: readonly OtherPage[] | null;
  readonly takenAtMs?: number | null;
  readonly about:
    | { readonly kind: 'system'; readonly alarm: SystemAlarm }
    | { readonly kind: 'summary'; readonly count: number }
    | null;
  readonly alarmId: string | null;
  readonly change: AlarmChange | null;
  readonly wasDelivered?: boolean | null;
  readonly isPending?: boolean | null;
  readonly wasToldOfRaising?: boolean | null;
  readonly latestOrderedAtMs?: number | null;
  readonly earlierReceipt?: string | null;
}

export const TAKEN_FIELDS = `
  taken.id as "deliveryId", taken.event, rank, channel, recipient, user_id as "userId", attempts as attempt,
  ordered_at as "orderedAtMs", is_follow_up as "isFollowUp", insists, about, taken.alarm_id as "alarmId", change, earlier.*`;

/** What this recipient was told of this alarm before. */
export const EARLIER = `
  left join lateral (
    select bool_or(before.state = 'delivered') as "wasDelivered", bool_or(before.state = 'pending') as "isPending",
      bool_or(before.state = 'delivered' and before.event = 'raised') as "wasToldOfRaising",
      max(before.ordered_at) filter (where before.state in ('delivered', 'pending') and not before.is_follow_up)
        as "latestOrderedAtMs",
      (array_agg(before.receipt order by before.delivered_at desc)
        filter (where before.state = 'delivered' and before.receipt is not null))[1] as "earlierReceipt"
    from delivery before
    where before.alarm_id = taken.alarm_id and before.channel = taken.channel and before.recipient = taken.recipient
      and before.sequence < taken.sequence
  ) as earlier on true`;

/** For the first time, and not yet known to have failed. As it was before this statement: those taken with it are not. */
const IS_BEING_SENT = '(other.attempts = 1 and other.leased_until > $1)';

/**
 * What this person was told of other alarms of this patient, from $4 before to $4 after: `domain/told-together.ts` says
 * which of it stands for this. More than 50 pages to one person about one patient within that time say nothing more.
 */
export const LATELY = `
  left join lateral (
    select (
      select jsonb_agg(page) from (
        select jsonb_strip_nulls(jsonb_build_object(
            'deliveryId', other.id, 'alarmId', other.alarm_id, 'event', other.event,
            'priority', (array['high', 'medium', 'low'])[other.rank + 1],
            'orderedAtMs', ${epochMs('other.ordered_at')}, 'deliveredAtMs', ${epochMs('other.delivered_at')},
            'state', case when other.state = 'delivered' then 'delivered'
              when other.attempts = 0 or ${IS_BEING_SENT} then 'under-way'
              else 'in-trouble' end,
            'goesFirst', other.sequence < taken.sequence or (taken.last_detail is null and coalesce(${IS_BEING_SENT}, false)),
            'alarm', jsonb_build_object(
              'state', its.state, 'condition', its.condition, 'priority', its.priority, 'kind', its.kind,
              'acknowledgedAtMs', ${epochMs('its.acknowledged_at')}, 'snoozedUntilMs', ${epochMs('its.snoozed_until')}
            )
          )) as page
        from delivery other join alarm its on its.id = other.alarm_id
        where other.channel = taken.channel and other.recipient = taken.recipient
          and other.ordered_at > taken.ordered_at - $4::float8 * interval '1 millisecond'
          and other.ordered_at < taken.ordered_at + $4::float8 * interval '1 millisecond'
          and other.state in ('pending', 'delivered') and not other.is_follow_up
          and other.alarm_id <> own.id and its.patient_id = own.patient_id
        order by other.sequence limit 50
      ) as pages
    ) as others,
    -- Of the last day's: an older one that is taken now says little, and a patient may stay for months.
    (
      select max(acknowledged_at) from alarm
      where alarm.patient_id = own.patient_id and alarm.raised_at > taken.ordered_at - interval '1 day'
    ) as "takenAtMs"
    from alarm own
    where own.id = taken.alarm_id and $4::float8 > 0 and taken.user_id is not null and not taken.is_follow_up
      and not taken.insists
  ) as lately on true`;

const PRIORITIES = ['high', 'medium', 'low'] as const satisfies readonly Priority[];

export function toDelivery(row: TakenRow, alarms: ReadonlyMap<string, Alarm>): Delivery {
  const { deliveryId, event, channel, recipient, userId, attempt, orderedAtMs, isFollowUp, insists } = row;
  return {
    deliveryId,
    event,
    channel,
    recipient,
    ...(userId === null || userId === undefined ? {} : { userId }),
    priority: PRIORITIES[row.rank],
    attempt,
    orderedAtMs,
    isFollowUp,
    insists,
    about: row.about ?? aboutAlarm(row, alarms),
  };
}

function aboutAlarm(row: TakenRow, alarms: ReadonlyMap<string, Alarm>): Delivery['about'] {
  // An event's alarm is written in its own transaction, so it is there; alarms are never deleted.
  const alarm = alarms.get(row.alarmId ?? '') ?? row.change?.alarm;
  if (alarm === undefined) throw new Error('a delivery about an alarm that never was');
  const change = row.change === null ? {} : { change: row.change };
  return { kind: 'alarm', alarm, ...change, earlier: earlierOf(row), lately: latelyOf(row) };
}

function earlierOf(row: TakenRow): EarlierDeliveries {
  return {
    wasDelivered: row.wasDelivered === true,
    isPending: row.isPending === true,
    wasToldOfRaising: row.wasToldOfRaising === true,
    ...(typeof row.latestOrderedAtMs === 'number' ? { latestOrderedAtMs: row.latestOrderedAtMs } : {}),
    ...(row.earlierReceipt === null || row.earlierReceipt === undefined ? {} : { receipt: row.earlierReceipt }),
  };
}

function latelyOf({ others, takenAtMs }: TakenRow): LatelyTold {
  return { others: others ?? [], ...(typeof takenAtMs === 'number' ? { takenAtMs } : {}) };
}

export interface RecordRow {
  readonly toldWithAlarm: AlarmId | null;
  readonly toldWithAtMs: number | null;
}

export function toRecord({ toldWithAlarm, toldWithAtMs, ...row }: RecordRow): DeliveryRecord {
  const toldWith =
    toldWithAlarm === null || toldWithAtMs === null ? {} : { toldWith: { alarmId: toldWithAlarm, atMs: toldWithAtMs } };
  return { ...(withoutNulls(row) as DeliveryRecord), ...toldWith };
}
