import type { Reading } from '../../server/src/domain/reading.ts';
import { type Dice, dice } from './dice.ts';

/** When a story begins. Everything below is counted from here, in milliseconds of true time. */
export const START_MS = 1_800_000_000_000;
/** Until then anything may go wrong; from then on nothing does. */
export const FAULTS_END_MS = 45_000;
/** Until then somebody may be beyond a limit. */
export const BREACHES_END_MS = 110_000;
/** By then everything is over. */
export const END_MS = 400_000;

export const NODES = ['A', 'B'] as const;
export type NodeName = (typeof NODES)[number];
export const CHANNELS = ['mail', 'text'] as const;
export type ChannelName = (typeof CHANNELS)[number];

/** By how much a clock may be wrong. */
export const CLOCK_WRONG_MS = 30_000;

/** All that will happen from outside, thrown before it begins: the same seed, the same plan. */
export interface Plan {
  readonly seed: number;
  /** Nothing goes wrong at all. */
  readonly isCalm: boolean;
  readonly nodes: readonly NodeName[];
  readonly patients: readonly PatientPlan[];
  /** From then on somebody goes round and acknowledges whatever is open: when all are well, and all should be told. */
  readonly roundMs: number;
  readonly crashes: readonly Crash[];
  /** The database refuses; of one node, or of all. */
  readonly outages: readonly (Span & { readonly node?: NodeName })[];
  /** A node stands still. */
  readonly freezes: readonly (Span & { readonly node: NodeName })[];
  /** A node's clock is wrong. */
  readonly clocks: readonly (Span & { readonly node: NodeName; readonly aheadMs: number })[];
  readonly channelTroubles: readonly (Span & { readonly channel: ChannelName; readonly trouble: Trouble })[];
  /** How often a call to the database is refused, loses its answer, or takes long, while things go wrong. */
  readonly refused: number;
  readonly answerLost: number;
  readonly slow: number;
  /** How often a notice of the database is lost; whoever listens learns of it later. */
  readonly noticeLost: number;
  /** How willingly people answer what they are told. */
  readonly answers: number;
  /** For whatever is decided on the way. */
  readonly dice: Dice;
  /** Nurses want to hear nothing now that is not high. */
  readonly hasQuietHours: boolean;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export type Trouble =
  | 'busy' // refuses for now
  | 'refuses' // refuses for good
  | 'silent' // takes nothing and says nothing
  | 'slow' // takes it, after the caller has given up
  | 'no-receipt'; // takes it, and the answer is lost

/** Of a node: at a moment, or with one of its calls to the database, before or after that is committed. */
export type Crash = { readonly node: NodeName; readonly restartAfterMs: number } & (
  | { readonly atMs: number }
  | { readonly atCall: number; readonly phase: 'before' | 'after' }
);

export interface PatientPlan {
  readonly name: string;
  readonly ward: 'W1' | 'W2';
  /** When the last breach is over. */
  readonly wellMs: number;
  /** As they arrive: late, twice, in another order. */
  readonly arrivals: readonly Arrival[];
}

export interface Arrival {
  readonly atMs: number;
  /** By the device's clock. */
  readonly measuredAtMs: number;
  readonly id: string;
  readonly vitals: Reading['vitals'];
}

export function planOf(seed: number): Plan {
  const throws = dice(seed);
  const nodes: readonly NodeName[] = throws.chance(0.4) ? ['A', 'B'] : ['A'];
  const isCalm = throws.chance(0.1);
  const some = <T>(probability: number, most: number, make: () => T): T[] =>
    isCalm || !throws.chance(probability) ? [] : Array.from({ length: throws.between(1, most) }, make);
  const rate = (probability: number, most: number) =>
    isCalm || !throws.chance(probability) ? 0 : throws.next() * most;
  const patients = Array.from({ length: throws.chance(0.3) ? 2 : 1 }, (_, index) => patientPlan(index, isCalm, throws));
  return {
    seed,
    isCalm,
    nodes,
    patients,
    roundMs: Math.max(FAULTS_END_MS + 45_000, 15_000 + Math.max(...patients.map(({ wellMs }) => wellMs))),
    crashes: some(0.6, 3, () => crash(throws, nodes)),
    outages: some(0.3, 2, () => ({
      ...span(throws, 25_000),
      ...(throws.chance(0.5) ? { node: throws.pick(nodes) } : {}),
    })),
    freezes: some(0.25, 2, () => ({ ...span(throws, 35_000), node: throws.pick(nodes) })),
    clocks: some(0.25, 2, () => ({
      ...span(throws, 30_000),
      node: throws.pick(nodes),
      aheadMs: throws.between(-CLOCK_WRONG_MS, CLOCK_WRONG_MS),
    })),
    channelTroubles: some(0.5, 3, () => ({
      ...span(throws, 40_000),
      channel: throws.pick(CHANNELS),
      trouble: throws.pick<Trouble>(['busy', 'refuses', 'silent', 'slow', 'no-receipt']),
    })),
    refused: rate(0.3, 0.1),
    answerLost: rate(0.4, 0.1),
    slow: rate(0.3, 0.2),
    noticeLost: rate(0.3, 0.5),
    answers: throws.pick([0, 0.2, 0.6]),
    dice: throws.own(),
    hasQuietHours: throws.chance(0.3),
  };
}

function crash(throws: Dice, nodes: readonly NodeName[]): Crash {
  const common = { node: throws.pick(nodes), restartAfterMs: throws.between(200, 15_000) };
  return throws.chance(0.3)
    ? { ...common, atMs: throws.between(0, FAULTS_END_MS) }
    : { ...common, atCall: throws.between(1, 200), phase: throws.pick(['before', 'after'] as const) };
}

/** Within the time in which things go wrong. */
function span(throws: Dice, longestMs: number): Span {
  const fromMs = throws.between(0, FAULTS_END_MS - 1_000);
  return { fromMs, toMs: Math.min(FAULTS_END_MS, fromMs + throws.between(500, longestMs)) };
}

function patientPlan(index: number, isCalm: boolean, throws: Dice): PatientPlan {
  const name = `P${index}`;
  const everyMs = throws.pick([3_000, 4_000]);
  const skewMs = isCalm ? 0 : throws.between(-1_500, 1_500);
  const breaches = Array.from({ length: throws.between(1, 3) }, () => breach(throws));
  const away = !isCalm && throws.chance(0.25) ? span(throws, 44_000) : undefined;
  const arrivals: Arrival[] = [];
  // Heard until somebody has gone round; what falls silent after that is another story.
  for (let atMs = 1_000, count = 0; atMs < END_MS; atMs += everyMs, count++) {
    const breached = (what: Breach['vital']) =>
      breaches.some(({ vital, fromMs, toMs }) => vital === what && atMs >= fromMs && atMs < toMs);
    const respiratoryRate = breached('respiratoryRate') ? throws.between(31, 40) : throws.between(10, 24);
    const heartRate = breached('heartRate') ? throws.between(161, 195) : throws.between(60, 120);
    const spo2 = breached('spo2') ? throws.between(70, 84) : throws.between(93, 99);
    // Heard again, a device sends what it kept meanwhile: all at once, in any order.
    const isKept = away !== undefined && atMs >= away.fromMs && atMs < away.toMs;
    const arrivesMs = isKept ? away.toMs + throws.between(0, 2_000) : atMs + throws.between(1, 300);
    const late = !isCalm && atMs < FAULTS_END_MS && throws.chance(0.04) ? throws.between(1_000, 15_000) : 0;
    const arrival = {
      atMs: arrivesMs + late,
      measuredAtMs: atMs + skewMs,
      id: `${name}.${count}`,
      vitals: { heartRate, respiratoryRate, spo2 },
    };
    arrivals.push(arrival);
    if (!isCalm && throws.chance(0.03)) arrivals.push({ ...arrival, atMs: arrival.atMs + throws.between(0, 12_000) });
  }
  return {
    name,
    ward: throws.pick(['W1', 'W2'] as const),
    wellMs: Math.max(...breaches.map(({ toMs }) => toMs)),
    arrivals: arrivals.sort((a, b) => a.atMs - b.atMs),
  };
}

interface Breach extends Span {
  readonly vital: 'heartRate' | 'respiratoryRate' | 'spo2';
}

/** A value or two; as long as the first steps of an escalation; as long as all of them. */
const SHORT = [1_000, 6_000] as const;
const LONGER = [10_000, 30_000] as const;
const LONG = [30_000, 90_000] as const;

function breach(throws: Dice): Breach {
  const fromMs = throws.between(1_000, BREACHES_END_MS - 10_000);
  const [least, most] = throws.pick<readonly [number, number]>([SHORT, LONGER, LONG]);
  const lastsMs = throws.between(least, most);
  return {
    vital: throws.pick(['heartRate', 'heartRate', 'heartRate', 'respiratoryRate', 'spo2'] as const),
    fromMs,
    toMs: Math.min(BREACHES_END_MS, fromMs + lastsMs),
  };
}
