import { AlertDetail, AlertList, Alert as AlertSchema } from '@healthsync/contracts/alert';
import { CommandResult, DeviceList, RejectedList } from '@healthsync/contracts/device';
import {
  PatientDetail,
  PatientLimits,
  PatientList,
  SparklineResponse,
  TrendResponse,
  VitalsHistoryResponse,
  WardList,
} from '@healthsync/contracts/patient';
import { Me } from '@healthsync/contracts/session';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmId, DeviceId, PatientId, ReadingId, WardId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { makeAlarm, makeStatus, NOW, startTestServer, type TestServer } from '../test-server.ts';
import { page } from './vitals.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

/** The answer, after checking that it is what the contract promises and holds nothing it does not name. */
async function get(path: string, schema: TSchema, token: string) {
  const { status, body } = await server.call(path, { token });
  expect(status, path).toBe(200);
  expect([...Value.Errors(schema, body)], path).toEqual([]);
  expect(Value.Clean(schema, structuredClone(body)), path).toEqual(body);
  return body;
}

function reading(index: number, atMs: number, patientId = 'P1'): AssignedReading {
  return {
    id: `r${index}` as ReadingId,
    deviceId: 'D1' as DeviceId,
    patientId: patientId as PatientId,
    atMs,
    receivedAtMs: atMs + 20,
    vitals: { heartRate: 80 + (index % 10), spo2: 97 },
    context: { oxygen: false },
    status: { battery: 0.8 },
  };
}

describe('signing in', () => {
  const body = { name: 'ana', password: 'correct horse battery' };
  beforeEach(async () => {
    await server.accounts.putUser({
      id: 'u-ana' as never,
      name: 'ana',
      displayName: 'Ana Ruiz',
      roles: ['nurse'],
      wardIds: ['W1' as WardId],
      passwordHash: (await server.passwords.hash(body.password)) ?? '',
    });
  });

  it('gives a cookie that only we receive and no script reads, and ends with signing out', async () => {
    const { status, headers, body: me } = await server.call('/api/session', { method: 'POST', body });
    expect(status).toBe(200);
    expect([...Value.Errors(Me, me)]).toEqual([]);
    expect(me).toMatchObject({ name: 'ana', displayName: 'Ana Ruiz', roles: ['nurse'] });
    expect(me.actions).toContain('alarm.acknowledge');
    expect(me.actions).not.toContain('limits.write');
    const cookies = headers['set-cookie'] ?? [];
    const session = cookies.find((one) => one.startsWith('__Host-healthsync='));
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(session).toContain(attribute);
    expect(session).not.toContain('Domain');
    const cookie = session?.split(';', 1)[0] ?? '';
    expect((await server.call('/api/session', { headers: { cookie } })).body.name).toBe('ana');
    const out = await server.call('/api/session', {
      method: 'DELETE',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    });
    expect(out.status).toBe(204);
    expect((await server.call('/api/session', { headers: { cookie } })).status).toBe(401);
  });

  it('says the same whether the name or the password was wrong', async () => {
    const wrong = await server.call('/api/session', { method: 'POST', body: { ...body, password: 'x' } });
    const unknown = await server.call('/api/session', { method: 'POST', body: { ...body, name: 'nobody' } });
    expect([wrong.status, wrong.body]).toEqual([unknown.status, unknown.body]);
    expect(wrong.body.code).toBe('wrong-credentials');
    expect(wrong.headers['set-cookie']).toBeUndefined();
  });

  it('guessing is slowed down, with a time to wait', async () => {
    const answers = [];
    for (let i = 0; i < 12; i++)
      answers.push(await server.call('/api/session', { method: 'POST', body: { ...body, password: `guess ${i}` } }));
    const last = answers.at(-1);
    expect([last?.status, last?.body.code]).toEqual([429, 'too-many-attempts']);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('the first account is made with the one-time code, once', async () => {
    const fresh = await startTestServer();
    const offer = await fresh.signIn.offerSetup();
    const setup = { code: offer?.code, name: 'root-ana', displayName: 'Ana', password: 'a long enough secret' };
    const short = await fresh.call('/api/setup', { method: 'POST', body: { ...setup, password: 'root-ana-root-ana' } });
    expect([short.status, short.body.errors?.[0].field]).toEqual([400, 'password']);
    const wrong = await fresh.call('/api/setup', { method: 'POST', body: { ...setup, code: 'nope' } });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'setup-refused']);
    const made = await fresh.call('/api/setup', { method: 'POST', body: setup });
    expect([made.status, made.body.name]).toEqual([201, 'root-ana']);
    expect(made.headers['set-cookie']?.join()).toContain('__Host-healthsync=');
    expect((await fresh.call('/api/setup', { method: 'POST', body: { ...setup, name: 'b-user' } })).status).toBe(403);
    await fresh.stop();
  });
});

