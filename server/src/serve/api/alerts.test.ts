import {
  AcknowledgedAlerts,
  AlertChoices,
  AlertDetail,
  AlertList,
  AlertNote,
  Alert as AlertSchema,
} from '@healthsync/contracts/alert';
import { LiveAlert } from '@healthsync/contracts/live';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmId, BedId, WardId } from '../../domain/ids.ts';
import { makeAlarm, NOW, startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
let nurse: string;
beforeEach(async () => {
  server = await startTestServer();
  nurse = await server.token('nurse');
});
afterEach(() => server.stop());

const put = (sketch: Parameters<typeof makeAlarm>[0]) =>
  void server.world.alarms.set(sketch.id as AlarmId, makeAlarm(sketch));

function checked(schema: TSchema, body: unknown) {
  expect([...Value.Errors(schema, body)]).toEqual([]);
  expect(Value.Clean(schema, structuredClone(body))).toEqual(body);
}

async function get(path: string, schema: TSchema, token = nurse) {
  const { status, body } = await server.call(path, { token });
  expect(status, path).toBe(200);
  checked(schema, body);
  return body;
}

async function post(path: string, body?: object, token = nurse) {
  return server.call(path, { method: 'POST', token, ...(body !== undefined && { body }) });
}

const ids = async (query: string, token = nurse) =>
  (await get(`/api/alerts?${query}`, AlertList, token)).alerts.map(({ id }: { id: string }) => id);

describe('a list of alarms', () => {
  beforeEach(() => {
    const at = (minute: number) => ({ raisedAtMs: NOW - minute * 60_000 });
    put({ id: 'low', patientId: 'P1', priority: 'low', ...at(50) });
    put({ id: 'high', patientId: 'P1', ...at(10) });
    put({ id: 'high-first', patientId: 'P2', ...at(20) });
    put({ id: 'medium-over', patientId: 'P2', priority: 'medium', condition: 'ended', ...at(30) });
    put({ id: 'taken', patientId: 'P3', acknowledgedAtMs: NOW, acknowledgedBy: 'X', owner: 'X', ...at(5) });
    const snooze = { snoozedUntilMs: NOW + 300_000, snoozedAtMs: NOW, snoozedBy: 'X' };
    put({ id: 'snoozed', patientId: 'P4', priority: 'medium', ...snooze, ...at(1) });
    put({ id: 'done', patientId: 'P4', state: 'resolved', condition: 'ended', ...at(60) });
  });

  it('as a worklist has first what nobody took, by urgency and waiting time', async () =>
    expect(await ids('state=active&order=worklist')).toEqual([
      'high-first',
      'high',
      'low',
      'medium-over',
      'snoozed',
      'taken',
    ]));

  it('narrows by priority, by who has it, and to what nobody has', async () => {
    expect(await ids('priority=medium&order=worklist')).toEqual(['medium-over', 'snoozed']);
    expect(await ids('priority=medium&priority=low&unacknowledged=true&order=worklist&ward=W1')).toEqual([
      'low',
      'medium-over',
    ]);
    expect(await ids('unacknowledged=false&state=active')).toEqual(['taken']);
    expect(await ids('mine=true')).toEqual([]);
    await post('/api/alerts/low/acknowledge');
    expect(await ids('mine=true')).toEqual(['low']);
    expect(await ids('mine=true', await server.token('physician'))).toEqual([]);
  });

  it.each(['newest', 'worklist'])('comes in pages, in the order %s: nothing twice, nothing left out', async (order) => {
    const whole = await ids(`order=${order}`);
    expect(whole).toHaveLength(order === 'newest' ? 7 : 6);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { alerts, next } = await get(`/api/alerts?order=${order}&limit=3${cursor}`, AlertList);
      seen.push(...alerts.map(({ id }: { id: string }) => id));
      if (next === undefined) break;
      cursor = `&cursor=${next}`;
    }
    expect(seen).toEqual(whole);
  });

  it('knows where a page ended although that alarm has changed since', async () => {
    const first = await get('/api/alerts?order=worklist&state=active&limit=2', AlertList);
    await post('/api/alerts/high/acknowledge');
    const rest = await get(`/api/alerts?order=worklist&state=active&limit=9&cursor=${first.next}`, AlertList);
    expect(rest.alerts.map(({ id }: { id: string }) => id)).toEqual(['low', 'medium-over', 'snoozed', 'high', 'taken']);
  });

  it.each([
    'cursor=x',
    'cursor=W10',
    `cursor=${Buffer.from('["newest",0,0,"../x"]').toString('base64url')}`,
    `cursor=${Buffer.from('["worklist",0,0,"a"]').toString('base64url')}`,
    'order=oldest',
    'order=worklist&state=resolved',
    'priority=urgent',
    'unacknowledged=maybe',
  ])('refuses ?%s', async (query) => {
    const { status, body } = await server.call(`/api/alerts?${query}`, { token: nurse });
    expect([status, body.errors[0].field.split(/[./]/)[0]]).toEqual([400, query.split('=')[0]]);
  });
});

