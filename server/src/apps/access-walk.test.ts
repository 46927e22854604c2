import { AccessPolicies, AccessWhy, EmergencyAccess, EmergencyAccessList } from '@healthsync/contracts/access';
import { WardPlan } from '@healthsync/contracts/ward-plan';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rolesMay } from '../access/role-decisions.ts';
import { ACCOUNT_ROLES, ACTION_NAMES, type Action } from '../domain/access.ts';
import { startTestProgram, type TestPerson, type TestProgram } from './test-program.ts';

/** The whole program, and everybody who may ask it something: what is open to whom, by asking. */
let program: TestProgram;
let routes: AccessPolicies['routes'];

const PEOPLE = [
  ...ACCOUNT_ROLES.map((role) => ({ name: `all-${role}`, roles: [role], wardIds: [] })),
  { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
  { name: 'carl', roles: ['charge-nurse'], wardIds: ['A'] },
  { name: 'phil', roles: ['physician'], wardIds: ['A'] },
  { name: 'both', roles: ['nurse', 'privacy-officer'], wardIds: [] },
  { name: 'ada', roles: ['admin'], wardIds: ['A'] },
  { name: 'north', roles: ['admin'], wardIds: [], tenantId: 'north' },
] satisfies readonly TestPerson[];

beforeAll(async () => {
  program = await startTestProgram(PEOPLE);
  const { status, body } = await call('all-privacy-officer', 'GET', '/api/access/policies');
  expect([status, [...Value.Errors(AccessPolicies, body)]]).toEqual([200, []]);
  routes = (body as AccessPolicies).routes;
}, 120_000);
afterAll(() => program?.stop());

/** What is told in words; two answers are compared by it. */
async function call(...asked: Parameters<TestProgram['call']>) {
  const { status, body } = await program.call(...asked);
  return { status, body };
}

/** With ids of nothing that exists. */
const filled = (path: string, id = 'none-such'): string => path.replaceAll(/:\w+/g, id).replace('*', 'none.js');
const isAction = (asks: string): asks is Action => ACTION_NAMES.some((name) => name === asks);

/** Nobody is asked who they are here, and why that is right. */
const PUBLIC: readonly (readonly [path: RegExp, why: string])[] = [
  [/^\/$|^\/assets\/|^\/[\w-]+\.(svg|js|webmanifest|png|ico)$/, 'the app itself: the same for everybody, without data'],
  [/^\/health\/(live|ready)$/, 'asked by what restarts and balances; says up or down'],
  [/^\/api\/openapi\.json$|asyncapi\.(yaml|json)$/, 'the description of the interface'],
  [
    /^\/api\/(session|setup)$|^\/api\/session\/(factors|passkey|second-factor|ways|pending)/,
    'signing in: the body is the proof',
  ],
  [/^\/api\/csp-reports$/, 'browsers send it by themselves: counted by kind, nothing of it is kept'],
  [/^\/hooks\//, 'from vendors: every request is signed, and refused otherwise'],
  [/^\/pki\//, 'which certificates of devices do not count'],
  [/^\/oidc\/|\/\.well-known\//, 'the OpenID provider’s own protocol, and public keys'],
  [/^\/api\/invitations\/accept$/, 'the invitation’s secret is the proof'],
  [/^\/scim\//, 'asks for a service account’s token itself'],
];

describe('every route', () => {
  it('asks for an action that a policy knows, or is public for a reason', () => {
    expect(routes.length).toBeGreaterThan(80);
    const unexplained = routes.filter(
      ({ path, asks }) =>
        !(isAction(asks) || asks === 'device' || (asks === 'public' && PUBLIC.some(([known]) => known.test(path)))),
    );
    expect(unexplained).toEqual([]);
  });

  it('refuses a stranger before anything is looked up', async () => {
    for (const { method, path, asks } of routes.filter(({ asks }) => asks !== 'public')) {
      const { status } = await call(undefined, method, filled(path));
      expect(status, `${method} ${path} (${asks})`).toBe(401);
    }
  }, 60_000);

  it.each(ACCOUNT_ROLES)(
    'lets %s in where a policy does, and nowhere else',
    async (role) => {
      for (const { method, path, asks } of routes) {
        if (!isAction(asks) || isEnd(method, path)) continue;
        const { status, body } = await call(`all-${role}`, method, filled(path), method === 'GET' ? undefined : {});
        const isRefused = status === 401 || (status === 403 && body?.code === 'role-needed');
        const answered = `${method} ${path}: ${status} ${body?.code ?? ''}`;
        expect(isRefused, answered).toBe(!rolesMay([role], asks));
        expect(status, answered).toBeLessThan(500);
      }
    },
    120_000,
  );
});

/** Ends the session that asks. */
const isEnd = (method: string, path: string): boolean => method === 'DELETE' && path.startsWith('/api/session');

describe('whoever was given ward A', () => {
  const AT_PATIENT = /^\/api\/patients\/:id/;
  const AT_WARD = /^\/api\/wards\/:id/;

  it.each(['nora', 'carl', 'phil'])(
    '%s finds a patient and a ward of B no more than ones that do not exist',
    async (who) => {
      const probed = routes.filter(
        ({ method, path }) => method === 'GET' && (AT_PATIENT.test(path) || AT_WARD.test(path)),
      );
      expect(probed.length).toBeGreaterThan(5);
      for (const { path } of probed) {
        const theirs = await call(who, 'GET', filled(path, AT_PATIENT.test(path) ? 'PB' : 'B'));
        const none = await call(who, 'GET', filled(path));
        expect(theirs, path).toEqual(none);
        expect(theirs.status, path).toBeGreaterThanOrEqual(400);
      }
    },
  );
  it('changes nothing there', async () => {
    for (const { method, path, asks } of routes.filter(({ method }) =>
      ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method),
    )) {
      if (!isAction(asks) || !(AT_PATIENT.test(path) || AT_WARD.test(path))) continue;
      const id = AT_PATIENT.test(path) ? 'PB' : 'B';
      const { status } = await call('phil', method, filled(path, id), {});
      expect(status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
    }
  });
  it('meets no name of B in any list', async () => {
    for (const { path, asks } of routes.filter(({ method, path }) => method === 'GET' && !path.includes(':'))) {
      if (!isAction(asks) || path === '/api/live') continue;
      const { body } = await call('phil', 'GET', path);
      expect(JSON.stringify(body ?? ''), path).not.toContain('ZephyrinB');
    }
  });
});

describe('an emergency', () => {
  const REASON = 'unresponsive in the corridor of B';

  it('opens one patient to one person, loudly, and is reviewed by somebody else', async () => {
    expect((await call('nora', 'GET', '/api/patients/PB')).status).toBe(404);
    const opened = await call('nora', 'POST', '/api/break-glass', { patientId: 'PB', reason: REASON, minutes: 5 });
    expect([opened.status, [...Value.Errors(EmergencyAccess, opened.body)]]).toEqual([201, []]);
    expect(opened.body).toMatchObject({ state: 'active', proof: 'password', by: 'nora', wardId: 'B' });
    expect((await call('nora', 'GET', '/api/patients/PB')).body).toMatchObject({ familyName: 'ZephyrinB' });
    expect((await call('nora', 'GET', '/api/patients/PB/vitals')).status).toBe(200);
    expect((await call('phil', 'GET', '/api/patients/PB')).status).toBe(404);
    expect((await call('nora', 'PUT', '/api/patients/PB/limits', { reason: 'x', rules: [] })).status).toBe(403);
    const { body: loud } = await call('all-privacy-officer', 'GET', '/api/system-alarms?state=active');
    const alarm = loud.alarms.find(({ rule }: { readonly rule: string }) => rule === 'emergency-access');
    expect(alarm.text).toContain('nora has opened a patient’s record in an emergency (Ward B)');
    expect(alarm.text).not.toContain('Zephyrin');
    expect((await call('nora', 'GET', '/api/me/break-glass')).body.accesses).toHaveLength(1);

    const { id } = opened.body;
    const review = { justified: true, comment: 'She was the first at the bed.' };
    expect((await call('nora', 'POST', `/api/break-glass/${id}/review`, review)).status).toBe(403);
    const { body: queue } = await call('all-privacy-officer', 'GET', '/api/break-glass');
    expect([...Value.Errors(EmergencyAccessList, queue)]).toEqual([]);
    expect(queue.accesses).toMatchObject([{ id, reason: REASON }]);
    const reviewed = await call('all-privacy-officer', 'POST', `/api/break-glass/${id}/review`, review);
    expect(reviewed.body).toMatchObject({ state: 'reviewed', review: { justified: true, by: 'all-privacy-officer' } });
    expect((await call('all-privacy-officer', 'POST', `/api/break-glass/${id}/review`, review)).body.code).toBe(
      'already-reviewed',
    );

    expect((await call('phil', 'POST', `/api/break-glass/${id}/end`)).status).toBe(404);
    expect((await call('nora', 'POST', `/api/break-glass/${id}/end`)).body).toMatchObject({ state: 'reviewed' });
    expect((await call('nora', 'GET', '/api/patients/PB')).status).toBe(404);
    const { body: after } = await call('all-privacy-officer', 'GET', '/api/system-alarms?state=active');
    expect(after.alarms.filter(({ rule }: { readonly rule: string }) => rule === 'emergency-access')).toEqual([]);
  });
  it('is found by the bed as well, and nobody reviews their own', async () => {
    // Who reviews has all wards: closed to them is who is specially protected.
    const protect = (isVip: boolean) =>
      call('all-privacy-officer', 'PUT', '/api/patients/PB/vip', { isVip, reason: 'a colleague' });
    await protect(true);
    const { status, body } = await call('both', 'POST', '/api/break-glass', { bed: 'b-01', reason: REASON });
    expect([status, body.patientId]).toEqual([201, 'PB']);
    const own = await call('both', 'POST', `/api/break-glass/${body.id}/review`, {
      justified: true,
      comment: 'me' + 'e',
    });
    expect([own.status, own.body.code]).toEqual([403, 'own-emergency']);
    expect((await protect(false)).status).toBe(200);
  });
  it.each([
    ['a patient that is open already', 'nora', { patientId: 'PA', reason: REASON }, 409, 'not-needed'],
    ['nobody', 'nora', { patientId: 'PX', reason: REASON }, 404, 'not-found'],
    ['no reason', 'nora', { patientId: 'PB', reason: '            ' }, 400, 'invalid-input'],
    ['neither patient nor bed', 'nora', { reason: REASON }, 400, 'invalid-input'],
    ['who has no business with patients', 'all-admin', { patientId: 'PB', reason: REASON }, 403, 'role-needed'],
    ['a system', 'all-integration', { patientId: 'PB', reason: REASON }, 403, 'role-needed'],
  ])('is refused for %s', async (_what, who, sent, status, code) => {
    const answer = await call(who, 'POST', '/api/break-glass', sent);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});

describe('why can X see Y', () => {
  const why = (query: string) => call('all-privacy-officer', 'GET', `/api/access/why?${query}`);

  it('answers with the policies that decided and what they looked at', async () => {
    const { body } = await why('user=nora&action=vitals.read&patient=PA');
    expect([...Value.Errors(AccessWhy, body)]).toEqual([]);
    expect(body).toMatchObject({
      allowed: true,
      resource: { kind: 'patient', id: 'PA', wardId: 'A' },
      policies: [{ id: 'nurse', effect: 'permit' }],
    });
    expect(body.attributes).toContainEqual({ name: 'resource.ward', value: 'A', words: expect.any(String) });
    expect(body.summary).toMatch(/^Yes: nora may read a patient’s values/);
  });
  it('and for a refusal with what stands in the way, and what would open it', async () => {
    expect((await why('user=nora&action=vitals.read&patient=PB')).body).toMatchObject({
      allowed: false,
      policies: [{ id: 'other-ward-patient', effect: 'forbid' }],
      obligation: 'break-glass',
    });
    expect((await why('user=all-admin&action=vitals.read&patient=PB')).body).toMatchObject({
      allowed: false,
      policies: [],
      rolesNeeded: ['nurse', 'charge-nurse', 'physician', 'integration'],
    });
  });
  it('names what it does not know', async () => {
    expect((await why('user=nobody&action=vitals.read')).status).toBe(404);
    expect((await why('user=nora&action=vitals.raed')).body.errors[0].field).toBe('action');
    expect((await why('user=nora&action=device.read&device=D-none')).body.errors[0].field).toBe('device');
  });
});

describe('what it is done for', () => {
  it('is said by the caller, and closes what is not for it', async () => {
    const asked = (purpose: string) =>
      call('nora', 'GET', '/api/patients/PA', undefined, { 'x-purpose-of-use': purpose });
    expect((await asked('treatment')).status).toBe(200);
    expect((await asked('operations')).body).toMatchObject({ code: 'refused-by-policy' });
    expect((await asked('research')).status).toBe(404);
    expect((await asked('curiosity')).body.errors[0].field).toBe('x-purpose-of-use');
  });
});

describe('wards and beds', () => {
  /** What is made here is removed again. */
  const steps = async (who: string, asked: readonly (readonly [string, string, unknown, number, string?])[]) => {
    for (const [method, path, sent, status, code] of asked) {
      const answer = await call(who, method, path, sent);
      expect([answer.status, answer.body?.code], `${who} ${method} ${path}`).toEqual([status, code]);
    }
  };
  const plan = async (who: string) => {
    const { status, body } = await call(who, 'GET', '/api/ward-plan');
    expect([status, [...Value.Errors(WardPlan, body)]]).toEqual([200, []]);
    return body as WardPlan;
  };
  const C1 = { id: 'C-1', wardId: 'C', label: 'C-01' };

  it('are made, called otherwise, moved and removed; the wall and whoever is given them know at once', async () => {
    await steps('all-admin', [
      ['POST', '/api/wards', { id: 'C', name: 'Ward C', departmentId: 'heart' }, 201],
      ['POST', '/api/wards', { id: 'C', name: 'Again' }, 409, 'taken'],
      ['POST', '/api/beds', C1, 201],
      ['POST', '/api/beds', { ...C1, id: 'C-2' }, 409, 'taken'],
      ['POST', '/api/beds', { id: 'C-2', wardId: 'none', label: 'C-02' }, 400, 'invalid-input'],
      ['PUT', '/api/wards/C', { name: 'Cardiology' }, 200],
      ['PUT', '/api/beds/C-1', { wardId: 'C', label: ' Window ' }, 200],
    ]);
    expect((await plan('all-admin')).wards.find(({ id }) => id === 'C')).toEqual({
      id: 'C',
      name: 'Cardiology',
      beds: [{ id: 'C-1', wardId: 'C', label: 'Window' }],
    });
    const { body: walls } = await call('all-nurse', 'GET', '/api/wards');
    expect(walls.wards).toContainEqual({ id: 'C', name: 'Cardiology', beds: 1 });
    const { body: log } = await call('all-security', 'GET', '/api/audit?person=all-admin&action=ward.write&limit=20');
    expect(log.entries).toContainEqual(
      expect.objectContaining({
        resource: expect.objectContaining({ id: 'C-1' }),
        outcome: 'allowed',
        detail: expect.objectContaining({ label: 'Window', labelBefore: 'C-01' }),
      }),
    );
    await steps('all-admin', [
      ['DELETE', '/api/wards/C', undefined, 409, 'in-use'],
      ['DELETE', '/api/beds/C-1', undefined, 204],
      ['DELETE', '/api/wards/C', undefined, 204],
      ['DELETE', '/api/wards/C', undefined, 404, 'not-found'],
    ]);
    expect((await plan('all-admin')).wards.map(({ id }) => id)).toEqual(['A', 'B']);
  });
  it('stay where somebody lies, and say nothing of who', async () => {
    await steps('all-admin', [
      ['PUT', '/api/beds/A-1', { wardId: 'B', label: 'A-01' }, 409, 'in-use'],
      ['DELETE', '/api/beds/A-1', undefined, 409, 'in-use'],
    ]);
    expect(JSON.stringify(await plan('all-admin'))).not.toMatch(/PA|Zephyrin/);
  });
  it('are for whoever was given wards theirs alone, and for another organisation not there', async () => {
    expect(await plan('ada')).toMatchObject({ isWhole: false, wards: [{ id: 'A', beds: [{ id: 'A-1' }] }] });
    expect(await plan('north')).toEqual({ isWhole: true, wards: [] });
    await steps('ada', [
      ['POST', '/api/wards', { id: 'D', name: 'D' }, 403, 'other-ward'],
      ['PUT', '/api/wards/B', { name: 'Mine' }, 404, 'not-found'],
      ['DELETE', '/api/wards/A', undefined, 403, 'other-ward'],
      ['POST', '/api/beds', { id: 'B-2', wardId: 'B', label: 'B-02' }, 400, 'invalid-input'],
      ['PUT', '/api/beds/B-1', { wardId: 'A', label: 'B-01' }, 404, 'not-found'],
      ['PUT', '/api/beds/A-1', { wardId: 'B', label: 'A-01' }, 400, 'invalid-input'],
      ['DELETE', '/api/beds/B-1', undefined, 404, 'not-found'],
      ['POST', '/api/beds', { id: 'A-2', wardId: 'A', label: 'A-02' }, 201],
      ['DELETE', '/api/beds/A-2', undefined, 204],
    ]);
    await steps('north', [
      ['POST', '/api/wards', { id: 'B', name: 'Mine' }, 409, 'taken'],
      ['PUT', '/api/wards/B', { name: 'Mine' }, 404, 'not-found'],
      ['POST', '/api/wards', { id: 'N', name: 'North' }, 201],
      ['POST', '/api/beds', { id: 'B-1', wardId: 'N', label: 'x' }, 409, 'taken'],
      ['DELETE', '/api/wards/N', undefined, 204],
    ]);
  });
});
