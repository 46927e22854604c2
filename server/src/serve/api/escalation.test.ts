import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PostgresCareTeams } from '../../adapters/postgres/care-teams.ts';
import { PostgresContacts } from '../../adapters/postgres/contacts.ts';
import { PostgresRotas } from '../../adapters/postgres/rotas.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import type { Role } from '../../domain/access.ts';
import { ESCALATION_TIMES } from '../../domain/escalation-times.ts';
import type { AlarmId, UserId, WardId } from '../../domain/ids.ts';
import { escalationDefinitions } from '../../escalation/definition-files.ts';
import { createStaffDirectory } from '../../escalation/staff-directory.ts';
import type { ActRequest } from '../../ports/alarm-store.ts';
import type { ToldRound } from '../../ports/escalations.ts';
import type { DeliveryRecord } from '../../ports/outbox.ts';
import { makeAlarm, NOW, startTestServer, type TestServer } from '../test-server.ts';
import { registerEscalation } from './escalation.ts';
import type { EscalationServices } from './escalation-services.ts';
import { registerOnCall } from './on-call.ts';
import { registerQuietHours } from './quiet-hours.ts';
import { registerRotaOverrides } from './rota-overrides.ts';
import { registerRotas } from './rotas.ts';
import { registerTeams } from './teams.ts';

/** Rotas, teams and contacts on a real database; the alarms and what was told of them are given. */
let database: TestDatabase;
let server: TestServer;
let services: EscalationServices;
let nowMs = NOW;
const told = { rounds: [] as ToldRound[], deliveries: [] as DeliveryRecord[], acts: [] as Omit<ActRequest, 'atMs'>[] };

beforeAll(async () => {
  database = await openTestDatabase();
  const rotas = new PostgresRotas(database);
  const teams = new PostgresCareTeams(database);
  server = await startTestServer({
    server: {
      plugins: [
        (app) => {
          const directory = createStaffDirectory({
            accounts: { users: () => server.accounts.users() },
            contacts: new PostgresContacts(database),
            teams,
            rotas,
            channelTypes: () => new Map([['smtp', 'smtp']]),
            house: () => [],
            // Every question is asked anew.
            now: () => (nowMs += 5_000),
          });
          services = {
            view: () => server.world.view(),
            rotas,
            teams,
            directory,
            escalations: { rounds: async () => told.rounds },
            alarms: { find: async (id) => server.world.alarms.get(id) },
            async act(request) {
              told.acts.push(request);
              const alarm = server.world.alarms.get(request.id);
              if (alarm === undefined) return { kind: 'not-found' };
              if (alarm.acknowledgedAtMs !== undefined)
                return { kind: 'refused', reason: 'already-acknowledged', alarm };
              return { kind: 'done', change: { kind: 'escalated', alarm, atMs: NOW } };
            },
            deliveries: async () => told.deliveries,
            definitions: escalationDefinitions(),
            times: ESCALATION_TIMES,
            zone: 'Europe/Berlin',
            newId: randomUUID,
            now: () => NOW,
          };
          registerRotas(app, services);
          registerRotaOverrides(app, services);
          registerOnCall(app, services);
          registerTeams(app, services);
          registerQuietHours(app, services);
          registerEscalation(app, services);
        },
      ],
    },
  });
  for (const [name, role] of Object.entries(STAFF)) {
    const id = name as UserId;
    await server.accounts.putUser({ id, name, displayName: `${name}!`, roles: [role], wardIds: [] });
  }
});
afterAll(() => server.stop());
beforeEach(async () => {
  await emptyDatabase(database);
  for (const name of ['nia', 'chris', 'otto']) await reach(name);
  told.rounds = [];
  told.deliveries = [];
  told.acts = [];
  server.world.alarms.clear();
});

const STAFF: Readonly<Record<string, Role>> = {
  nia: 'nurse',
  chris: 'charge-nurse',
  otto: 'physician',
  olga: 'physician',
};

async function reach(name: string): Promise<void> {
  const { pool } = database;
  await pool.query(`insert into app_user (id, name, display_name, roles, ward_ids) values ($1, $1, $1, '{}', '{}')`, [
    name,
  ]);
  const contacts = new PostgresContacts(database);
  const contact = { userId: name as UserId, channel: 'smtp', address: `${name}@ward.example`, atMs: 0 };
  await contacts.put(contact);
  await contacts.vouch({ ...contact, by: 'admin' });
}

const call = async (path: string, role: Role | readonly Role[] = 'charge-nurse', init: object = {}) =>
  server.call(path, { token: await server.token(role), ...init });