describe('wards and patients', () => {
  it('lists wards with their beds', async () => {
    const { wards } = await get('/api/wards', WardList, await server.token('kiosk'));
    expect(wards).toEqual([
      { id: 'W1', name: 'Ward W1', beds: 2 },
      { id: 'W2', name: 'Ward W2', beds: 2 },
    ]);
  });

  it('names patients to those who may read them, of their own wards only', async () => {
    const all = await get('/api/patients', PatientList, await server.token('nurse'));
    expect(all.patients.map((one: { id: string }) => one.id)).toEqual(['P1', 'P2', 'P3', 'P4', 'P5']);
    const token = await server.token('nurse', ['W2']);
    const own = await get('/api/patients', PatientList, token);
    expect(own.patients.map((one: { id: string }) => one.id)).toEqual(['P3', 'P4']);
    expect(own.patients[0]).toMatchObject({ familyName: 'Family-P3', bed: 'W2-B1', wardId: 'W2' });
    expect((await server.call('/api/patients?ward=W1', { token })).body.code).toBe('other-ward');
  });

  it('shows one patient with place, limits and the present state', async () => {
    server.world.statuses.set('P1', makeStatus('P1', 82, server.now()));
    const detail = await get('/api/patients/P1', PatientDetail, await server.token('nurse'));
    expect(detail).toMatchObject({ familyName: 'Family-P1', bed: 'W1-B1', wardName: 'Ward W1', spo2Scale: 1 });
    expect(detail.tile.values.heartRate.v).toBe(82);
    expect(detail.limits.map((rule: { id: string; source: string }) => `${rule.id} ${rule.source}`)).toEqual([
      'heartRate.above.high default',
      'spo2.below.high default',
    ]);
  });

  it('a patient of another ward looks exactly like one who does not exist', async () => {
    const token = await server.token('physician', ['W2']);
    for (const path of ['', '/vitals', '/trend', '/limits']) {
      const foreign = await server.call(`/api/patients/P1${path}`, { token });
      const unknown = await server.call(`/api/patients/P999${path}`, { token });
      expect([foreign.status, foreign.body]).toEqual([404, unknown.body]);
    }
    const find = (mrn: string) => server.call('/api/patients/find', { token, method: 'POST', body: { mrn } });
    expect((await find('MRN-P3')).body.patients).toMatchObject([{ id: 'P3', familyName: 'Family-P3', bed: 'W2-B1' }]);
    expect((await find('MRN-P1')).body).toEqual((await find('MRN-P999')).body);
    const put = await server.call('/api/patients/P1/limits', {
      method: 'PUT',
      token,
      body: { reason: 'abc', rules: [] },
    });
    expect(put.status).toBe(404);
    expect((await server.world.ruleSets.snapshot()).sets).toEqual([]);
  });
});