describe('a patient who was moved', () => {
  const move = () =>
    server.world.change((snapshot) => ({
      ...snapshot,
      patients: snapshot.patients.map((one) =>
        one.id === 'P1' ? { ...one, wardId: 'W2' as WardId, bedId: 'W2-B1' as BedId, bed: 'W2-B1' } : one,
      ),
    }));

  it('takes their alarms along: listed, shown and taken where they lie now, and no more where they lay', async () => {
    put({ id: 'A1', patientId: 'P1' });
    const [before, after] = [await server.token('nurse', ['W1']), await server.token('nurse', ['W2'])];
    expect([await ids('', before), await ids('', after)]).toEqual([['A1'], []]);
    move();
    expect([await ids('', before), await ids('', after)]).toEqual([[], ['A1']]);
    expect((await server.call('/api/alerts/A1', { token: before })).status).toBe(404);
    expect((await post('/api/alerts/A1/acknowledge', undefined, before)).status).toBe(404);
    const { body } = await post('/api/alerts/A1/acknowledge', undefined, after);
    expect(body).toMatchObject({
      wardId: 'W2',
      bed: 'W2-B1',
      rangIn: { wardId: 'W1', bedId: 'W1-B1', bed: 'W1-B1' },
    });
  });

  it('without a bed is listed under no ward, for those who see all', async () => {
    const { wardId: _w, bedId: _b, ...homeless } = makeAlarm({ id: 'A5', patientId: 'P5' });
    server.world.alarms.set('A5' as AlarmId, homeless);
    expect(await ids('ward=~none')).toEqual(['A5']);
    const { status } = await server.call('/api/alerts?ward=~none', { token: await server.token('nurse', ['W1']) });
    expect(status).toBe(403);
  });
});

