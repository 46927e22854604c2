import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttackList, readAttackLists } from './attack-lists.ts';
import { type Asked, type Endpoint, headerText, type Slot } from './endpoints.ts';
import { UNFIT } from './example.ts';
import { complaintsOf, isDefect } from './judge.ts';
import { startWorld, type World } from './world.ts';

/**
 * Every list of attack strings against every endpoint of the program, in every place of a request that somebody else
 * can write. Which string comes to which place is dealt out, always in the same way:
 *
 * - every list meets every endpoint with everything else in the request as it should be: in its path, query or
 *   body, and one endpoint in eight in a header; the string and the place move on from endpoint to endpoint and from list to list;
 * - every single string meets every fourth endpoint among many others, as a parameter, header or field nobody knows.
 *
 * `HEALTHSYNC_ATTACKS=all` takes every string to every endpoint, by itself as well; that takes hours. `7/400` takes the
 * seventh of 400 parts of it.
 */
const LISTS = readAttackLists();
const WISH = process.env['HEALTHSYNC_ATTACKS'] ?? '';
const [, nth, parts] = /^(\d+)\/(\d+)$/.exec(WISH) ?? [];
const PART = { nth: Number(nth ?? 1), of: Number(parts ?? 1) };
const isThorough = WISH === 'all' || nth !== undefined;

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(() => world?.stop());

const CANARY = /Zephyrin/;
/** As many as a house of people has under way; the audit log then writes many entries in one go. */
const AT_ONCE = 64;

