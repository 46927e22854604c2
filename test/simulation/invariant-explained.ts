import type { Alarm } from '../../server/src/domain/alarm.ts';
import type { AlarmId } from '../../server/src/domain/ids.ts';
import { happeningOf } from '../../server/src/domain/topic.ts';
import type { DeliveryRecord } from '../../server/src/ports/outbox.ts';
import type { Deliveries } from './deliveries.ts';
import { BOARD, HEART_RATE, RESPIRATION, SPO2, STAFF } from './ward.ts';
import { type Page, short, type World } from './world.ts';

/**
 * The history explains each page: by its delivery it leads to a change of the alarm, to a step of a round of its
 * escalation, or to the watchdog; to people who belong to that; and by the alarm to the rule and the reading it saw.
 */
export function historyExplainsEachPage(world: World, deliveries: Deliveries): readonly string[] {
  const byId = new Map<string, { readonly alarmId: AlarmId; readonly record: DeliveryRecord }>();
  for (const [alarmId, records] of deliveries)
    for (const record of records) byId.set(record.deliveryId, { alarmId, record });
  const found: string[] = [];
  for (const page of world.pages) {
    if (page.event === 'summary') continue;
    const known = byId.get(page.key);
    const alarm = known === undefined ? undefined : world.alarms.alarms.get(known.alarmId);
    const why =
      known === undefined || alarm === undefined || page.alarmId !== alarm.id
        ? 'no delivery, or of no alarm'
        : (whyNot(world, page, known.record, alarm) ?? unfounded(world, alarm));
    if (why !== undefined) found.push(`page ${page.key} to ${page.recipient} (${page.event}): ${why}`);
  }
  return found;
}

/** Undefined: it is explained. */
function whyNot(world: World, page: Page, { dedupeKey, event }: DeliveryRecord, alarm: Alarm): string | undefined {
  if (dedupeKey === undefined) {
    const happened = world.changes.some(
      ({ change, atMs }) => change.alarm.id === alarm.id && atMs <= page.atMs && happeningOf(change)?.event === event,
    );
    if (page.recipient !== BOARD) return 'only the board has subscribed';
    return happened ? undefined : `nothing happened that is told as ${event}`;
  }
  const [source, of = '', stepped = ''] = dedupeKey.split(':');
  if (source === 'watchdog')
    return world.escalations.claims.some(({ alarmId }) => alarmId === alarm.id)
      ? belongs(page, alarm, 'everyone')
      : 'the watchdog did not claim it';
  const number = Number(of.slice(of.lastIndexOf('.') + 1));
  const round = world.escalations.kept.get(alarm.id)?.find((each) => each.round.round === number);
  const [step = '', repeat] = stepped.split('.');
  if (round === undefined) return 'no such round';
  const written = round.steps.find((each) => each.step === step && each.repeat === Number(repeat));
  // Ordered first, written then: somebody may have taken the alarm in between.
  if (written === undefined && round.round.end === undefined) return 'no such step';
  if (written !== undefined && !written.recipients.some((each) => each.dedupeKey === dedupeKey))
    return 'the step names others';
  return belongs(page, alarm, step);
}

/** The right person. */
function belongs({ recipient }: Page, { wardId, kind }: Alarm, step: string): string | undefined {
  const name = recipient.split('@')[0];
  const person = STAFF.find((each) => each.name === name);
  const isOfWard = person?.ward === wardId;
  const isOnCall = person !== undefined && person.ward === undefined;
  const is =
    step === 'nurse'
      ? isOfWard && person?.role === 'nurse'
      : step === 'charge-nurse-and-doctor'
        ? isOfWard && (person?.role === 'charge-nurse' || (kind === 'physiological' && person?.role === 'physician'))
        : step === 'on-call'
          ? isOnCall && name === 'otto'
          : isOfWard || isOnCall;
  return is ? undefined : `not one of step ${step} of ward ${wardId}`;
}

/** Undefined: the alarm stands on a reading that the log holds, and that is beyond the limit it names. */
function unfounded({ readings }: World, { rule, readingId, patientId, cause, id }: Alarm): string | undefined {
  const reading = readings.find((each) => each.id === readingId && each.patientId === patientId);
  if (reading === undefined) return `alarm ${short(id)} stands on no reading`;
  if (cause.reasons === undefined) return `alarm ${short(id)} names no rule`;
  const limit = [HEART_RATE, RESPIRATION, SPO2].find((each) => each.id === rule);
  const value = limit === undefined ? undefined : reading.vitals[limit.vital];
  const isBeyond =
    limit === undefined || value === undefined
      ? rule.startsWith('technical.')
      : limit.comparison === 'above'
        ? value > limit.limit
        : value < limit.limit;
  return isBeyond ? undefined : `alarm ${short(id)} stands on a reading within its limit`;
}
