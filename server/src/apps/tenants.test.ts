import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AccessPolicies } from '@healthsync/contracts/access';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rolesMay } from '../access/role-decisions.ts';
import { writeAlarmEvents } from '../adapters/postgres/alarm-events.ts';
import { PostgresAlarmStore } from '../adapters/postgres/alarm-store.ts';
import { auditAlarmChanges } from '../adapters/postgres/audit-pending.ts';
import { ACCOUNT_ROLES, ACTION_NAMES, type Action } from '../domain/access.ts';
import type { AlarmId, BedId, DeviceId, PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';
import { sha256Of } from '../identity/secrets.ts';
import { began } from '../ports/test-transitions.ts';
import { withOpenData } from './open-data.ts';
import { startTestProgram, type TestPerson, type TestProgram } from './test-program.ts';

/**
 * Two organisations in one program. Whatever is the one's has a word of its own in it (`south` for the first, `north` for
 * the other): where it comes up in an answer to the other, something has crossed.
 */
let program: TestProgram;
let routes: AccessPolicies['routes'];

const SIDES = ['south', 'north'] as const;
type Side = (typeof SIDES)[number];
const otherOf = (side: Side): Side => (side === 'south' ? 'north' : 'south');
/** The first organisation is the installation's own. */
const tenantOf = (side: Side) => (side === 'south' ? {} : { tenantId: 'north' as TenantId });

const PEOPLE = SIDES.flatMap((side) => [
  ...ACCOUNT_ROLES.map((role) => ({ name: `${side}-${role}`, roles: [role], wardIds: [], ...tenantOf(side) })),
  // Whose ward is the other's: a slip of whoever keeps accounts, or an attempt.
  { name: `${side}-abroad`, roles: ['nurse'], wardIds: [`${otherOf(side)}-w`], ...tenantOf(side) },
]) satisfies readonly TestPerson[];

/** Ids that were chosen by the program. */
const made: Record<Side, string[]> = { south: [], north: [] };
beforeAll(async () => {
  program = await startTestProgram(PEOPLE, {
    // Whom the settings name is the first organisation's; nothing is reached there.
    HEALTHSYNC_SMTP_URL: 'smtp://127.0.0.1:1',
    HEALTHSYNC_SMTP_FROM: 'healthsync@a.example',
    HEALTHSYNC_NOTIFY_EMAIL: 'office@south.example',
  });
  for (const side of SIDES) await furnish(side);
  routes = (await program.call('south-privacy-officer', 'GET', '/api/access/policies')).body.routes;
}, 120_000);
afterAll(() => program?.stop());

/** Something of everything, of each organisation alike. */
async function furnish(side: Side): Promise<void> {
  const nowMs = Date.now();
  const [ward, bed, patient] = [`${side}-w` as WardId, `${side}-b` as BedId, `${side}-p` as PatientId];
  const device = `${side}-d` as DeviceId;
  await withOpenData(program.settings, Date.now, async ({ registry, database, contacts, keys }) => {
    await registry.putWard({ id: ward, name: `Ward of ${side}`, ...tenantOf(side) });
    await registry.putBed({ id: bed, wardId: ward, label: `${side}-01` });
    await registry.putPatient({ id: patient, familyName: `Fam-${side}`, mrn: '4711', bedId: bed });
    await registry.putPatient({ id: `${side}-p2` as PatientId, familyName: `Fam-${side}`, ...tenantOf(side) });
    await registry.putDevice({ id: device, createdAtMs: nowMs, ...tenantOf(side) });
    await registry.addDeviceToken({
      deviceId: device,
      sha256: sha256Of(`hsd_${side}`),
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
    });
    await registry.assign({ deviceId: device, patientId: patient, fromMs: nowMs - 60_000 });
    const inTransaction = [writeAlarmEvents, auditAlarmChanges];
    await new PostgresAlarmStore(database, { seal: keys.seal, inTransaction }).apply([
      began(1, { patientId: patient, deviceId: device, alarmId: `${side}-alarm` as AlarmId }),
    ]);
    const userId = `u-${side}-nurse` as UserId;
    await contacts.put({ userId, channel: 'smtp', address: `${side}@a.example`, atMs: nowMs });
    const { rows } = await database.pool.query<{ id: number }>(
      `insert into rejected_reading (device_id, received_at, source, payload, problems)
       values ($1, now(), 'https', $2, '[]') returning id`,
      [device, Buffer.from(side)],
    );
    made[side].push(String(rows[0]?.id));
  });
  // Who works here is read anew every few seconds.
  await vi.waitFor(
    () =>
      put(side, 'admin', 'PUT', `/api/rotas/${side}-rota`, {
        name: `Rota of ${side}`,
        // Every ward: of theirs.
        wardIds: [],
        zone: 'Europe/Berlin',
        reason: 'the first one',
        layers: [
          { name: 'first', people: [`u-${side}-physician`], startsOn: '2026-01-05', handoverAt: '08:00', turnDays: 7 },
        ],
      }),
    { timeout: 30_000, interval: 250 },
  );
  await put(side, 'charge-nurse', 'POST', `/api/patients/${patient}/consents`, { purpose: 'research' });
  await put(side, 'admin', 'POST', '/api/device-enrollments', { deviceId: `${side}-d2` });
  await put(side, 'admin', 'POST', '/api/event-subscriptions', {
    name: `Events of ${side}`,
    url: `https://${side}.example.org/events`,
    routes: [{}],
  });
  await put(side, 'admin', 'POST', '/api/clients', {
    id: `${side}-client`,
    kind: 'app',
    name: `App of ${side}`,
    redirectUris: [`https://${side}.example.org/back`],
    scopes: ['own.use'],
  });
  await put(side, 'admin', 'PUT', '/api/house/rules', {
    reason: `the house of ${side}`,
    rules: [
      {
        kind: 'limit',
        id: `heartRate.above.low.${side}`,
        vital: 'heartRate',
        comparison: 'above',
        limit: 190,
        priority: 'low',
      },
    ],
  });
  await put(side, 'admin', 'POST', '/scim/v2/Groups', { displayName: 'nurses', externalId: `group-${side}` });
  await put(side, 'admin', 'POST', '/api/users', { name: `${side}-new`, displayName: `New ${side}`, roles: ['nurse'] });
}

async function put(side: Side, role: string, method: string, path: string, sent: unknown): Promise<void> {
  const { status, body } = await program.call(`${side}-${role}`, method, path, sent);
  expect(status, `${side} ${method} ${path}: ${JSON.stringify(body)}`).toBeLessThan(300);
  const id = body?.id ?? body?.subscription?.id ?? body?.user?.id;
  if (typeof id === 'string' && !id.startsWith(side)) made[side].push(id);
}

const filled = (path: string, id: string) => path.replaceAll(/:\w+/g, id).replace('*', 'none.js');
const asAction = ({ asks }: { readonly asks: string }) => asks !== 'public' && asks !== 'device';

describe('of another organisation nobody', () => {
  it.each(SIDES)(
    'of %s meets a word in any list, page or stream',
    async (side) => {
      const lists = routes.filter(
        (route) => asAction(route) && route.method === 'GET' && !route.path.includes(':') && !NOT_IDS.test(route.path),
      );
      expect(lists.length).toBeGreaterThan(40);
      const own = new Set<string>();
      for (const { path, asks } of lists.filter(({ path }) => !OF_THE_HOUSE.includes(path) && path !== '/api/live'))
        for (const role of whoMay(asks)) {
          const { raw, status } = await program.call(`${side}-${role}`, 'GET', path);
          expect(status, path).toBeLessThan(500);
          expect(raw, `${role} ${path}`).not.toMatch(new RegExp(`${otherOf(side)}(?!-w"\\])`, 'i'));
          if (raw.includes(side)) own.add(path);
        }
      // Their own they do see: the walk would find something.
      expect([...own]).toEqual(expect.arrayContaining(['/api/alerts', '/api/devices', '/api/patients']));
      // Whom the settings name, are the first one's.
      expect(own.has('/api/channels')).toBe(side === 'south');
    },
    120_000,
  );

  it.each(SIDES)(
    'of %s finds what is there by its id any more than what is not',
    async (side) => {
      const named = routes.filter((route) => asAction(route) && route.path.includes(':') && !NOT_IDS.test(route.path));
      expect(named.length).toBeGreaterThan(60);
      for (const { method, path } of named) {
        const role = roleFor(path);
        const ask = async (id: string) => {
          const sent = method === 'GET' ? undefined : {};
          const { status, raw } = await program.call(`${side}-${role}`, method, filled(path, id), sent);
          return { status, text: id.length > 3 ? raw.replaceAll(id, 'ID') : raw };
        };
        const none = new Map<string, Awaited<ReturnType<typeof ask>>>();
        for (const id of idsFor(path, otherOf(side))) {
          const like = likeIt(id);
          if (!none.has(like)) none.set(like, await ask(like));
          const theirs = await ask(id);
          expect(theirs, `${role} ${method} ${path} ${id}`).toEqual(none.get(like));
          expect(theirs.status).toBeLessThan(500);
        }
      }
    },
    180_000,
  );
});

/** What is one for all: the engine's executions, named by alarms, for who runs it; the audit, asked about below. */
const OF_THE_HOUSE = ['/api/workflows/executions', '/api/audit', '/fhir/AuditEvent'];

/** Two of those who get past the door, and somebody whose ward is the other's. */
function whoMay(asks: string): readonly string[] {
  const may = ACCOUNT_ROLES.filter((role) => !isAction(asks) || rolesMay([role], asks));
  return [...may.slice(0, 1), ...may.slice(1).slice(-1), 'abroad'];
}
const isAction = (asks: string): asks is Action => ACTION_NAMES.some((name) => name === asks);

/** An app's own step of signing in; what ends the session that asks; positions in the one log. */
const NOT_IDS = /^\/authorize\/|^\/api\/session|AuditEvent/;

/** Of the same form, and of nothing that exists: what refuses the form refuses both. */
function likeIt(id: string): string {
  if (/^\d+$/.test(id)) return '987654';
  return id.length > 20 ? id.replaceAll(/\d/g, '0') : 'no-such-one';
}

/** Of what such a path may name. */
function idsFor(path: string, side: Side): readonly string[] {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    patients: ['p', 'p2'],
    wards: ['w'],
    alerts: ['alarm'],
    devices: ['d'],
    rotas: ['rota'],
    clients: ['client'],
  };
  const named = kinds[path.split('/')[2] ?? ''];
  if (named !== undefined) return named.map((kind) => `${side}-${kind}`);
  return path.startsWith('/api/users') ? [`u-${side}-nurse`] : made[side];
}