describe('vitals', () => {
  it('pages through readings without losing or repeating one, even of the same instant', async () => {
    server.world.readings.push(
      ...Array.from({ length: 25 }, (_, i) => reading(i, NOW - 60_000 + Math.floor(i / 3) * 1_000)),
    );
    const token = await server.token('nurse');
    const seen: string[] = [];
    let from: string | undefined = new Date(NOW - 120_000).toISOString();
    while (from !== undefined) {
      const { readings, next } = (await get(
        `/api/patients/P1/vitals?from=${encodeURIComponent(from)}&to=${NOW}&limit=7`,
        VitalsHistoryResponse,
        token,
      )) as VitalsHistoryResponse;
      expect(readings.length).toBeLessThanOrEqual(7);
      seen.push(...readings.map((one) => one.id));
      from = next;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `r${i}`));
  });

  it('a page full of one instant steps on instead of standing still', () => {
    const same = Array.from({ length: 4 }, (_, i) => reading(i, NOW));
    expect(page(same, 3)).toMatchObject({ next: new Date(NOW + 1).toISOString() });
  });

  it('shows a reading as it was measured', async () => {
    server.world.readings.push(reading(1, NOW - 1_000));
    const { readings } = await get('/api/patients/P1/vitals', VitalsHistoryResponse, await server.token('nurse'));
    expect(readings).toEqual([
      {
        id: 'r1',
        deviceId: 'D1',
        at: '2026-11-22T02:59:59.000Z',
        receivedAt: '2026-11-22T02:59:59.020Z',
        vitals: { heartRate: 81, spo2: 97 },
        context: { oxygen: false },
        status: { battery: 0.8 },
      },
    ]);
  });

  it.each([
    ['from=yesterday', 'from'],
    ['to=2026-11-22', 'to'],
    ['from=2026-11-22T03:00:00', 'from'],
    ['from=2026-11-22T03:00:00Z&to=2026-11-22T02:00:00Z', 'from'],
    ['limit=0', 'limit'],
    ['limit=1e9', 'limit'],
    ['limit=99999', 'limit'],
    ['unknown=1', 'unknown'],
  ])('refuses ?%s and names %s', async (query, field) => {
    const { status, body } = await server.call(`/api/patients/P1/vitals?${query}`, {
      token: await server.token('nurse'),
    });
    expect([status, body.code]).toEqual([400, 'invalid-input']);
    expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('draws trends of each vital in whole spans, leaving gaps out', async () => {
    server.world.readings.push(reading(1, NOW - 50_000), reading(2, NOW - 10_000));
    const token = await server.token('nurse');
    const trend = await get(`/api/patients/P1/trend?from=${NOW - 60_000}&to=${NOW}&buckets=7`, TrendResponse, token);
    expect(trend.bucketMs).toBe(8_572);
    expect(trend.to - trend.from).toBe(8_572 * 7);
    expect(Object.keys(trend.series).sort()).toEqual(['heartRate', 'spo2']);
    expect(trend.series.heartRate.mean).toEqual([81, 82]);
    const one = await get(`/api/patients/P1/trend?from=${NOW - 60_000}&to=${NOW}&vital=spo2`, TrendResponse, token);
    expect(Object.keys(one.series)).toEqual(['spo2']);
    const long = await server.call(`/api/patients/P1/trend?from=0&to=${NOW}`, { token });
    expect([long.status, long.body.errors[0].field]).toEqual([400, 'from']);
  });

  it('fills the sparklines of a ward, for the wall, without names', async () => {
    server.world.readings.push(reading(1, NOW - 30_000), reading(2, NOW - 30_000, 'P3'));
    const sparklines = await get('/api/wards/W1/sparklines?minutes=15', SparklineResponse, await server.token('kiosk'));
    expect(sparklines.bucketMs).toBe(15_000);
    expect(Object.keys(sparklines.patients)).toEqual(['P1']);
    // What is remembered goes with the consent it needs.
    server.world.hidden.add('P1' as PatientId);
    const later = await get('/api/wards/W1/sparklines?minutes=15', SparklineResponse, await server.token('kiosk'));
    server.world.hidden.clear();
    expect(later.patients).toEqual({});
    const foreign = await server.call('/api/wards/W1/sparklines', { token: await server.token('kiosk', ['W2']) });
    expect(foreign.status).toBe(404);
  });
});

describe('limits', () => {
  const put = async (body: unknown, token: string) =>
    server.call('/api/patients/P1/limits', { method: 'PUT', token, body });

  it('are replaced with a reason, by whom, and hold at once', async () => {
    const token = await server.token('physician');
    const rules = [{ vital: 'heartRate', comparison: 'above', limit: 140, priority: 'high' }];
    const { status, body } = await put({ reason: 'beta blocker stopped', rules }, token);
    expect(status).toBe(200);
    expect([...Value.Errors(PatientLimits, body)]).toEqual([]);
    expect(body.rules[0]).toMatchObject({ id: 'heartRate.above.high', limit: 140, source: 'patient' });
    const place = { scope: 'patient', patientId: 'P1' as PatientId } as const;
    expect(await server.world.ruleSets.versions({ place, limit: 9 })).toMatchObject([
      { ruleId: 'heartRate.above.high', version: 1, by: 'User 0 (user0)', reason: 'beta blocker stopped' },
    ]);
    const { rules: now } = await get('/api/patients/P1/limits', PatientLimits, token);
    expect(now[0].limit).toBe(140);
  });

  it.each([
    [{ rules: [] }, 'reason'],
    [{ reason: 'x', rules: [] }, 'reason'],
    [
      { reason: 'because', rules: [{ vital: 'heartRate', comparison: 'over', limit: 1, priority: 'high' }] },
      'rules.0.comparison',
    ],
    [
      { reason: 'because', rules: [{ vital: 'pulse', comparison: 'above', limit: 1, priority: 'high' }] },
      'rules.0.vital',
    ],
    [
      { reason: 'because', rules: [{ vital: 'spo2', comparison: 'above', limit: 500, priority: 'low' }] },
      'rules.0.limit',
    ],
    [
      { reason: 'because', rules: [{ vital: 'heartRate', comparison: 'below', limit: 170, priority: 'low' }] },
      'rules.0.limit',
    ],
    [{ reason: 'because', rules: 'all' }, 'rules'],
  ])('refuses %j and names %s', async (body, field) => {
    const answer = await put(body, await server.token('physician'));
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-input']);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toContain(field);
    expect((await server.world.ruleSets.snapshot()).sets).toEqual([]);
  });

  it('a nurse may see but not change them', async () => {
    const answer = await put({ reason: 'because', rules: [] }, await server.token('nurse'));
    expect([answer.status, answer.body.rolesNeeded]).toEqual([403, ['charge-nurse', 'physician']]);
  });
});

describe('alerts', () => {
  it('are listed as the interface promises, by patient and state', async () => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    server.world.alarms.set(
      'A0' as AlarmId,
      makeAlarm({ id: 'A0', patientId: 'P1', state: 'resolved', resolvedAtMs: NOW }),
    );
    const token = await server.token('nurse');
    const { alerts } = await get('/api/alerts?patient=P1&state=active', AlertList, token);
    expect(alerts).toMatchObject([
      {
        id: 'A1',
        rule: 'heartRate.above.high',
        priority: 'high',
        state: 'active',
        raisedAt: '2026-11-22T03:00:00.000Z',
        readingId: 'r1',
      },
    ]);
    expect((await get('/api/alerts', AlertList, token)).alerts.length).toBe(2);
  });

  it('of other wards are not listed, not shown and not taken', async () => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    const token = await server.token('nurse', ['W2']);
    expect((await get('/api/alerts', AlertList, token)).alerts).toEqual([]);
    expect(server.world.asked.at(-1)).toMatchObject({ wardIds: ['W2'] });
    expect((await server.call('/api/alerts?ward=W1', { token })).status).toBe(403);
    expect((await server.call('/api/alerts/A1', { token })).status).toBe(404);
    expect((await server.call('/api/alerts/A1/acknowledge', { method: 'POST', token })).status).toBe(404);
    expect(server.world.alarms.get('A1' as AlarmId)?.acknowledgedBy).toBeUndefined();
  });

  it('shows who was told, without their numbers', async () => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    const detail = await get('/api/alerts/A1', AlertDetail, await server.token('nurse'));
    expect(detail.deliveries).toEqual([
      { event: 'raised', channel: 'smtp', state: 'delivered', attempts: 2, updatedAt: '2026-11-22T03:00:00.000Z' },
    ]);
  });

  it('has one owner: of two at once one wins, and the other is told who', async () => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    const tokens = [await server.token('nurse'), await server.token('physician')];
    const answers = await Promise.all(
      tokens.map((token) => server.call('/api/alerts/A1/acknowledge', { method: 'POST', token })),
    );
    const won = answers.find((one) => one.status === 200);
    const lost = answers.find((one) => one.status === 409);
    expect([...Value.Errors(AlertSchema, won?.body)]).toEqual([]);
    expect(lost?.body).toMatchObject({ code: 'already-acknowledged', detail: `${won?.body.acknowledgedBy} has it.` });
  });

  it('an acknowledgement may carry an empty body with a content type', async () => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    const token = await server.token('nurse');
    const { status } = await server.call('/api/alerts/A1/acknowledge', { method: 'POST', token, body: '' });
    expect(status).toBe(200);
  });

  it('what is over cannot be taken; a kiosk can take nothing', async () => {
    server.world.alarms.set('A0' as AlarmId, makeAlarm({ id: 'A0', patientId: 'P1', state: 'resolved' }));
    const over = await server.call('/api/alerts/A0/acknowledge', {
      method: 'POST',
      token: await server.token('nurse'),
    });
    expect([over.status, over.body.code]).toEqual([409, 'already-resolved']);
    const kiosk = await server.call('/api/alerts/A0/acknowledge', {
      method: 'POST',
      token: await server.token('kiosk'),
    });
    expect(kiosk.status).toBe(403);
  });

  it.each(['state=open', 'limit=0', 'from=now', 'patient=../x', 'ward=%20'])('refuses ?%s', async (query) => {
    const { status, body } = await server.call(`/api/alerts?${query}`, { token: await server.token('nurse') });
    expect([status, body.errors[0].field]).toEqual([400, query.split('=')[0]]);
  });
});

