import type { DeviceId, PatientId, ReadingId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { atTheEnd, onTheWay } from './invariants.ts';
import { type Node, runNode } from './node.ts';
import { people } from './people.ts';
import { type Arrival, END_MS, FAULTS_END_MS, planOf, START_MS } from './plan.ts';
import { useTime } from './virtual-timers.ts';
import { openWorld, type Planted, type World } from './world.ts';

/** What became of one seed. */
export interface Story {
  readonly seed: number;
  /** What must never be, and was; empty: all is well. */
  readonly violations: readonly string[];
  readonly events: number;
  readonly alarms: number;
  readonly pages: number;
  readonly lives: number;
  /** Of virtual time. */
  readonly lastedSeconds: number;
}

/** Runs one seed from its beginning to its end. With `onLine` it tells what happens. */
export async function runStory(
  seed: number,
  options: { readonly planted?: Planted; readonly onLine?: (line: string) => void } = {},
): Promise<Story> {
  const plan = planOf(seed);
  const world = openWorld(plan, options.planted, options.onLine);
  useTime(world.time);
  const violations = new Set<string>();
  const nodes: Node[] = [];
  const { onPage } = people(world, () => nodes);
  for (const name of plan.nodes) nodes.push(runNode(world, name, onPage));
  for (const patient of plan.patients) bringReadings(world, patient.name, patient.arrivals, nodes);
  let isOver = false;
  let quietLooks = 0;
  const look = async (): Promise<void> => {
    for (const found of await onTheWay(world)) violations.add(found);
    quietLooks = world.sinceStart() > plan.roundMs && (await isQuiet(world)) ? quietLooks + 1 : 0;
    // What came last has reached every wall by the next look.
    isOver = violations.size > 0 || quietLooks > 1;
    if (!isOver) world.time.after(LOOK_EVERY_MS, undefined, () => void look());
  };
  world.time.after(FAULTS_END_MS, undefined, () => void look());
  await world.time.run(START_MS + END_MS, () => isOver);
  if (violations.size === 0) for (const found of await atTheEnd(world, nodes)) violations.add(found);
  useTime(undefined);
  for (const error of world.time.thrown) violations.add(`something threw: ${String((error as Error)?.stack ?? error)}`);
  return {
    seed,
    violations: [...violations],
    events: world.time.events,
    alarms: world.alarms.alarms.size,
    pages: world.pages.length,
    lives: world.lives,
    lastedSeconds: Math.round(world.sinceStart() / 1_000),
  };
}

const LOOK_EVERY_MS = 3_000;

/** One after the other, as they become durable. */
function bringReadings(world: World, name: string, arrivals: readonly Arrival[], nodes: readonly Node[]): void {
  let next = 0;
  const bring = (): void => {
    const arrival = arrivals[next++];
    if (arrival === undefined) return;
    world.time.after(START_MS + arrival.atMs - world.time.nowMs, undefined, () => {
      const reading: AssignedReading = {
        id: arrival.id as ReadingId,
        deviceId: `D-${name}` as DeviceId,
        patientId: name as PatientId,
        atMs: START_MS + arrival.measuredAtMs,
        receivedAtMs: world.time.nowMs,
        vitals: arrival.vitals,
        context: {},
        status: {},
      };
      world.readings.push(reading);
      for (const node of nodes) node.appended(reading);
      bring();
    });
  };
  bring();
}

/** Nothing is open, and nothing is left to be done. */
async function isQuiet({ alarms, escalations, workflow, outbox }: World): Promise<boolean> {
  for (const { state } of alarms.alarms.values()) if (state === 'active') return false;
  for (const rounds of escalations.kept.values())
    for (const { round } of rounds) {
      if (round.end === undefined) return false;
      if (workflow.statusOf(`${round.definition}:${round.alarmId}.${round.round}`) === 'RUNNING') return false;
    }
  return (await outbox.traffic()).every(({ waiting }) => waiting === 0);
}