/** Who could do something with it. */
function roleFor(path: string): string {
  if (/break-glass|security-alerts|own-records/.test(path)) return 'privacy-officer';
  return /alerts|patients|consents|wards/.test(path) ? 'physician' : 'admin';
}

describe('the live stream', () => {
  it.each(SIDES)('of %s has its wards, its patients, its alarms', async (side) => {
    for (const who of [`${side}-kiosk`, `${side}-abroad`]) {
      const response = await program.open(who, '/api/live');
      const told = await firstEvent(response);
      response.destroy();
      if (who.endsWith('kiosk')) expect(told).toContain(`${side}-alarm`);
      expect(told, who).not.toContain(otherOf(side));
    }
    expect((await program.call(`${side}-kiosk`, 'GET', `/api/live?ward=${otherOf(side)}-w`)).status).toBe(403);
  });
});

async function firstEvent(response: IncomingMessage): Promise<string> {
  let text = '';
  while (!text.includes('\n\n')) {
    const [chunk] = (await once(response, 'data')) as [Buffer];
    text += chunk.toString();
  }
  return text;
}

interface Entry {
  readonly tenantId?: string;
  readonly actor: { readonly kind: string };
}

describe('an organisation', () => {
  it('has its own house rules, by which its patients are judged', async () => {
    for (const side of SIDES) {
      const { body } = await program.call(`${side}-physician`, 'GET', `/api/patients/${side}-p/rules`);
      const inForce = JSON.stringify(body.inForce);
      expect(inForce).toContain(`heartRate.above.low.${side}`);
      expect(inForce).not.toContain(otherOf(side));
    }
  });
  it('finds its own patient by a record number that another has given as well, and that is on record', async () => {
    for (const side of SIDES) {
      const { body } = await program.call(`${side}-physician`, 'POST', '/api/patients/find', { mrn: '47-11' });
      expect(body.patients).toEqual([expect.objectContaining({ id: `${side}-p`, familyName: `Fam-${side}` })]);
      const { body: audited } = await program.call(
        `${side}-security`,
        'GET',
        `/api/audit?patient=${side}-p&person=${side}-physician&limit=500`,
      );
      expect(audited.entries).toContainEqual(
        expect.objectContaining({
          action: 'patient.read',
          outcome: 'allowed',
          detail: expect.objectContaining({ route: '/api/patients/find' }),
        }),
      );
      expect(JSON.stringify(audited)).not.toMatch(/47-?11/);
    }
    const none = await program.call('north-physician', 'POST', '/api/patients/find', { mrn: '4712' });
    expect(none.status).toBe(404);
  });
  it('has its own entries in the audit, and proofs of all', async () => {
    const { body } = await program.call('south-privacy-officer', 'GET', '/api/audit?limit=500');
    const position = body.entries[0].position as number;
    const { status, raw } = await program.call('north-privacy-officer', 'GET', `/api/audit/proof?position=${position}`);
    expect(status).toBe(200);
    expect(raw).not.toContain('south');
    const theirs = await program.call('north-privacy-officer', 'GET', '/api/audit?limit=500');
    expect(theirs.body.entries.length).toBeGreaterThan(20);
    expect(theirs.body.entries.every(({ tenantId }: Entry) => tenantId === 'north')).toBe(true);
    // What is of none is the house's own work: for the organisation that runs it.
    const others = body.entries.filter(({ tenantId }: Entry) => tenantId !== 'default');
    expect(others.filter(({ tenantId, actor }: Entry) => tenantId !== undefined || actor.kind !== 'system')).toEqual(
      [],
    );
    const { entry } = (await program.call('north-security', 'GET', '/fhir/AuditEvent?_count=200')).body;
    // What they tried of the other's is on record; who did what there is not.
    expect(JSON.stringify(entry)).not.toMatch(/"name":"south/);
    await vi.waitFor(
      async () =>
        expect(
          (await program.call('north-security', 'GET', '/api/audit?action=alarm.raised')).body.entries,
        ).toHaveLength(1),
      { timeout: 30_000 },
    );
  });
  it('is not short of a right for what its people do', async () => {
    const zone = 'Europe/Berlin';
    const from = new Date().toISOString();
    const to = new Date(Date.now() + 3_600_000).toISOString();
    const asked: readonly (readonly [role: string, method: string, path: string, sent?: unknown])[] = [
      ['charge-nurse', 'PUT', '/api/me/contacts', { contacts: [] }],
      ['nurse', 'PUT', '/api/me/topics', { subscriptions: [{ topic: 'alarms.high' }] }],
      ['nurse', 'GET', '/api/me/topics'],
      ['nurse', 'PUT', '/api/me/quiet-hours', { zone, windows: [] }],
      ['charge-nurse', 'PUT', '/api/wards/north-w/quiet-hours', { zone, windows: [] }],
      ['charge-nurse', 'PUT', '/api/wards/north-w/shifts', { zone, shifts: [] }],
      ['charge-nurse', 'POST', '/api/wards/north-w/assignments', { role: 'nurse', userId: 'u-north-nurse' }],
      [
        'physician',
        'POST',
        '/api/rotas/north-rota/overrides',
        { layer: 'first', userId: 'u-north-physician', from, to, reason: 'swapped' },
      ],
      ['physician', 'PUT', '/api/patients/north-p/news2', { spo2Scale: 2, use: 'by-age', reason: 'prescribed' }],
      ['physician', 'PUT', '/api/patients/north-p/rules', { reason: 'as prescribed', rules: [] }],
      ['charge-nurse', 'PUT', '/api/wards/north-w/rules', { reason: 'as agreed', rules: [] }],
      ['physician', 'GET', '/api/patients/north-p/vitals'],
      ['physician', 'POST', '/api/alerts/north-alarm/acknowledge'],
      ['physician', 'GET', '/api/alerts/north-alarm'],
      ['admin', 'PUT', '/api/devices/north-d/config', { everySeconds: 5 }],
      ['operator', 'POST', `/api/rejected-readings/${made.north.find((id) => /^\d+$/.test(id))}/dismiss`],
      ['admin', 'GET', '/api/event-subscriptions'],
      ['admin', 'POST', '/api/devices/north-d/revoke', { reason: 'lost' }],
    ];
    for (const [role, method, path, sent] of asked) {
      const { status, raw } = await program.call(`north-${role}`, method, path, sent);
      expect(status, `${role} ${method} ${path}: ${raw}`).toBeLessThan(500);
    }
  });
  it('is not told of another’s emergencies', async () => {
    const { status } = await program.call('north-abroad', 'POST', '/api/break-glass', {
      patientId: 'north-p',
      reason: 'found on the corridor, unresponsive',
    });
    expect(status).toBe(201);
    const alarms = async (who: string) => (await program.call(who, 'GET', '/api/system-alarms?state=active')).raw;
    expect(await alarms('north-kiosk')).toContain('north-abroad has opened');
    expect(await alarms('south-kiosk')).not.toContain('north');
    const queue = async (who: string) => (await program.call(who, 'GET', '/api/break-glass')).body.accesses.length;
    expect([await queue('north-privacy-officer'), await queue('south-privacy-officer')]).toEqual([1, 0]);
  });
  it('is not told of a review that another has left undone', async () => {
    await withOpenData(program.settings, Date.now, ({ database }) =>
      database.pool.query(
        `insert into emergency_access (id, tenant_id, user_id, signed, patient_id, reason, proof, began_at, ends_at)
         values ('late', 'default', 'u-south-nurse', 'south-nurse', 'south-p', 'resuscitation', 'password',
                 now() - interval '73 hours', now() - interval '72 hours')`,
      ),
    );
    const alarms = async (who: string) => (await program.call(who, 'GET', '/api/system-alarms?state=active')).raw;
    await vi.waitFor(async () => expect(await alarms('south-nurse')).toContain('waited for its review'), {
      timeout: 60_000,
      interval: 250,
    });
    expect(await alarms('north-nurse')).not.toContain('waited for its review');
  }, 90_000);
  it('has nothing to do with how the installation runs, nor with its keys', async () => {
    const status = async (who: string, path: string) => (await program.call(who, 'GET', path)).status;
    for (const path of ['/metrics', '/api/keys', '/api/workflows/executions'])
      expect([path, await status('south-admin', path), await status('north-admin', path)]).toEqual([path, 200, 403]);
  });
  it('is not given another’s device, by whatever way', async () => {
    const invited = await program.call('north-admin', 'POST', '/api/device-enrollments', { deviceId: 'south-d' });
    expect([invited.status, invited.body.code]).toEqual([409, 'not-yours']);
    await withOpenData(program.settings, Date.now, async ({ registry }) => {
      const assign = registry.assign({
        deviceId: 'south-d' as DeviceId,
        patientId: 'north-p' as PatientId,
        fromMs: Date.now(),
      });
      await expect(assign).rejects.toMatchObject({ code: 'database-rejected' });
      await expect(
        registry.putPatient({ id: 'north-p' as PatientId, bedId: 'south-b' as BedId }),
      ).rejects.toMatchObject({ code: 'database-rejected' });
    });
  });
});