describe('what a person does to an alarm', () => {
  beforeEach(() => put({ id: 'A1', patientId: 'P1', priority: 'medium' }));

  it('is in their own name, and all of it stands in its history', async () => {
    const physician = await server.token('physician');
    expect((await post('/api/alerts/A1/snooze', { minutes: 15 })).body).toMatchObject({
      snooze: { by: 'User 0 (user0)', until: expect.any(String) },
    });
    expect((await post('/api/alerts/A1/unsnooze')).body).not.toHaveProperty('snooze');
    expect((await post('/api/alerts/A1/acknowledge')).body).toMatchObject({
      owner: 'User 0 (user0)',
      ownerId: 'u0',
      acknowledgementExpiresAt: expect.any(String),
    });
    const taken = await post('/api/alerts/A1/own', { from: 'User 0 (user0)', note: 'my patient' }, physician);
    expect(taken.body).toMatchObject({ owner: 'User 1 (user1)', acknowledgedBy: 'User 0 (user0)', notes: 1 });
    expect((await post('/api/alerts/A1/release', undefined, physician)).body).not.toHaveProperty('owner');
    const detail = await get('/api/alerts/A1', AlertDetail);
    expect(
      detail.history.map(({ change, by, previousOwner }: Record<string, unknown>) => [change, by, previousOwner]),
    ).toEqual([
      ['snoozed', 'User 0 (user0)', undefined],
      ['unsnoozed', 'User 0 (user0)', undefined],
      ['acknowledged', 'User 0 (user0)', undefined],
      ['owner-changed', 'User 1 (user1)', 'User 0 (user0)'],
      ['released', 'User 1 (user1)', 'User 1 (user1)'],
    ]);
    expect(detail.notes).toMatchObject([{ author: 'User 1 (user1)', text: 'my patient' }]);
  });

  it('reaches the live stream at once, with who did it', async () => {
    const stream = await server.open('/api/live?vitals=false', { token: nurse });
    const events: unknown[] = [];
    let [text, hasSnapshot] = ['', false];
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      hasSnapshot ||= blocks.some((block) => /^event: snapshot$/m.test(block));
      for (const block of blocks)
        if (/^event: alert$/m.test(block)) events.push(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ''));
    });
    await expect.poll(() => hasSnapshot).toBe(true);
    await post('/api/alerts/A1/snooze', { minutes: 5 });
    await expect.poll(() => events.length).toBe(1);
    checked(LiveAlert, events[0]);
    expect(events[0]).toMatchObject({ change: 'snoozed', by: 'User 0 (user0)', alert: { snooze: {} } });
    stream.destroy();
  });

  it('that comes second is refused, and told who was first', async () => {
    const [ben, cem] = [await server.token('physician'), await server.token('charge-nurse')];
    await post('/api/alerts/A1/acknowledge');
    const from = 'User 0 (user0)';
    const answers = await Promise.all([ben, cem].map((token) => post('/api/alerts/A1/own', { from }, token)));
    const won = answers.find(({ status }) => status === 200);
    const lost = answers.find(({ status }) => status === 409);
    checked(AlertSchema, won?.body);
    expect(lost?.body).toMatchObject({ code: 'owned-by-other', detail: `${won?.body.owner} has it.` });
    const back = await post('/api/alerts/A1/release');
    expect(back.body).toMatchObject({
      code: 'not-owner',
      detail: `It is not yours to give back: ${won?.body.owner} has it.`,
    });
  });

  it('may be asked for twice by who did it, because the first answer was lost', async () => {
    const first = await post('/api/alerts/A1/acknowledge');
    const again = await post('/api/alerts/A1/acknowledge');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await get('/api/alerts/A1', AlertDetail)).history).toHaveLength(1);
  });

  it('is refused with its reason where it cannot be', async () => {
    put({ id: 'A2', patientId: 'P2', kind: 'technical', priority: 'high' });
    put({ id: 'A3', patientId: 'P2' });
    put({ id: 'A0', patientId: 'P2', state: 'resolved' });
    const refused = async (path: string, body?: object) => {
      const answer = await post(`/api/alerts/${path}`, body);
      return [answer.status, answer.body.code, answer.body.detail];
    };
    expect(await refused('A2/snooze', { minutes: 5 })).toEqual([
      409,
      'snooze-not-offered',
      'This alarm cannot be snoozed.',
    ]);
    expect(await refused('A3/snooze', { minutes: 15 })).toEqual([
      409,
      'snooze-not-offered',
      'For this alarm there are: 5 minutes.',
    ]);
    expect(await refused('A1/unsnooze')).toEqual([409, 'not-snoozed', 'It is not snoozed any more.']);
    expect(await refused('A0/snooze', { minutes: 5 })).toEqual([409, 'already-resolved', 'This alarm is over.']);
    expect(await refused('A1/own', { from: 'Nobody' })).toEqual([409, 'owned-by-other', 'Nobody has it any more.']);
    expect((await post('/api/alerts/none/release')).status).toBe(404);
  });

  it.each([
    ['snooze', {}],
    ['snooze', { minutes: 0 }],
    ['snooze', { minutes: 1e9 }],
    ['snooze', { minutes: 5, forever: true }],
    ['notes', { text: '' }],
    ['notes', { text: '   ' }],
    ['notes', { text: 'a\u0000b' }],
    ['notes', { text: 'x'.repeat(2_001) }],
    ['own', { note: '\n' }],
    ['own', { from: 5 }],
  ])('is not understood as another %s: %#', async (path, body) => {
    const answer = await post(`/api/alerts/A1/${path}`, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-input']);
    expect(server.world.alarms.get('A1' as AlarmId)).toMatchObject({ notes: 0, revision: 1 });
  });

  it.each(['acknowledge', 'own', 'release', 'snooze', 'unsnooze', 'notes'])(
    'a screen on the corridor cannot: %s',
    async (path) => {
      const { status } = await post(`/api/alerts/A1/${path}`, undefined, await server.token('kiosk'));
      expect(status).toBe(403);
    },
  );
});

