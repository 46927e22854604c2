import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CallOptions, startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

const HIGH = {
  kind: 'limit',
  id: 'heartRate.above.high',
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  priority: 'high',
};
const LOOSE = { ...HIGH, limit: 175 };

const ask = (path: string, token: string, init: CallOptions = {}) => server.call(path, { token, ...init });
const inMinutes = (minutes: number) => new Date(server.now() + minutes * 60_000).toISOString();
const override = (place: string, token: string, body: object) =>
  ask(`/api/${place}/rules/overrides`, token, { method: 'POST', body: { reason: 'because', ...body } });

/** Two people agree that the ward's limit is wider for five minutes. */
async function loosenWard(asker: string, second: string): Promise<void> {
  const asked = await override('wards/W1', asker, { rule: LOOSE, until: inMinutes(5) });
  const confirmed = await ask(`/api/rule-proposals/${asked.body.id}/confirm`, second, { method: 'POST' });
  expect([asked.status, confirmed.status]).toEqual([202, 200]);
}

describe('what two people decided for some minutes', () => {
  it('is not made longer by one of them', async () => {
    const [asker, second] = [await server.token('charge-nurse'), await server.token('physician')];
    await loosenWard(asker, second);
    const longer = await override('wards/W1', asker, { rule: LOOSE, until: inMinutes(60 * 24 * 6) });
    expect([longer.status, longer.body.effect]).toEqual([202, 'limit 160 → 175 /min']);
    const later = await override('wards/W1', asker, { rule: LOOSE, from: inMinutes(5), until: inMinutes(60) });
    expect(later.status).toBe(202);
    const forOne = await override('patients/P1', asker, { rule: LOOSE, until: inMinutes(60) });
    expect(forOne.status).toBe(202);
  });

  it('does not become a patient’s own rule, which would stay', async () => {
    const [asker, second] = [await server.token('charge-nurse'), await server.token('physician')];
    await loosenWard(asker, second);
    const put = await ask('/api/patients/P1/rules', asker, {
      method: 'PUT',
      body: { expectedRevision: 0, reason: 'because', rules: [LOOSE] },
    });
    expect(put.body.own).toEqual([]);
    expect(put.body.proposals).toMatchObject([{ ruleId: HIGH.id, effect: 'limit 160 → 175 /min' }]);
  });

  it('is tightened by one person at once, within its time', async () => {
    const [asker, second] = [await server.token('charge-nurse'), await server.token('physician')];
    await loosenWard(asker, second);
    const tighter = await override('wards/W1', asker, { rule: { ...HIGH, limit: 170 }, until: inMinutes(4) });
    expect(tighter.status).toBe(201);
  });
});

describe('the house’s rules', () => {
  it('are not written or decided by those who look after some wards only', async () => {
    const ofWard = await server.token('physician', ['W1']);
    const body = { expectedRevision: 0, reason: 'because', rules: [LOOSE] };
    const refused = await ask('/api/house/rules', ofWard, { method: 'PUT', body });
    expect([refused.status, refused.body.code]).toEqual([403, 'other-ward']);
    const asked = await ask('/api/house/rules', await server.token('physician'), { method: 'PUT', body });
    const [proposal] = asked.body.proposals;
    const confirmed = await ask(`/api/rule-proposals/${proposal.id}/confirm`, ofWard, { method: 'POST' });
    expect(confirmed.status).toBe(403);
    expect((await ask('/api/house/rules', ofWard)).body.proposals).toMatchObject([{ mayConfirm: false }]);
  });

  it('are asked for by names a rule can have', async () => {
    const answer = await ask('/api/house/rules/versions?rule=%00', await server.token('physician'));
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'rule']);
  });
});
