import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rolesMay } from '../../server/src/access/role-decisions.ts';
import type { Role } from '../../server/src/domain/access.ts';
import type { Asked, Endpoint } from './endpoints.ts';
import type { Answer, Furnished } from './furnishing.ts';
import { startWorld, type World } from './world.ts';

/**
 * Whoever works on ward A, with everything of ward B: every endpoint that is asked about something of a ward, by path,
 * query or body, is asked about B's instead, and about what does not exist. The cases are made from the routes there are.
 */
let world: World;
beforeAll(async () => {
  world = await startWorld([
    { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
    { name: 'carl', roles: ['charge-nurse'], wardIds: ['A'] },
    { name: 'phil', roles: ['physician'], wardIds: ['A'] },
  ]);
}, 120_000);
afterAll(() => world?.stop());

const WHO = [
  ['nora', 'nurse'],
  ['carl', 'charge-nurse'],
  ['phil', 'physician'],
] as const;

/** Of what it does not matter whose ward it is, and why. */
const EVERYBODYS: readonly (readonly [what: RegExp, why: string])[] = [
  [/ \/api\/break-glass with/, 'an emergency opens a patient of any ward, with a reason, loudly and for review'],
  [/^GET \/api\/(rotas.* with rota|on-call with ward)/, 'who is on call is told to the whole house'],
  [/^GET \/api\/staff with ward/, 'so is who works on a ward'],
  [/ with user$/, 'who works here is told to the whole house, and may stand in on another ward'],
];
/** Known to the whole house, and refused as another ward’s: it need not look as if it were not there. */
const KNOWN_TO_ALL = / with rota$/;

describe.each(WHO)('%s of ward A', (name, role) => {
  it('finds what is of ward B no more than what does not exist, by any path, query or body', async () => {
    const secret = world.program.secretOf(name);
    const cases = casesFor(role);
    expect(cases.length).toBeGreaterThan(25);
    const told: string[] = [];
    for (const { what, endpoint, theirs, none } of cases) {
      const [of_b, of_none] = [
        await world.ask(endpoint, theirs, { secret }),
        await world.ask(endpoint, none, { secret }),
      ];
      const isSame = shown(of_b, theirs) === shown(of_none, none) || (KNOWN_TO_ALL.test(what) && of_b.status === 403);
      // What is equal to the answer about nothing tells nothing of B; but nothing is done to it either.
      if (!isSame || (endpoint.method !== 'GET' && of_b.status < 400))
        told.push(`${what} of B: ${shown(of_b, theirs)}, and of none: ${shown(of_none, none)}`);
    }
    expect(told).toEqual([]);
  }, 120_000);
});

describe('afterwards', () => {
  it('ward B is as it was', async () => {
    const { B } = world;
    const { alerts } = JSON.parse((await world.as('nurse', 'GET', `/api/alerts?patient=${B.patient}`)).text);
    expect(alerts.filter(({ id }: { id: string }) => id === B.alert)).toMatchObject([{ state: 'active' }]);
    const { consents } = JSON.parse((await world.as('physician', 'GET', `/api/patients/${B.patient}/consents`)).text);
    expect(consents).toMatchObject([{ id: B.consent, version: 1, state: 'active' }]);
    const { overrides } = JSON.parse((await world.as('physician', 'GET', `/api/patients/${B.patient}/rules`)).text);
    expect(JSON.stringify(overrides)).toContain(B.ruleOverride);
    const team = await world.as('charge-nurse', 'GET', `/api/wards/${B.ward}/care-team`);
    expect(JSON.parse(team.text).assignments).toMatchObject([{ id: B.assignment }]);
  });
});

interface Probe {
  readonly what: string;
  readonly endpoint: Endpoint;
  readonly theirs: Asked;
  readonly none: Asked;
}

/** Every endpoint that the role's door opens, once for everything of A in its valid request. */
function casesFor(role: Role): readonly Probe[] {
  const { A, B } = world;
  return world.endpoints
    .filter(({ asks }) => asks !== 'public' && asks !== 'device' && (asks === 'signed-in' || rolesMay([role], asks)))
    .flatMap((endpoint) =>
      (Object.keys(A) as (keyof Furnished)[]).flatMap((of) => {
        const theirs = swapped(endpoint.valid, A[of], B[of]);
        if (JSON.stringify(theirs) === JSON.stringify(endpoint.valid)) return [];
        const what = `${endpoint.method} ${endpoint.url} with ${of}`;
        return [{ what, endpoint, theirs, none: swapped(endpoint.valid, A[of], NONE[of]) }];
      }),
    )
    .filter(({ what }) => !EVERYBODYS.some(([known]) => known.test(what)));
}

/** Ids of the same form, of nothing. */
const NONE: Furnished = {
  ward: 'N',
  bed: 'N-1',
  patient: 'PN',
  device: 'DN',
  user: 'u-target-N',
  rota: 'RN',
  alert: 'A-0000000000000000',
  consent: 'c-000000000000',
  ruleOverride: 'o-000000000000',
  assignment: 'a-000000000000',
};

/** Everywhere it stands by itself. */
function swapped(asked: Asked, from: string, to: string): Asked {
  const swap = (value: unknown): unknown => {
    if (value === from) return to;
    if (Array.isArray(value)) return value.map(swap);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, swap(each)]));
  };
  return swap(asked) as Asked;
}

/** An answer as far as it may not differ: without the id that was asked for, which whoever asked knows. */
function shown({ status, text }: Answer, asked: Asked): string {
  const ids = [...Object.values(asked.path), ...Object.values(asked.query)];
  return `${status} ${ids.reduce((rest, id) => (id.length > 1 ? rest.replaceAll(id, '…') : rest), text).slice(0, 400)}`;
}
