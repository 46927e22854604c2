import type { Deliveries } from './deliveries.ts';
import type { Node } from './node.ts';
import { short, type World } from './world.ts';

/** Every alarm ends: patients are well, somebody has gone round; so nothing is open, nothing waits, and no wall shows any. */
export function everyAlarmEnds(
  { alarms, escalations, workflow }: World,
  nodes: readonly Node[],
  deliveries: Deliveries,
): readonly string[] {
  const found: string[] = [];
  for (const { id, state, condition } of alarms.alarms.values())
    if (state === 'active') found.push(`alarm ${short(id)} is still open (${condition})`);
  for (const rounds of escalations.kept.values())
    for (const { round } of rounds) {
      const name = `round ${round.round} of ${short(round.alarmId)}`;
      if (round.end === undefined) found.push(`${name} has not ended`);
      const status = workflow.statusOf(`${round.definition}:${round.alarmId}.${round.round}`);
      if (status === undefined || status === 'RUNNING')
        found.push(`the execution of ${name} is ${status ?? 'missing'}`);
    }
  for (const [alarmId, records] of deliveries)
    for (const { state, deliveryId, event, recipient, lastDetail = 'never tried' } of records)
      if (state === 'pending')
        found.push(`${deliveryId} of ${short(alarmId)} still waits (${event} to ${recipient}: ${lastDetail})`);
  for (const node of nodes) {
    const desk = node.desk();
    if (desk === undefined) found.push(`${node.name} does not run`);
    for (const { id } of desk?.open() ?? [])
      if (alarms.alarms.get(id)?.state !== 'active') found.push(`the wall of ${node.name} still shows ${short(id)}`);
  }
  return found;
}