describe('every endpoint', () => {
  it('is given a request that its schemas accept, and most go through', async () => {
    expect(world.endpoints.length).toBeGreaterThan(150);
    expect([...UNFIT]).toEqual([]);
    const answered = new Map<string, number>();
    for (const endpoint of askable()) {
      const { status } = await world.ask(endpoint, endpoint.valid);
      answered.set(nameOf(endpoint), status);
    }
    const counts = Map.groupBy(answered.values(), (status) => status);
    console.info(
      `valid requests: ${[...counts]
        .sort()
        .map(([status, all]) => `${all.length} × ${status}`)
        .join(', ')}`,
    );
    console.debug(
      [...answered]
        .filter(([, status]) => status >= 400)
        .map(([name, status]) => `${status} ${name}`)
        .join('\n'),
    );
    expect([...answered.values()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
  }, 300_000);
});

describe.runIf(LISTS !== undefined)('attack lists', () => {
  const lists = LISTS ?? [];

  it('break no endpoint, in no place, and nothing comes back that should not', async () => {
    const found = createFindings();
    let asked = 0;
    await inTurns(dealt(lists, askable()), async ({ endpoint, slot, text }) => {
      asked++;
      await found.judge(endpoint, slot.name, slot.fill(endpoint.valid, text), text);
    });
    console.info(`${asked} requests, one place spoiled in each`);
    await found.askSlowAgain();
    expect(found.complaints()).toEqual([]);
  }, 3_600_000);

  it('break no endpoint all at once', async () => {
    const found = createFindings();
    let asked = 0;
    const every = [...new Set(lists.flatMap(({ strings }) => strings))];
    const queries = packed(every, ENVELOPE, encodedLength);
    const bodies = packed(every, { length: BODY_MAX, count: every.length }, jsonLength);
    const requests = function* () {
      for (const [e, endpoint] of askable().entries())
        for (const [p, strings] of (hasBody(endpoint) ? bodies : queries).entries())
          if (isThorough || (e + p) % 4 === 0) yield { endpoint, strings };
    };
    await inTurns(requests(), async ({ endpoint, strings }) => {
      asked++;
      await found.judge(endpoint, 'everywhere', crowded(endpoint, strings), '');
    });
    console.info(`${every.length} strings to ${askable().length} endpoints in ${asked} requests`);
    await found.askSlowAgain();
    expect(found.complaints()).toEqual([]);
  }, 3_600_000);
});

describe('afterwards', () => {
  it('the program serves as before, and its objects are as they were', async () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((await world.program.call(undefined, 'GET', '/health/ready')).status).toBe(200);
  });
  it('those who did not take part are signed in as before', async () => {
    expect((await world.program.call('bystander', 'GET', '/api/session')).body).toMatchObject({
      name: 'bystander',
      roles: ['physician'],
    });
    expect((await world.program.call('bystander', 'GET', '/api/patients/PA')).body.familyName).toBe('ZephyrinA');
  });
  it('no line of the log names a patient, and none tells of a defect', () => {
    expect(world.logged.filter((line) => CANARY.test(line))).toEqual([]);
    expect(world.logged.filter(isDefect).slice(0, 5)).toEqual([]);
  });
});

/** A live stream never ends, and is asked for on a socket. */
const askable = (): readonly Endpoint[] => world.endpoints.filter(({ url }) => url !== '/api/live');
const hasBody = ({ method }: Endpoint): boolean => !['GET', 'OPTIONS'].includes(method);
const nameOf = ({ method, url }: Endpoint): string => `${method} ${url}`;

interface Attack {
  readonly endpoint: Endpoint;
  readonly slot: Slot;
  readonly text: string;
}

/** Every list with every endpoint. */
function* dealt(lists: readonly AttackList[], endpoints: readonly Endpoint[]): Generator<Attack> {
  for (const [e, endpoint] of endpoints.entries()) {
    const headers = endpoint.slots.filter(({ isHeader }) => isHeader);
    const others = endpoint.slots.filter(({ isHeader }) => !isHeader);
    for (const [l, { strings }] of lists.entries())
      for (const i of isThorough ? strings.keys() : [e])
        for (const [slots, more] of [
          [others, 0],
          [headers, 1],
        ] as const)
          if (isThorough || more === 0 || (e + l) % 8 === 0)
            yield { endpoint, slot: at(slots, e + l + i), text: at(strings, 2 * i + more) };
  }
}

const at = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;

/** Below what is refused by its size alone: 8,192 characters of address, 128 parameters, 16 KiB of headers; 64 KiB of body. */
const ADDRESS_MAX = 7_000;
const PARAMETERS_MAX = 60;
const ENVELOPE = { length: 18_000, count: PARAMETERS_MAX + 60 };
const BODY_MAX = 60_000;
const encodedLength = (text: string): number => encodeURIComponent(text).length + 8;
const jsonLength = (text: string): number => 2 * Buffer.byteLength(JSON.stringify(text)) + 8;

function packed(
  strings: readonly string[],
  most: { readonly length: number; readonly count: number },
  lengthOf: (text: string) => number,
): readonly (readonly string[])[] {
  const packs: string[][] = [[]];
  let used = 0;
  for (const text of strings) {
    const length = lengthOf(text);
    if (length > most.length) continue; // alone too long for any request: refused before anybody reads it
    if (used + length > most.length || packs.at(-1)?.length === most.count) {
      packs.push([]);
      used = 0;
    }
    packs.at(-1)?.push(text);
    used += length;
  }
  return packs;
}

function crowded(endpoint: Endpoint, strings: readonly string[]): Asked {
  const { valid } = endpoint;
  if (!hasBody(endpoint)) {
    // As parameters while there is room, and then as headers.
    const query: Record<string, string> = {};
    const headers: Record<string, string> = {};
    let used = 0;
    for (const [index, text] of strings.entries()) {
      used += encodedLength(text);
      if (used < ADDRESS_MAX && index < PARAMETERS_MAX) query[`x${index}`] = text;
      else headers[`x-attack-${index}`] = headerText(text);
    }
    return { ...valid, query: { ...query, ...valid.query }, headers: { ...valid.headers, ...headers } };
  }
  if (valid.raw !== undefined)
    return {
      ...valid,
      raw: `${valid.raw}&${new URLSearchParams(Object.fromEntries(strings.map((text, index) => [`x${index}`, text])))}`,
    };
  // Names and values, in an array as well as in an object of their own.
  const body = Object.fromEntries(strings.filter((text) => text !== '__proto__').map((text) => [text, text]));
  return { ...valid, body: { ...(valid.body as object), 'not known': body } };
}

/** Then a request is looked at once more. Those that were under way beside it as well, and few others. */
const SLOW_MS = 10_000;
const SLOW_MAX = 2 * AT_ONCE;
/** Of the processor, in µs: what never ends, or as good as. A request of the largest body takes a few hundredths of it. */
const WORK_MAX_US = 10_000_000;

/** What was complained of, by what it was: a thousand strings that break one place are one finding. */
function createFindings() {
  const found = new Map<string, string>();
  const slow: (() => Promise<void>)[] = [];
  return {
    async judge(endpoint: Endpoint, slot: string, asked: Asked, text: string): Promise<void> {
      const answer = await world.ask(endpoint, asked);
      if (answer.ms > SLOW_MS && slow.length < SLOW_MAX)
        slow.push(async () => {
          const before = process.threadCpuUsage();
          await world.ask(endpoint, asked);
          const { user, system } = process.threadCpuUsage(before);
          if (user + system > WORK_MAX_US) found.set(`${nameOf(endpoint)}, ${slot}: is work without end`, text);
        });
      const complaints = complaintsOf(answer, { url: endpoint.url, slot, text, canary: CANARY });
      for (const complaint of complaints)
        found.set(`${nameOf(endpoint)}, ${slot}: ${complaint}`, JSON.stringify(text).slice(0, 200));
    },
    /** Who was slow among others may have waited for them, or for a busy machine: by itself it is the work that counts. */
    async askSlowAgain(): Promise<void> {
      for (const again of slow) await again();
    },
    /** A few of each kind tell what there is to mend. */
    complaints: () => [...found].map(([complaint, text]) => `${complaint} for ${text}`).slice(0, 40),
  };
}

async function inTurns<T>(work: Iterable<T>, run: (one: T) => Promise<void>): Promise<void> {
  const iterator = partOf(work);
  const worker = async () => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function* partOf<T>(work: Iterable<T>): Generator<T> {
  let at = 0;
  for (const one of work) if (at++ % PART.of === PART.nth % PART.of) yield one;
}