describe('notes', () => {
  it('are read by those who care for the patient, and are on no screen in the corridor', async () => {
    put({ id: 'A1', patientId: 'P1' });
    const { status, body } = await post('/api/alerts/A1/notes', { text: ' Mr Doe felt faint \r\n sat him down ' });
    expect(status).toBe(201);
    checked(AlertNote, body);
    expect(body).toMatchObject({ text: 'Mr Doe felt faint \n sat him down', author: 'User 0 (user0)' });
    const detail = await get('/api/alerts/A1', AlertDetail);
    expect(detail.notes).toEqual([body]);
    expect(detail.alert.notes).toBe(1);
    const kiosk = await get('/api/alerts/A1', AlertDetail, await server.token('kiosk'));
    expect(kiosk).not.toHaveProperty('notes');
    expect(JSON.stringify([kiosk, await get('/api/alerts', AlertList), server.logLines])).not.toContain('Doe');
  });
});

describe('many at once', () => {
  it('are taken but for the high ones; every alarm has its answer, in the order asked for', async () => {
    put({ id: 'A1', patientId: 'P1', priority: 'medium' });
    put({ id: 'A2', patientId: 'P2' });
    put({ id: 'A3', patientId: 'P3', priority: 'low' });
    put({ id: 'A4', patientId: 'P1', priority: 'low', state: 'resolved' });
    const w1 = await server.token('nurse', ['W1']);
    const asked = ['A3', 'A2', 'A1', 'A4', 'none'];
    const { status, body } = await post('/api/alerts/acknowledge', { ids: asked }, w1);
    expect(status).toBe(200);
    checked(AcknowledgedAlerts, body);
    expect(body.results.map(({ id, outcome }: Record<string, unknown>) => [id, outcome])).toEqual([
      ['A3', 'not-found'], // another ward's
      ['A2', 'high-priority'],
      ['A1', 'acknowledged'],
      ['A4', 'already-resolved'],
      ['none', 'not-found'],
    ]);
    expect(body.results[2].alert.acknowledgedBy).toBe('User 1 (user1)');
    expect(server.world.alarms.get('A2' as AlarmId)).not.toHaveProperty('acknowledgedBy');
    expect(server.world.alarms.get('A3' as AlarmId)).not.toHaveProperty('acknowledgedBy');
  });

  it.each([
    { ids: [] },
    { ids: ['A1', 'A1'] },
    { ids: ['../x'] },
    { ids: Array.from({ length: 101 }, (_, i) => `A${i}`) },
    {},
  ])('are not understood otherwise: %#', async (body) => {
    const answer = await post('/api/alerts/acknowledge', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-input']);
  });
});

it('what may be chosen for a snooze is asked for, not guessed', async () =>
  expect(await get('/api/alerts/choices', AlertChoices)).toEqual({
    snoozeMinutes: { high: [5], medium: [5, 15, 30], low: [5, 15, 30] },
  }));
