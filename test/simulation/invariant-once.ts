import { happeningOf } from '../../server/src/domain/topic.ts';
import type { Deliveries } from './deliveries.ts';
import { LEASE_MS } from './node.ts';
import { CLOCK_WRONG_MS } from './plan.ts';
import { BOARD } from './ward.ts';
import { short, type World } from './world.ts';

/**
 * No effect twice. What is ordered is ordered once; what is ordered is sent again only where an attempt was put back, or
 * nobody can know what became of it and its lease is over; and what was recorded as delivered is never taken again.
 */
export function nothingHappensTwice(world: World, deliveries: Deliveries): readonly string[] {
  return [...orderedOnce(world, deliveries), ...takenInTurn(world), ...sentWhenTaken(world)];
}

function orderedOnce({ changes }: World, deliveries: Deliveries): readonly string[] {
  const found: string[] = [];
  for (const [alarmId, records] of deliveries) {
    // By what the key says: of whom, at which step, by which way.
    const keys = records.flatMap(({ dedupeKey }) => dedupeKey?.replace(/\+$/, '') ?? []);
    if (new Set(keys).size < keys.length) found.push(`alarm ${short(alarmId)}: a telling was ordered twice`);
    const happened = changes
      .filter(({ change }) => change.alarm.id === alarmId)
      .flatMap(({ change }) => happeningOf(change)?.event ?? []);
    const told = Map.groupBy(
      records.filter(({ dedupeKey }) => dedupeKey === undefined),
      ({ event, channel, recipient }) => `${event} ${channel} ${recipient}`,
    );
    for (const [what, all] of told)
      if (all.length > happened.filter((event) => event === all[0]?.event).length)
        found.push(`alarm ${short(alarmId)}: ${what} was ordered ${all.length} times`);
  }
  return found;
}

/** What the first 30 ms of a call's way, and two clocks that differ, may take off a lease. */
const WAY_MS = 100;

function takenInTurn({ takings, plan }: World): readonly string[] {
  const found: string[] = [];
  const slackMs = WAY_MS + (plan.clocks.length > 0 ? 2 * CLOCK_WRONG_MS : 0);
  const last = new Map<string, { readonly atMs: number; readonly what: string }>();
  for (const { deliveryId, what, atMs } of takings) {
    const before = last.get(deliveryId);
    if (before?.what === 'delivered') {
      if (what === 'taken') found.push(`${deliveryId} was taken again although it was recorded as delivered`);
      continue;
    }
    if (what === 'taken' && before?.what === 'taken' && atMs - before.atMs < LEASE_MS - slackMs)
      found.push(`${deliveryId} was taken twice within its lease`);
    last.set(deliveryId, { atMs, what });
  }
  return found;
}

function sentWhenTaken({ sendings, takings, pages }: World): readonly string[] {
  const found: string[] = [];
  const count = (all: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
    return counts;
  };
  const taken = count(takings.flatMap(({ what, by, deliveryId }) => (what === 'taken' ? `${by} ${deliveryId}` : [])));
  for (const [what, times] of count(sendings.map(({ by, key }) => `${by} ${key}`)))
    if (times > (taken.get(what) ?? 0)) found.push(`${what} was sent more often than it was taken`);
  for (const { by, key, channel, atMs } of sendings) {
    const last = takings.findLast((each) => each.deliveryId === key && each.by === by && each.atMs <= atMs);
    if (last?.isTaken === true && last.isCall === true && channel !== BOARD)
      found.push(`${key} called a person although somebody had the alarm when it was taken to be sent`);
  }
  const sent = count(sendings.map(({ key }) => key));
  for (const [key, times] of count(pages.map((page) => page.key)))
    if (times > (sent.get(key) ?? 0)) found.push(`${key} was received more often than it was sent`);
  return found;
}