describe('devices', () => {
  it('are listed with wearer and presence', async () => {
    server.world.offline.add('D2');
    const { devices } = await get('/api/devices', DeviceList, await server.token('charge-nurse'));
    expect(devices[1]).toEqual({ id: 'D2', patientId: 'P2', presence: 'offline', certificates: [] });
  });
  it('are listed without their wearers to who keeps them running', async () => {
    server.world.offline.add('D2');
    for (const role of ['operator', 'admin', 'security'] as const) {
      const { devices } = await get('/api/devices', DeviceList, await server.token(role));
      expect(devices[1]).toEqual({ id: 'D2', presence: 'offline', certificates: [] });
    }
  });

  it('are configured and commanded by those who may', async () => {
    const token = await server.token('operator');
    const config = await server.call('/api/devices/D1/config', { method: 'PUT', token, body: { intervalMs: 2000 } });
    expect([config.status, config.raw]).toEqual([204, '']);
    expect(server.world.configs).toEqual(['D1 {"intervalMs":2000}']);
    const sent = await server.call('/api/devices/D1/commands', { method: 'POST', token, body: { beep: true } });
    expect([...Value.Errors(CommandResult, sent.body)]).toEqual([]);
    expect([sent.status, sent.body]).toEqual([202, { outcome: 'sent' }]);
    expect(server.world.sent).toEqual([
      { deviceId: 'D1', payload: 'config' },
      { deviceId: 'D1', payload: '{"beep":true}' },
    ]);
    const deaf = await server.call('/api/devices/D4/commands', { method: 'POST', token, body: { beep: true } });
    expect([deaf.status, deaf.body.code]).toEqual([409, 'not-listening']);
  });

  it('lose their certificates at once, with a reason, by whoever keeps them', async () => {
    const revoke = async (role: Parameters<typeof server.token>[0], body: unknown, id = 'D1') =>
      server.call(`/api/devices/${id}/revoke`, { method: 'POST', token: await server.token(role), body });
    const before = server.world.configs.length;
    const done = await revoke('admin', { reason: 'Lost in the lift' });
    expect([done.status, done.body]).toEqual([200, { revoked: 1 }]);
    expect(server.world.configs.slice(before)).toEqual(['revoke D1 all Lost in the lift']);
    expect((await revoke('charge-nurse', { reason: 'Lost in the lift' })).status).toBe(403);
    expect((await revoke('admin', { reason: '   ' })).body.errors[0].field).toBe('reason');
    expect((await revoke('admin', { reason: 'Lost', serial: 'AB12' })).body.errors[0].field).toBe('serial');
    expect((await revoke('admin', { reason: 'Lost' }, 'D99')).status).toBe(404);
    expect(server.world.configs).toHaveLength(before + 1);
  });

  it('refuses what is no object, too large, or for no device', async () => {
    const token = await server.token('operator');
    const command = (body: unknown, id = 'D1') =>
      server.call(`/api/devices/${id}/commands`, { method: 'POST', token, body });
    expect((await command([1])).status).toBe(400);
    expect((await command({})).status).toBe(400);
    expect((await command({ x: 'x'.repeat(20_000) })).status).toBe(413);
    const deep = `{"x":${'['.repeat(8_000)}${']'.repeat(8_000)}}`;
    expect((await command(deep)).status).toBe(400);
    expect((await server.call('/api/devices/D1/config', { method: 'PUT', token, body: deep })).status).toBe(400);
    expect((await command({ x: 1 }, 'D99')).status).toBe(404);
  });
});

