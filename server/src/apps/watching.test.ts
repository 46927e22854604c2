import { setTimeout as sleep } from 'node:timers/promises';
import type { SecurityAlert, SecurityAlertList } from '@healthsync/contracts/security-alert';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestProgram, type TestProgram } from './test-program.ts';

let program: TestProgram;

beforeAll(async () => {
  program = await startTestProgram([
    { name: 'nora', roles: ['nurse'], wardIds: [] },
    { name: 'ada', roles: ['admin'], wardIds: [] },
    { name: 'petra', roles: ['privacy-officer'], wardIds: [] },
    { name: 'sam', roles: ['security'], wardIds: [] },
  ]);
}, 120_000);
afterAll(() => program.stop());

/** Asks again until it is there: the watch looks every two seconds. */
async function alertsOf(who: string, search: string, wanted: number): Promise<readonly SecurityAlert[]> {
  for (let tries = 0; ; tries++) {
    const { status, body } = await program.call(who, 'GET', `/api/security-alerts?${search}`);
    expect(status).toBe(200);
    const { alerts } = body as SecurityAlertList;
    if (alerts.length >= wanted || tries > 200) return alerts;
    await sleep(100);
  }
}

describe('watching over access', () => {
  it('alerts security when somebody opens their own record, with reasons and places in the audit', async () => {
    expect((await program.call('ada', 'PUT', '/api/users/u-nora/own-records', { patientId: 'PA' })).status).toBe(200);
    expect((await program.call('nora', 'GET', '/api/patients/PA')).status).toBe(200);
    const [alert] = await alertsOf('sam', 'kind=own-record', 1);
    expect(alert).toMatchObject({
      kind: 'own-record',
      severity: 'high',
      state: 'open',
      person: { name: 'nora', userId: 'u-nora' },
      patientId: 'PA',
      isAboutYou: false,
    });
    expect(alert?.reasons.map(({ code }) => code)).toContain('own-record');
    const position = alert?.evidence.at(-1);
    const { body } = await program.call('sam', 'GET', `/api/audit?person=nora&action=patient.read`);
    expect(body.entries.map((entry: { position: number }) => entry.position)).toContain(position);
  });

  it('is looked into and closed once, with a verdict, by somebody it is not about; and that is audited', async () => {
    const [alert] = await alertsOf('sam', 'kind=own-record', 1);
    const path = `/api/security-alerts/${alert?.id}`;
    expect((await program.call('nora', 'POST', `${path}/look`)).status).toBe(403);
    expect((await program.call('sam', 'POST', `${path}/look`)).body).toMatchObject({ state: 'looked-at' });
    const sent = { verdict: 'violation', note: 'Asked her; she was curious.' };
    const closed = await program.call('petra', 'POST', `${path}/close`, sent);
    expect(closed.body).toMatchObject({ state: 'closed', closed: { verdict: 'violation', by: 'petra' } });
    expect((await program.call('sam', 'POST', `${path}/close`, sent)).body).toMatchObject({ code: 'already-closed' });
    const { body } = await program.call('sam', 'GET', '/api/audit?action=security-alert.close');
    expect(
      body.entries.map((entry: { detail: { phase?: string; verdict?: string } }) => entry.detail.verdict),
    ).toContain('violation');
  });

  it('watches who watches: an officer’s search for their own record is an alert only somebody else can close', async () => {
    expect((await program.call('ada', 'PUT', '/api/users/u-sam/own-records', { patientId: 'PB' })).status).toBe(200);
    await program.call('sam', 'GET', '/api/audit?patient=PB');
    const found = await alertsOf('petra', 'person=sam&kind=own-record', 1);
    expect(found[0]).toMatchObject({ person: { name: 'sam' }, patientId: 'PB' });
    const path = `/api/security-alerts/${found[0]?.id}/close`;
    const sent = { verdict: 'justified', note: 'It was my work.' };
    expect((await program.call('sam', 'POST', path, sent)).body).toMatchObject({ code: 'own-alert' });
    expect((await program.call('petra', 'POST', path, sent)).status).toBe(200);
  });

  it('is nobody’s to read but security’s and the privacy officer’s', async () => {
    for (const who of ['nora', 'ada'])
      expect((await program.call(who, 'GET', '/api/security-alerts')).status).toBe(403);
  });
});
