import {
  LintResult,
  News2Prescription,
  News2Versions,
  RuleProposal,
  RuleSetResponse,
  RuleVersions,
} from '@healthsync/contracts/rule';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CallOptions, startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

const LOW = {
  kind: 'limit',
  id: 'heartRate.above.low',
  vital: 'heartRate',
  comparison: 'above',
  limit: 120,
  priority: 'low',
};
const HIGH = { ...LOW, id: 'heartRate.above.high', limit: 160, priority: 'high' };

async function ask(path: string, token: string, init: CallOptions = {}, schema?: TSchema) {
  const answer = await server.call(path, { token, ...init });
  if (schema !== undefined) expect([...Value.Errors(schema, answer.body)]).toEqual([]);
  return answer;
}
const put = (path: string, token: string, body: object, headers: Record<string, string> = {}) =>
  ask(path, token, { method: 'PUT', body: { reason: 'because', ...body }, headers });
const ids = (body: { inForce: { rule: { id: string }; origin: { scope: string } }[] }) =>
  body.inForce.map(({ rule, origin }) => `${rule.id} ${origin.scope}`);

describe('alarm rules of house, ward and patient', () => {
  it('begin with the defaults, and the most specific of an id holds', async () => {
    const doctor = await server.token('physician');
    const first = await ask('/api/patients/P1/rules', doctor, {}, RuleSetResponse);
    expect(first.body).toMatchObject({
      scope: 'patient',
      scopeId: 'P1',
      revision: 0,
      own: [],
      news2: { use: 'by-age' },
    });
    expect(ids(first.body)).toContain('heartRate.above.high default');
    await put('/api/house/rules', doctor, { expectedRevision: 0, rules: [LOW] });
    await put('/api/wards/W1/rules', doctor, {
      expectedRevision: 0,
      rules: [{ ...LOW, limit: 125, sustainedMs: 15_000 }],
    });
    const { body } = await ask('/api/patients/P1/rules', doctor, {}, RuleSetResponse);
    const low = body.inForce.find(({ rule }: { rule: { id: string } }) => rule.id === LOW.id);
    expect(low).toMatchObject({
      rule: { limit: 125, sustainedMs: 15_000 },
      origin: { scope: 'ward', version: 1, setBy: expect.stringContaining('user'), reason: 'because' },
    });
    expect(ids((await ask('/api/patients/P3/rules', doctor)).body)).toContain('heartRate.above.low house');
    expect(server.world.view().snapshot.rules?.sets).toHaveLength(2);
  });

  it('the second of two editors is told, by revision or by If-Match, and overwrites nothing', async () => {
    const doctor = await server.token('physician');
    const path = '/api/wards/W1/rules';
    const first = await put(path, doctor, { rules: [LOW] }, { 'if-match': '"0"' });
    expect([first.status, first.headers.etag]).toEqual([200, '"1"']);
    const second = await put(path, doctor, { expectedRevision: 0, rules: [] });
    expect([second.status, second.body.code]).toEqual([412, 'changed-meanwhile']);
    expect(second.body.changed).toMatchObject({ version: 1, by: expect.stringContaining('user') });
    const unseen = await put(path, doctor, { rules: [] });
    expect([unseen.status, unseen.body.code]).toEqual([428, 'version-needed']);
    expect((await ask(path, doctor)).body.own).toHaveLength(1);
    expect((await put(path, doctor, { expectedRevision: 1, rules: [] })).body).toMatchObject({ revision: 2, own: [] });
  });

  it('keep every version: what, by whom, why', async () => {
    const doctor = await server.token('physician');
    const path = '/api/wards/W1/rules';
    await put(path, doctor, { expectedRevision: 0, rules: [LOW] });
    await put(path, doctor, { expectedRevision: 1, rules: [{ ...LOW, limit: 118 }], reason: 'too late' });
    await put(path, doctor, { expectedRevision: 2, rules: [], reason: 'too many' });
    const { body } = await ask(`${path}/versions`, doctor, {}, RuleVersions);
    expect(
      body.versions.map((v: { version: number; reason: string; rule?: object }) => [
        v.version,
        v.reason,
        v.rule !== undefined,
      ]),
    ).toEqual([
      [3, 'too many', false],
      [2, 'too late', true],
      [1, 'because', true],
    ]);
    expect((await ask(`${path}/versions?rule=other`, doctor)).body.versions).toEqual([]);
  });

  it.each([
    [[{ ...LOW, vital: 'pulse' }], 'rules.0.vital'],
    [[{ ...LOW, kind: 'alarm' }], 'rules.0.kind'],
    [[LOW, { ...HIGH, clearAt: 170 }], 'rules.1.clearAt'],
    [[{ ...LOW, unit: 'bpm' }], 'rules.0.unit'],
    [[{ ...LOW, loinc: '2708-6' }], 'rules.0.loinc'],
    [[{ ...LOW, surprise: 1 }], 'rules.0.surprise'],
    [[{ ...LOW, limit: 999 }], 'rules.0.limit'],
    ['all', 'rules'],
  ])('refuse %j and name %s', async (rules, field) => {
    const answer = await put('/api/wards/W1/rules', await server.token('physician'), { expectedRevision: 0, rules });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-input']);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toContain(field);
    expect((await server.world.ruleSets.snapshot()).sets).toEqual([]);
  });

  it('take limits in other units', async () => {
    const doctor = await server.token('physician');
    const fever = { ...LOW, id: 'temperature.above.low', vital: 'temperature', limit: 101.3, unit: '[degF]' };
    const { body } = await put('/api/wards/W1/rules', doctor, { expectedRevision: 0, rules: [fever] });
    expect(body.own[0].rule).toMatchObject({ limit: 38.5 });
  });

  it('say what they would be refused or warned of before anything is kept', async () => {
    const nurse = await server.token('nurse');
    const { body } = await ask(
      '/api/rules/lint',
      nurse,
      {
        method: 'POST',
        body: { scope: 'ward', scopeId: 'W1', rules: [{ ...HIGH, limit: 170, sustainedMs: 90_000 }, LOW] },
      },
      LintResult,
    );
    expect(body.problems.map((p: { severity: string; code: string }) => `${p.severity} ${p.code}`)).toEqual([
      'warning slow-critical-alarm',
    ]);
    expect(body.needsSecondPerson).toEqual(['heartRate.above.high']);
    const wrong = await ask(
      '/api/rules/lint',
      nurse,
      { method: 'POST', body: { rules: [{ kind: 'limit', id: 'x' }] } },
      LintResult,
    );
    expect(wrong.body.problems.length).toBeGreaterThan(3);
  });
});