const put = (path: string, body: unknown, role?: Role) => call(path, role, { method: 'PUT', body });
const post = (path: string, body: unknown, role?: Role) => call(path, role, { method: 'POST', body });
const fieldsOf = (response: { body: { errors?: readonly { field: string; code: string }[] } }) =>
  response.body.errors?.map(({ field, code }) => `${field} ${code}`);

const ROTA = {
  name: 'Medicine',
  wardIds: [],
  zone: 'Europe/Berlin',
  layers: [
    { name: 'first', people: ['otto', 'olga'], startsOn: '2026-11-02', handoverAt: '08:00', turnDays: 7 },
    { name: 'second', people: ['otto'], startsOn: '2026-11-30', handoverAt: '08:00', turnDays: 7 },
  ],
  reason: 'as agreed',
};

describe('a rota over HTTP', () => {
  it('is made, shows who is on call and warns of what will go wrong', async () => {
    const made = await put('/api/rotas/R1', ROTA);
    expect(made.status).toBe(200);
    expect(made.body.rota).toMatchObject({
      id: 'R1',
      version: 1,
      setBy: expect.stringContaining('User'),
      reason: 'as agreed',
    });
    expect(made.body.spans[0]).toEqual({
      layer: 'first',
      userId: 'otto',
      name: 'otto!',
      by: 'rotation',
      from: '2026-11-22T03:00:00.000Z',
      to: '2026-11-23T07:00:00.000Z',
    });
    const codes = made.body.warnings.map(({ code, layer }: { code: string; layer: string }) => `${code} ${layer}`);
    expect(codes).toContain('gap second');
    expect(codes).toContain('unreachable first');
    const list = await call('/api/rotas', 'nurse');
    expect(list.body.rotas[0].now.map(({ by }: { by: string }) => by)).toEqual(['rotation', 'nobody']);
    const gaps = await call('/api/rotas/R1/gaps?from=2026-11-29T00:00:00Z&to=2026-12-01T00:00:00Z');
    expect(gaps.body.warnings.filter(({ code }: { code: string }) => code === 'gap')).toEqual([
      {
        code: 'gap',
        layer: 'second',
        from: '2026-11-29T00:00:00.000Z',
        to: '2026-11-30T07:00:00.000Z',
        text: 'nobody is on call in layer second',
      },
    ]);
  });

  it('is checked without being kept', async () => {
    const checked = await post('/api/rotas/check', ROTA);
    expect(checked.status).toBe(200);
    expect(checked.body.spans.length).toBeGreaterThan(4);
    expect((await call('/api/rotas')).body.rotas).toEqual([]);
  });

  it('is refused with every problem at once', async () => {
    const wrong = { ...ROTA, zone: 'Moon/Sea', wardIds: ['W9'], layers: [{ ...ROTA.layers[0], people: ['zoe'] }] };
    const refused = await put('/api/rotas/R1', wrong);
    expect(refused.status).toBe(400);
    expect(fieldsOf(refused)).toEqual([
      'zone unknown-zone',
      'wardIds.0 unknown-ward',
      'layers.0.people.0 unknown-person',
    ]);
    expect((await put('/api/rotas/R1', { ...ROTA, layers: [{ ...ROTA.layers[0], handoverAt: '8:00' }] })).status).toBe(
      400,
    );
  });

  it('tells whoever comes second that another version came between', async () => {
    await put('/api/rotas/R1', ROTA);
    expect((await put('/api/rotas/R1', { ...ROTA, version: 1 })).status).toBe(200);
    const second = await put('/api/rotas/R1', { ...ROTA, version: 1 });
    expect([second.status, second.body.code, second.body.changed.version]).toEqual([412, 'changed-meanwhile', 2]);
    expect((await put('/api/rotas/R1', ROTA)).status).toBe(428);
    const versions = await call('/api/rotas/R1/versions');
    expect(versions.body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
  });

  it('is written by those who plan, for their own wards', async () => {
    expect((await put('/api/rotas/R1', ROTA, 'nurse')).status).toBe(403);
    const restricted = { token: await server.token('charge-nurse', ['W1']), method: 'PUT' };
    const other = await server.call('/api/rotas/R1', { ...restricted, body: ROTA });
    expect([other.status, other.body.code]).toEqual([403, 'other-ward']);
    expect((await server.call('/api/rotas/R1', { ...restricted, body: { ...ROTA, wardIds: ['W1'] } })).status).toBe(
      200,
    );
    expect(
      (await server.call('/api/rotas/R1', { ...restricted, body: { ...ROTA, wardIds: ['W1', 'W2'] } })).status,
    ).toBe(403);
  });

  it('has overrides that are made and taken back', async () => {
    await put('/api/rotas/R1', ROTA);
    const override = {
      layer: 'first',
      userId: 'nia',
      from: '2026-11-22T04:00:00Z',
      to: '2026-11-22T06:00:00Z',
      reason: 'ill',
    };
    const made = await post('/api/rotas/R1/overrides', override);
    expect(made.status).toBe(201);
    const at = await call('/api/on-call?at=2026-11-22T05:00:00Z');
    expect(at.body.rotas[0].onCall[0]).toMatchObject({
      userId: 'nia',
      by: 'override',
      until: '2026-11-22T06:00:00.000Z',
    });
    const path = `/api/rotas/R1/overrides/${made.body.id}`;
    expect((await call(path, 'charge-nurse', { method: 'DELETE' })).status).toBe(204);
    expect((await call(path, 'charge-nurse', { method: 'DELETE' })).status).toBe(404);
    const refused = await post('/api/rotas/R1/overrides', {
      ...override,
      layer: 'third',
      userId: 'zoe',
      to: override.from,
    });
    expect(fieldsOf(refused)).toEqual(['layer unknown-layer', 'userId unknown-person', 'to empty-period']);
  });

  it('cannot be overridden in the past: who was on call stays so', async () => {
    await put('/api/rotas/R1', ROTA);
    const made = await post('/api/rotas/R1/overrides', {
      layer: 'first',
      userId: 'nia',
      from: '2026-11-20T00:00:00Z',
      to: '2026-11-22T06:00:00Z',
      reason: 'ill',
    });
    expect([made.status, made.body.from]).toEqual([201, new Date(NOW).toISOString()]);
    const before = await call('/api/on-call?at=2026-11-21T12:00:00Z');
    expect(before.body.rotas[0].onCall[0]).toMatchObject({ userId: 'otto', by: 'rotation' });
  });

  it('is retired, and then calls nobody', async () => {
    await put('/api/rotas/R1', ROTA);
    const retired = await call('/api/rotas/R1?reason=closed', 'charge-nurse', { method: 'DELETE' });
    expect([retired.status, retired.body.retired]).toEqual([200, true]);
    expect((await call('/api/on-call')).body.rotas).toEqual([]);
    expect((await call('/api/rotas/R1/schedule')).status).toBe(404);
  });

  it('may name people, of whom those nobody can reach are marked', async () => {
    const { body } = await call('/api/staff');
    const reachable = new Map(
      body.staff.map((each: { userId: string; reachable: boolean }) => [each.userId, each.reachable]),
    );
    expect(reachable.get('otto')).toBe(true);
    expect(reachable.get('olga')).toBe(false);
    expect(JSON.stringify(body)).not.toContain('@ward.example');
  });
});

describe('a care team over HTTP', () => {
  const assign = (body: object) => post('/api/wards/W1/assignments', body);

  it('says who looks after which bed, and which has nobody', async () => {
    await put('/api/wards/W1/shifts', { zone: 'UTC', shifts: [{ name: 'night', from: '19:00', to: '07:30' }] });
    const made = await assign({ role: 'nurse', userId: 'nia', bedIds: ['W1-B1'], shift: 'night' });
    expect(made.status).toBe(201);
    const { body } = await call('/api/wards/W1/care-team', 'nurse');
    expect(body.shiftNow).toBe('night');
    expect(
      body.beds.map(({ bedId, nurses }: { bedId: string; nurses: { name: string }[] }) => [bedId, nurses[0]?.name]),
    ).toEqual([
      ['W1-B1', 'nia!'],
      ['W1-B2', undefined],
    ]);
    expect(body.warnings.map(({ code }: { code: string }) => code)).toEqual([
      'bed-without-nurse',
      'no-charge-nurse',
      'no-doctor',
    ]);
    const path = `/api/wards/W1/assignments/${made.body.id}`;
    expect((await call(path, 'charge-nurse', { method: 'DELETE' })).status).toBe(204);
    expect((await call('/api/wards/W1/care-team')).body.assignments).toEqual([]);
  });

  it('does not tell those who only plan who lies where', async () => {
    await assign({ role: 'nurse', userId: 'nia', patientIds: ['P1'] });
    const seenBy = async (role: Role) => JSON.stringify((await call('/api/wards/W1/care-team', role)).body);
    expect(await seenBy('nurse')).toContain('"P1"');
    expect(await seenBy('admin')).not.toContain('"P1"');
    expect((await call('/api/escalation/preview?patient=P1', 'admin')).status).toBe(404);
    expect((await call('/api/escalation/preview?patient=P1', 'nurse')).status).toBe(200);
  });

  it('is nobody’s before it was given', async () => {
    const made = await assign({ role: 'nurse', userId: 'nia', bedIds: ['W1-B1'], from: '2026-11-20T00:00:00Z' });
    expect([made.status, made.body.from]).toEqual([201, new Date(NOW).toISOString()]);
  });

  it('is refused with every problem, and in wards that are not one’s own', async () => {
    const refused = await assign({
      role: 'charge-nurse',
      userId: 'zoe',
      bedIds: ['W2-B1'],
      patientIds: ['P3'],
      shift: 'late',
    });
    expect(fieldsOf(refused)).toEqual([
      'userId unknown-person',
      'bedIds.0 unknown-bed',
      'patientIds.0 unknown-patient',
      'shift unknown-shift',
      'role role-of-ward',
    ]);
    await server.accounts.putUser({
      id: 'far' as UserId,
      name: 'far',
      displayName: 'Far',
      roles: ['nurse'],
      wardIds: ['W2' as WardId],
    });
    expect(fieldsOf(await assign({ role: 'nurse', userId: 'far', bedIds: ['W1-B1'] }))).toEqual(['userId other-ward']);
    const token = await server.token('charge-nurse', ['W2']);
    expect((await server.call('/api/wards/W1/care-team', { token })).status).toBe(404);
    expect((await post('/api/wards/W1/assignments', { role: 'nurse', userId: 'nia' }, 'nurse')).status).toBe(403);
  });
});

describe('quiet hours over HTTP', () => {
  const window = { weekdays: [1, 2], from: '22:00', to: '06:00', priorities: ['low'], effect: 'hold' };

  it('are one’s own, or a ward’s', async () => {
    expect((await call('/api/me/quiet-hours', 'nurse')).body).toEqual({
      zone: 'Europe/Berlin',
      windows: [],
      version: 0,
    });
    expect((await put('/api/me/quiet-hours', { zone: 'UTC', windows: [window] }, 'nurse')).status).toBe(200);
    expect((await call('/api/me/quiet-hours', 'nurse')).body.windows).toEqual([window]);
    expect((await call('/api/me/quiet-hours', 'physician')).body.windows).toEqual([]);
    expect((await put('/api/wards/W1/quiet-hours', { zone: 'UTC', windows: [window] })).status).toBe(200);
    expect((await call('/api/wards/W1/quiet-hours', 'nurse')).body).toMatchObject({ windows: [window], version: 1 });
    const late = await put('/api/wards/W1/quiet-hours', { zone: 'UTC', windows: [], version: 0 });
    expect([late.status, late.body.changed]).toMatchObject([412, { version: 1, by: expect.any(String) }]);
    expect((await put('/api/wards/W1/quiet-hours', { zone: 'UTC', windows: [], version: 1 })).body.version).toBe(2);
    expect((await put('/api/wards/W1/quiet-hours', { zone: 'UTC', windows: [] }, 'nurse')).status).toBe(403);
  });

  it('cannot name high alarms', async () => {
    const high = { zone: 'UTC', windows: [{ ...window, priorities: ['low', 'high'] }] };
    const refused = await put('/api/me/quiet-hours', high, 'nurse');
    expect([refused.status, fieldsOf(refused)?.[0]]).toEqual([400, 'windows.0.priorities.1 invalid-value']);
  });
});

describe('an escalation over HTTP', () => {
  const round: ToldRound = {
    alarmId: 'A1' as never,
    round: 1,
    definition: 'escalation-high',
    priority: 'high',
    fromStep: 'nurse',
    startedBy: 'raised',
    startedAtMs: NOW - 60_000,
    step: 'nurse',
    toldAtMs: NOW - 60_000,
    dueAtMs: NOW + 540_000,
    execution: 'escalation-high:A1.1',
    steps: [
      {
        step: 'nurse',
        repeat: 1,
        atMs: NOW - 60_000,
        untilMs: NOW + 540_000,
        recipients: [
          {
            userId: 'nia' as UserId,
            role: 'nurse',
            channel: 'smtp',
            address: 'nia@ward.example',
            why: 'nurse of bed W1-B1',
            dedupeKey: 'k1',
          },
        ],
        warnings: [],
      },
    ],
  };
  const delivery: DeliveryRecord = {
    deliveryId: 'd1',
    event: 'raised',
    channel: 'smtp',
    recipient: 'nia@ward.example',
    state: 'delivered',
    attempts: 1,
    orderedAtMs: NOW - 60_000,
    updatedAtMs: NOW - 59_000,
    dedupeKey: 'k1',
  };

  beforeEach(() => {
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    told.rounds = [round];
    told.deliveries = [delivery];
  });

  it('shows who was told, what became of it, and who is next', async () => {
    const { body } = await call('/api/alerts/A1/escalation', 'nurse');
    expect(body).toMatchObject({
      state: 'running',
      next: { step: 'charge-nurse-and-doctor', at: '2026-11-22T03:09:00.000Z' },
    });
    const [first, second] = body.rounds[0].steps;
    expect(first).toMatchObject({ step: 'nurse', state: 'waiting', until: '2026-11-22T03:09:00.000Z' });
    expect(first.recipients).toEqual([
      {
        userId: 'nia',
        name: 'nia!',
        role: 'nurse',
        channel: 'smtp',
        why: 'nurse of bed W1-B1',
        state: 'delivered',
        updatedAt: '2026-11-22T02:59:01.000Z',
      },
    ]);
    expect(second).toMatchObject({ step: 'charge-nurse-and-doctor', state: 'skipped', at: '2026-11-22T03:09:00.000Z' });
    expect(JSON.stringify(body)).not.toContain('@ward.example');
  });

  it('shows a wall how far it has come, and not whose phone rang', async () => {
    const { body } = await call('/api/alerts/A1/escalation', 'kiosk');
    expect(body.rounds[0].steps[0].recipients[0]).not.toHaveProperty('name');
    expect(body.rounds[0].steps[0].recipients[0]).not.toHaveProperty('userId');
    expect(body.next.step).toBe('charge-nurse-and-doctor');
  });

  it('is pushed on by a person, with a word why', async () => {
    const pushed = await post('/api/alerts/A1/escalate', { reason: 'both hands full' }, 'nurse');
    expect(pushed.status).toBe(200);
    expect(told.acts.map(({ act }) => act)).toEqual([
      { kind: 'escalate', step: 'charge-nurse-and-doctor' },
      { kind: 'note', note: 'both hands full' },
    ]);
    expect((await post('/api/alerts/A1/escalate', {}, 'kiosk')).status).toBe(403);
  });

  it('is not pushed while those told have had no moment to answer, nor once somebody has it', async () => {
    told.rounds = [{ ...round, step: 'on-call', toldAtMs: NOW - 1_000 }];
    const soon = await post('/api/alerts/A1/escalate', {}, 'nurse');
    expect([soon.status, soon.body.code]).toEqual([409, 'escalated-just-now']);
    told.rounds = [];
    server.world.alarms.set(
      'A1' as AlarmId,
      makeAlarm({ id: 'A1', patientId: 'P1', acknowledgedAtMs: NOW, owner: 'Nia' }),
    );
    const taken = await post('/api/alerts/A1/escalate', {}, 'nurse');
    expect([taken.status, taken.body.code, taken.body.detail]).toEqual([409, 'already-acknowledged', 'Nia has it.']);
  });

  it('is only of wards one may see', async () => {
    const token = await server.token('nurse', ['W2']);
    expect((await server.call('/api/alerts/A1/escalation', { token })).status).toBe(404);
    expect((await server.call('/api/escalation/preview?patient=P1', { token })).status).toBe(404);
  });

  it('is previewed: who would be told, when, if this rang now', async () => {
    await post('/api/wards/W1/assignments', { role: 'nurse', userId: 'nia' });
    await post('/api/wards/W1/assignments', { role: 'charge-nurse', userId: 'chris' });
    const { body } = await call('/api/escalation/preview?patient=P1&priority=high', 'nurse');
    expect(
      body.steps.map(({ step, at, recipients }: { step: string; at: string; recipients: { name: string }[] }) => [
        step,
        at.slice(11, 16),
        recipients.map(({ name }) => name).join(' '),
      ]),
    ).toEqual([
      ['nurse', '03:00', 'nia!'],
      ['charge-nurse-and-doctor', '03:10', 'chris!'],
      ['on-call', '03:15', ''],
      ['everyone', '03:15', 'chris! nia!'],
      ['everyone', '03:20', 'chris! nia!'],
    ]);
    const low = await call('/api/escalation/preview?patient=P1&priority=low', 'nurse');
    expect(low.body).not.toHaveProperty('definition');
  });
});