describe('rejected readings', () => {
  const put = (id: string, text: string) =>
    server.world.rejected.push({
      id,
      deviceId: 'D1',
      receivedAtMs: NOW,
      source: 'mqtt',
      payload: Buffer.from(text),
      problems: [{ code: 'no-assignment', field: '', detail: 'nobody wore it' }],
      state: 'open',
    });

  it('are shown with payload and reason to operators', async () => {
    put('1', '{"id":"\u00e4"}');
    const token = await server.token('operator');
    const { rejected } = await get(
      '/api/rejected-readings?device=D1&code=no-assignment&state=open',
      RejectedList,
      token,
    );
    expect(rejected).toMatchObject([{ id: '1', payload: '{"id":"ä"}', errors: [{ code: 'no-assignment' }] }]);
    expect(server.world.asked.at(-1)).toEqual({ deviceId: 'D1', code: 'no-assignment', state: 'open', limit: 50 });
    expect((await server.call('/api/rejected-readings', { token: await server.token('nurse') })).status).toBe(403);
  });

  it('are admitted again after a fix, or say why still not', async () => {
    put('1', 'fine now');
    put('2', 'still wrong');
    const token = await server.token('operator');
    const replay = (id: string) => server.call(`/api/rejected-readings/${id}/replay`, { method: 'POST', token });
    expect((await replay('1')).body).toEqual({ outcome: 'accepted' });
    const still = await replay('2');
    expect([still.status, still.body.code, still.body.errors[0].code]).toEqual([
      409,
      'still-rejected',
      'no-assignment',
    ]);
    expect((await replay('3')).status).toBe(404);
  });

  it('are dismissed once', async () => {
    put('1', 'x');
    const token = await server.token('operator');
    const dismiss = () => server.call('/api/rejected-readings/1/dismiss', { method: 'POST', token });
    expect((await dismiss()).status).toBe(204);
    expect((await dismiss()).body.code).toBe('already-dismissed');
  });

  it('of another ward are not shown to an operator of this one', async () => {
    put('1', 'x');
    const token = await server.token('operator', ['W2']);
    expect((await get('/api/rejected-readings', RejectedList, token)).rejected).toEqual([]);
    expect((await server.call('/api/rejected-readings/1/replay', { method: 'POST', token })).status).toBe(404);
  });
});