describe('what loosens a critical rule', () => {
  it('waits for a second person; until then the old rule holds', async () => {
    const [asker, other] = [await server.token('physician'), await server.token('charge-nurse')];
    const path = '/api/patients/P1/rules';
    const { body } = await put(path, asker, { expectedRevision: 0, rules: [{ ...HIGH, limit: 180 }, LOW] });
    expect(body.own.map((each: { rule: { id: string } }) => each.rule.id)).toEqual([LOW.id]);
    expect(ids(body)).toContain('heartRate.above.high default');
    const [proposal] = body.proposals;
    expect(proposal).toMatchObject({ effect: 'limit 160 → 180 /min', mayConfirm: false, state: 'open' });
    const own = await ask(`/api/rule-proposals/${proposal.id}/confirm`, asker, { method: 'POST' });
    expect([own.status, own.body.code]).toEqual([409, 'same-person']);
    const seen = await ask('/api/rule-proposals', other);
    expect(seen.body.proposals).toMatchObject([{ id: proposal.id, mayConfirm: true }]);
    const confirmed = await ask(`/api/rule-proposals/${proposal.id}/confirm`, other, { method: 'POST' }, RuleProposal);
    expect(confirmed.body).toMatchObject({ state: 'confirmed' });
    const after = await ask(path, asker, {}, RuleSetResponse);
    const high = after.body.own.find(({ rule }: { rule: { id: string } }) => rule.id === HIGH.id);
    expect(high).toMatchObject({ rule: { limit: 180 }, origin: { confirmedBy: expect.any(String) } });
    expect((await ask(`/api/rule-proposals/${proposal.id}/confirm`, other, { method: 'POST' })).status).toBe(409);
  });

  it('may be taken back by who asked, and only those who may change rules decide', async () => {
    const [asker, nurse] = [await server.token('physician'), await server.token('nurse')];
    const { body } = await put('/api/patients/P1/rules', asker, {
      expectedRevision: 0,
      rules: [{ ...HIGH, off: true }],
    });
    const path = `/api/rule-proposals/${body.proposals[0].id}`;
    expect((await ask(`${path}/confirm`, nurse, { method: 'POST' })).status).toBe(403);
    expect((await ask(`${path}/refuse`, asker, { method: 'POST' })).body).toMatchObject({ state: 'refused' });
    expect((await ask('/api/rule-proposals', asker)).body.proposals).toEqual([]);
  });

  it('also by way of the simple limits', async () => {
    const doctor = await server.token('physician');
    const limit = { vital: 'spo2', comparison: 'below', limit: 80, priority: 'high' };
    const { body } = await put('/api/patients/P1/limits', doctor, { rules: [limit] });
    expect(body.rules.find((rule: { id: string }) => rule.id === 'spo2.below.high')).toMatchObject({
      limit: 85,
      source: 'default',
    });
    expect(body.waiting).toMatchObject([{ ruleId: 'spo2.below.high', effect: 'limit 85 → 80 %' }]);
  });

  it('the simple limits leave rules of other kinds as they are', async () => {
    const doctor = await server.token('physician');
    const rise = {
      kind: 'change',
      id: 'heartRate.rise.low',
      vital: 'heartRate',
      direction: 'rise',
      by: 30,
      windowMs: 60_000,
      priority: 'low',
    };
    await put('/api/patients/P1/rules', doctor, { expectedRevision: 0, rules: [rise] });
    const limits = await put('/api/patients/P1/limits', doctor, {
      version: 1,
      rules: [{ vital: 'heartRate', comparison: 'above', limit: 150, priority: 'high', clearAt: 140 }],
    });
    expect([limits.headers.etag, limits.body.version]).toEqual(['"2"', 2]);
    expect((await put('/api/patients/P1/limits', doctor, { version: 1, rules: [] })).status).toBe(412);
    const { body } = await ask('/api/patients/P1/rules', doctor);
    expect(body.own.map((each: { rule: { id: string } }) => each.rule.id)).toEqual([
      'heartRate.above.high',
      'heartRate.rise.low',
    ]);
    expect(body.own[0].rule.clearAt).toBe(140);
  });
});

