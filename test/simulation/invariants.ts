import type { AlarmId } from '../../server/src/domain/ids.ts';
import type { DeliveryRecord } from '../../server/src/ports/outbox.ts';
import { everyAlarmEnds } from './invariant-ends.ts';
import { historyExplainsEachPage } from './invariant-explained.ts';
import { alarmsLiveAsTheyShould } from './invariant-life.ts';
import { nothingHappensTwice } from './invariant-once.ts';
import { breachesBecomeAlarms } from './invariant-raised.ts';
import { callsAreTold, escalationsGoOn, everyAlarmWasTold, timePasses } from './invariant-told.ts';
import type { Node } from './node.ts';
import type { World } from './world.ts';

/** What must hold all the time once nothing goes wrong any more. */
export async function onTheWay(world: World): Promise<readonly string[]> {
  return [...escalationsGoOn(world), ...timePasses(world), ...(await callsAreTold(world))];
}

/** What must hold once everything is over. */
export async function atTheEnd(world: World, nodes: readonly Node[]): Promise<readonly string[]> {
  const deliveries = new Map<AlarmId, readonly DeliveryRecord[]>();
  for (const id of world.alarms.alarms.keys()) deliveries.set(id, await world.outbox.deliveries(id));
  return [
    ...world.broken,
    ...breachesBecomeAlarms(world),
    ...everyAlarmWasTold(world, deliveries),
    ...nothingHappensTwice(world, deliveries),
    ...everyAlarmEnds(world, nodes, deliveries),
    ...historyExplainsEachPage(world, deliveries),
    ...alarmsLiveAsTheyShould(world),
  ];
}
