import { HOUR_MS, type PersonMemory, recent, type SessionTrail } from './anomaly-memory.ts';
import { type Detector, reason, type Seen, type Sight } from './anomaly-sight.ts';

/** Between sites of one town nobody is faster, and nothing between any two is faster than an airliner. */
const ROAD_KM_PER_HOUR = 130;
const AIR_KM_PER_HOUR = 950;
/** Farther than this one may have flown. */
const ROAD_KM = 300;
/** Buildings of one site, and the width of a coordinate. */
const SAME_PLACE_KM = 1;
/** What lies longer ago, anybody may have travelled. */
const REMEMBERED_MS = 24 * HOUR_MS;

/** A session that goes back and forth between networks is in two hands; a telephone that changes over does so once or twice. */
const BACK_AND_FORTH = 3;
const TRAIL_MS = 600_000;
const SESSIONS_MAX = 8;
const STEPS_MAX = 12;
const FOR_MS = 6 * HOUR_MS;

/** The same person at two places that are too far apart for the time between; or one session from two networks in turn. */
export const impossibleTravel: Detector = (memory, sight) => {
  const { entry } = sight;
  if (entry.actor.address === undefined || entry.outcome !== 'allowed') return { memory };
  const trail = followSession(memory, sight);
  const travel = followPlaces(trail.memory, sight);
  return { memory: travel.memory, ...noticedOf(travel.noticed ?? trail.noticed) };
};

function followPlaces(memory: PersonMemory, { entry, facts }: Sight): Seen {
  const { site, latitude, longitude } = facts.place ?? {};
  // Without coordinates it may be anywhere: a VPN's way out.
  if (site === undefined || latitude === undefined || longitude === undefined) return { memory };
  const { atMs, position } = entry;
  const before = memory.whereabouts;
  const here = { site, latitude, longitude, atMs, position };
  if (before !== undefined && atMs < before.atMs) return { memory };
  const next = { ...memory, whereabouts: here };
  if (before === undefined || before.site === site || atMs - before.atMs > REMEMBERED_MS) return { memory: next };
  const km = kilometresBetween(before, here);
  const hours = (atMs - before.atMs) / HOUR_MS;
  const fastest = km > ROAD_KM ? AIR_KM_PER_HOUR : ROAD_KM_PER_HOUR;
  if (km <= SAME_PLACE_KM || km <= fastest * hours) return { memory: next };
  const minutes = Math.round(hours * 60);
  const text = `At ${before.site} and ${minutes} minutes later at ${site}, ${Math.round(km)} km away: nobody travels so fast.`;
  return {
    memory: next,
    noticed: {
      kind: 'impossible-travel',
      key: [before.site, site].sort().join(' '),
      forMs: FOR_MS,
      score: km > ROAD_KM ? 90 : 75,
      reasons: [reason('too-far-too-soon', text, { kilometres: Math.round(km), minutes })],
      evidence: [before.position],
    },
  };
}

function followSession(memory: PersonMemory, { entry }: Sight): Seen {
  const { atMs, position, actor } = entry;
  const network = networkOf(actor.address ?? '');
  if (actor.sessionId === undefined || network === undefined) return { memory };
  const id = `${actor.sessionId} ${network.family}`;
  const known = memory.sessions.find((one) => one.id === id);
  const steps = known?.steps ?? [];
  if (steps.at(-1)?.network === network.prefix) return { memory };
  const walked = recent([...steps, { atMs, position, network: network.prefix }], {
    nowMs: memory.seenMs,
    spanMs: TRAIL_MS,
    most: STEPS_MAX,
  });
  const trail: SessionTrail = { id, steps: walked };
  const sessions = [...memory.sessions.filter((one) => one !== known), trail].slice(-SESSIONS_MAX);
  const next = { ...memory, sessions };
  const returns = walked.filter((step, at) => walked.slice(0, at).some((one) => one.network === step.network)).length;
  if (returns < BACK_AND_FORTH) return { memory: next };
  const networks = new Set(walked.map((step) => step.network)).size;
  const text = `One session came from ${networks} networks in turn, ${returns} times back and forth within ten minutes: its cookie or token is in two hands.`;
  return {
    memory: next,
    noticed: {
      kind: 'impossible-travel',
      key: id,
      forMs: FOR_MS,
      score: 80,
      reasons: [reason('session-in-two-places', text, { networks, returns })],
      evidence: walked.map((step) => step.position),
    },
  };
}

const noticedOf = (noticed: Seen['noticed']) => (noticed === undefined ? {} : { noticed });

/**
 * What one connection of one house has in common: 24 bits of IPv4, 64 of IPv6. A computer that has both uses them side by
 * side, so that they are followed each by itself.
 */
function networkOf(address: string): { readonly family: 4 | 6; readonly prefix: string } | undefined {
  const v4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address);
  if (v4?.[1] !== undefined) return { family: 4, prefix: v4[1] };
  if (!address.includes(':')) return undefined;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const whole = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')];
  return { family: 6, prefix: whole.slice(0, 4).join(':') };
}

interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

/** Along a great circle of a sphere of 6,371 km (haversine). */
export function kilometresBetween(a: Point, b: Point): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const share =
    half(b.latitude - a.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(b.longitude - a.longitude);
  return 2 * 6_371 * Math.asin(Math.min(1, Math.sqrt(share)));
}