describe('an override', () => {
  const post = (path: string, token: string, body: object) =>
    ask(path, token, { method: 'POST', body: { reason: 'exercise', ...body } });
  const inHours = (hours: number) => new Date(server.now() + hours * 3_600_000).toISOString();

  it('holds for its time, and ends earlier where a person says so', async () => {
    const doctor = await server.token('physician');
    const path = '/api/patients/P1/rules';
    const made = await post(`${path}/overrides`, doctor, { rule: { ...LOW, limit: 110 }, until: inHours(2) });
    expect([made.status, made.body.rule.limit]).toEqual([201, 110]);
    const { body } = await ask(path, doctor, {}, RuleSetResponse);
    expect(body.overrides).toMatchObject([{ id: made.body.id, reason: 'exercise' }]);
    const low = body.inForce.find(({ rule }: { rule: { id: string } }) => rule.id === LOW.id);
    expect(low.origin).toMatchObject({ scope: 'patient', until: made.body.until });
    expect(server.world.view().snapshot.rules?.overrides).toHaveLength(1);
    const gone = await ask(`/api/rule-overrides/${made.body.id}?reason=back in bed`.replaceAll(' ', '%20'), doctor, {
      method: 'DELETE',
    });
    expect(gone.status).toBe(204);
    expect((await ask(path, doctor)).body.overrides).toEqual([]);
  });

  it('needs an end, at most a week ahead', async () => {
    const doctor = await server.token('physician');
    for (const until of [inHours(-1), inHours(24 * 8), 'tomorrow']) {
      const { status, body } = await post('/api/patients/P1/rules/overrides', doctor, { rule: LOW, until });
      expect([status, body.errors[0].field]).toEqual([400, 'until']);
    }
    expect((await post('/api/patients/P1/rules/overrides', doctor, { rule: LOW })).status).toBe(400);
  });

  it('that loosens a critical rule waits for a second person', async () => {
    const [asker, other] = [await server.token('physician'), await server.token('charge-nurse')];
    const asked = await post('/api/patients/P1/rules/overrides', asker, {
      rule: { ...HIGH, limit: 190 },
      until: inHours(1),
    });
    expect([asked.status, asked.body.effect]).toEqual([202, 'limit 160 → 190 /min']);
    expect((await ask('/api/patients/P1/rules', asker)).body.overrides).toEqual([]);
    await ask(`/api/rule-proposals/${asked.body.id}/confirm`, other, { method: 'POST' });
    const { body } = await ask('/api/patients/P1/rules', asker);
    expect(body.overrides).toMatchObject([{ rule: { limit: 190 }, confirmedBy: expect.any(String) }]);
  });

  it('that tightened a critical rule is not ended early by one person', async () => {
    const doctor = await server.token('physician');
    const made = await post('/api/patients/P1/rules/overrides', doctor, {
      rule: { ...HIGH, limit: 130 },
      until: inHours(1),
    });
    const ended = await ask(`/api/rule-overrides/${made.body.id}?reason=enough`, doctor, { method: 'DELETE' });
    expect([ended.status, ended.body.code]).toEqual([409, 'second-person-needed']);
  });
});

describe('NEWS2 of a patient', () => {
  it('is switched off with a reason by two people, and says why it does not apply', async () => {
    const doctor = await server.token('physician');
    const body = { spo2Scale: 2, use: 'off', why: 'pregnancy', reason: '28 weeks' };
    const asked = await ask('/api/patients/P1/news2', doctor, { method: 'PUT', body }, RuleProposal);
    expect([asked.status, asked.body.mayConfirm]).toEqual([202, false]);
    const applies = { spo2Scale: 1, use: 'by-age', version: 0 };
    const before = (await ask('/api/patients/P1/rules', doctor)).body;
    expect([before.news2, before.proposals]).toMatchObject([applies, [{ news2: { use: 'off', why: 'pregnancy' } }]]);
    const confirm = (token: string) => ask(`/api/rule-proposals/${asked.body.id}/confirm`, token, { method: 'POST' });
    expect([(await confirm(doctor)).status, (await confirm(await server.token('charge-nurse'))).status]).toEqual([
      409, 200,
    ]);
    expect((await ask('/api/patients/P1/rules', doctor)).body.news2).toEqual({
      spo2Scale: 2,
      use: 'off',
      why: 'pregnancy',
      notApplicable: 'pregnancy',
      version: 1,
    });
    const late = await ask('/api/patients/P1/news2', doctor, { method: 'PUT', body: { ...body, use: 'by-age' } });
    expect([late.status, late.body.code]).toEqual([428, 'version-needed']);
    const nurse = await server.token('nurse');
    const kept = await ask('/api/patients/P1/news2/versions', nurse, {}, News2Versions);
    expect(kept.body.versions).toMatchObject([
      { version: 1, why: 'pregnancy', reason: '28 weeks', confirmedBy: expect.any(String) },
    ]);
    // Back on at once, by one person.
    const back = await ask(
      '/api/patients/P1/news2',
      doctor,
      { method: 'PUT', body: { ...body, use: 'by-age', version: 1 } },
      News2Prescription,
    );
    expect([back.status, back.body]).toEqual([200, { spo2Scale: 2, use: 'by-age', version: 2 }]);
    expect((await ask('/api/patients/P1/news2', nurse, { method: 'PUT', body })).status).toBe(403);
  });

  it.each([
    ['2010-11-23', 'under-16'],
    ['2010-11-22', undefined],
  ])('born %s: %s', async (birthDate, notApplicable) => {
    server.world.change((snapshot) => ({
      ...snapshot,
      patients: snapshot.patients.map((one) => (one.id === 'P2' ? { ...one, birthDate } : one)),
    }));
    const { body } = await ask('/api/patients/P2/rules', await server.token('physician'), {}, RuleSetResponse);
    expect([body.news2.use, body.news2.notApplicable]).toEqual(['by-age', notApplicable]);
  });
});

describe('who may do what', () => {
  it('a person of another ward sees neither the ward nor its patients', async () => {
    const foreign = await server.token('physician', ['W2']);
    for (const path of [
      '/api/wards/W1/rules',
      '/api/patients/P1/rules',
      '/api/wards/W1/rules/versions',
      '/api/wards/nowhere/rules',
    ])
      expect((await ask(path, foreign)).status).toBe(404);
    const made = await put('/api/patients/P1/rules', await server.token('physician'), {
      expectedRevision: 0,
      rules: [{ ...HIGH, off: true }],
    });
    const [{ id }] = made.body.proposals;
    expect((await ask(`/api/rule-proposals/${id}/confirm`, foreign, { method: 'POST' })).status).toBe(404);
    expect((await ask('/api/rule-proposals', foreign)).body.proposals).toEqual([]);
  });

  it('an administrator keeps the house’s rules and sees no patient’s', async () => {
    const admin = await server.token('admin');
    expect((await put('/api/house/rules', admin, { expectedRevision: 0, rules: [LOW] })).status).toBe(200);
    expect((await ask('/api/patients/P1/rules', admin)).status).toBe(403);
    expect(
      (await put('/api/house/rules', await server.token('charge-nurse'), { expectedRevision: 1, rules: [] })).status,
    ).toBe(403);
    const lint = await ask('/api/rules/lint', admin, {
      method: 'POST',
      body: { scope: 'patient', scopeId: 'P1', rules: [] },
    });
    expect(lint.status).toBe(404);
  });
});
