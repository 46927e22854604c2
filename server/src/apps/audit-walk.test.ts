import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditHeads, AuditPage, type AuditRecord, AuditRoutes } from '@healthsync/contracts/audit';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freezePostgres } from '../adapters/embedded/test-freeze.ts';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { openAuditWriter } from '../audit/audit-writer.ts';
import { evidenceOfStore } from '../audit/evidence.ts';
import { makeEntry } from '../audit/test-entries.ts';
import { openTreeHeadKey } from '../audit/tree-head-key.ts';
import { verifyAudit } from '../audit/verify.ts';
import type { Role } from '../domain/access.ts';
import type { WardId } from '../domain/ids.ts';
import { SPOKEN_OF, UNNAMED } from '../serve/audit-routes.ts';
import { withOpenData } from './open-data.ts';
import { startTestProgram, type TestProgram } from './test-program.ts';

/** The whole program and its audit log: what is in it, what is not and why, and what happens when it cannot be written. */
let program: TestProgram;

const PEOPLE = (
  [
    ['nurse', []],
    ['security', []],
    ['physician', ['A']],
  ] as const
).map(([role, wards]) => ({ name: role, roles: [role], wardIds: wards.map((id) => id as WardId) }));

beforeAll(async () => {
  program = await startTestProgram(PEOPLE);
}, 120_000);
afterAll(() => program?.stop());

const call = (role: Role | undefined, path: string) => program.call(role, 'GET', path);

async function audit(query = ''): Promise<readonly AuditRecord[]> {
  const { status, body } = await call('security', `/api/audit?${query}`);
  expect([status, [...Value.Errors(AuditPage, body)]]).toEqual([200, []]);
  return (body as AuditPage).entries;
}

describe('every route', () => {
  it('is written down under a name, or says why not', async () => {
    const { body } = await call('security', '/api/audit/routes');
    expect([...Value.Errors(AuditRoutes, body)]).toEqual([]);
    const { routes } = body as AuditRoutes;
    expect(routes.length).toBeGreaterThan(100);
    expect(routes.filter(({ action }) => action === UNNAMED)).toEqual([]);
    const there = new Set(routes.map(({ method, url }) => `${method} ${url}`));
    // Only where another OpenID provider is set.
    const elsewhere = ['GET /api/session/outside', 'GET /api/session/outside/callback'];
    expect(SPOKEN_OF.filter((name) => !there.has(name))).toEqual(elsewhere);
    // Whatever changes something is never spared; a browser's report is a line of the program's log.
    const changing = routes.filter(({ method }) => !['GET', 'OPTIONS'].includes(method));
    expect(changing.filter(({ kind }) => kind !== 'audited').map(({ url }) => url)).toEqual([
      '/api/csp-reports',
      '/ingest/readings',
    ]);
    expect(routes.filter(({ kind, why = '' }) => kind === 'harmless' && why.length < 10)).toEqual([]);
  });
});

describe('the audit', () => {
  it('begins with what the program was started with', async () => {
    expect(await audit('action=configuration.load')).toMatchObject([
      { position: 0, actor: { kind: 'system' }, detail: { mqttPort: '0', digest: expect.any(String) } },
    ]);
  });

  it('has a patient’s record that was opened, and the stranger who tried; and who looked into the audit', async () => {
    expect((await call('nurse', '/api/patients/PA')).raw).toContain('Zephyrin');
    await call(undefined, '/api/patients/PA');
    const [refused, read] = await audit('patient=PA');
    expect(read).toMatchObject({ actor: { name: 'nurse' }, outcome: 'allowed', policies: [expect.any(String)] });
    expect(refused).toMatchObject({ actor: { name: '?', address: '127.0.0.1' }, outcome: 'denied' });
    expect(await audit('person=security&limit=1')).toMatchObject([{ action: 'audit.read' }]);
    expect(JSON.stringify(await audit('limit=500'))).not.toContain('Zephyrin');
  });

  it('says what it was for and what let it in, also of a list that shows a part: of which wards, and how many', async () => {
    expect((await call('physician', '/api/patients')).status).toBe(200);
    const [list] = await audit('person=physician&action=patient.read&limit=1');
    expect(list).toMatchObject({
      outcome: 'allowed',
      purpose: 'treatment',
      detail: { wards: 'A', patients: expect.any(Number) },
    });
    expect(list?.policies).not.toContain('whole-house');
    expect(list?.policies?.length).toBeGreaterThan(0);
    expect((await audit('action=audit.read&limit=1'))[0]).toMatchObject({ purpose: 'operations' });
  });

  it('has who was refused where nothing is known of patients, and who tried addresses that are not there', async () => {
    await call('nurse', '/metrics');
    expect(await audit('person=nurse&action=operations.read')).toMatchObject([{ outcome: 'denied' }]);
    await call(undefined, '/api/wards');
    expect(await audit('action=wall.watch&limit=1')).toMatchObject([{ actor: { name: '?' }, outcome: 'denied' }]);
    for (const path of ['/api/no-such-thing', '/api/../.env'])
      expect((await call(undefined, path)).status).toBeGreaterThanOrEqual(400);
    const [unknown] = await audit('action=address.unknown&limit=1');
    expect(unknown).toMatchObject({ outcome: 'denied', detail: { route: 'none' } });
    expect(JSON.stringify(unknown)).not.toMatch(/no-such-thing|\.env/);
  });

  it('is for nobody else', async () => {
    for (const role of ['nurse', 'physician', undefined] as const)
      for (const path of [
        '/api/audit',
        '/api/audit/heads',
        '/api/audit/proof?position=0',
        '/fhir/AuditEvent',
        '/fhir/AuditEvent/0',
      ])
        expect([401, 403]).toContain((await call(role, path)).status);
  });

  it('pages, and refuses what is no time', async () => {
    const whole = (await audit('limit=500')).map(({ position }) => position);
    const { body } = await call('security', '/api/audit?limit=2');
    const next = (await audit(`limit=2&before=${body.next}`)).map(({ position }) => position);
    expect([...body.entries.map((one: AuditRecord) => one.position).slice(1), ...next]).toEqual([
      whole[0],
      ...whole.slice(1, 3),
    ]);
    expect((await call('security', '/api/audit?from=yesterday')).body).toMatchObject({ errors: [{ field: 'from' }] });
    expect(await audit(`to=${new Date(Date.now() - 3_600_000).toISOString()}`)).toEqual([]);
  });

  it('is anchored and says so', async () => {
    const { body } = await call('security', '/api/audit/heads');
    expect([...Value.Errors(AuditHeads, body)]).toEqual([]);
    expect(body).toMatchObject({
      chain: { state: 'unchecked' },
      anchors: [{ name: 'data folder', size: expect.any(Number) }],
    });
  });

  it('is FHIR for those who ask for it', async () => {
    const { body } = await call('security', '/fhir/AuditEvent?patient=Patient/PA&subtype=patient.read&_count=1');
    expect(body).toMatchObject({
      resourceType: 'Bundle',
      type: 'searchset',
      link: [{ relation: 'self' }, { relation: 'next', url: expect.stringContaining('_before=') }],
      entry: [
        {
          resource: {
            resourceType: 'AuditEvent',
            outcome: '4',
            entity: [{ what: { reference: 'Patient/PA' } }, {}, {}],
          },
        },
      ],
    });
    const { id } = body.entry[0].resource;
    expect((await call('security', `/fhir/AuditEvent/${id}`)).body).toEqual(body.entry[0].resource);
    expect(await call('security', '/fhir/AuditEvent/999999')).toMatchObject({
      status: 404,
      body: { resourceType: 'OperationOutcome' },
    });
    expect(await call('security', '/fhir/AuditEvent?date=soon')).toMatchObject({
      status: 400,
      body: { resourceType: 'OperationOutcome' },
    });
  });
});

describe('while the database does not answer', () => {
  it('nothing is opened, the wall still is, and its entry comes afterwards', async () => {
    // As the wall that was open before it is known, and so are those who ask.
    for (const role of ['nurse', 'physician'] as const) await call(role, '/api/patients/PA');
    const { body } = await call('security', '/api/audit/routes');
    const lists = (body as AuditRoutes).routes.filter(
      ({ method, url, kind, when }) => method === 'GET' && kind === 'audited' && when === 'after' && !/[:*]/.test(url),
    );
    expect(lists.length).toBeGreaterThan(30);
    const frozen = freezePostgres(program.settings.dataFolder);
    let wall: IncomingMessage;
    try {
      const [record, stream, ...others] = await Promise.all([
        call('nurse', '/api/patients/PA'),
        program.open('physician', '/api/live'),
        ...lists.map(async ({ url }) => ({ url, status: (await call('physician', url)).status })),
      ]);
      expect(others.filter(({ status }) => status < 400)).toEqual([]);
      expect(record.status).toBe(503);
      expect(record.raw).not.toContain('Zephyrin');
      expect(stream.statusCode).toBe(200);
      wall = stream;
    } finally {
      frozen.thaw();
    }
    const held = await eventually(async () =>
      (await audit('action=wall.watch')).find(({ detail }) => detail !== undefined && 'late' in detail),
    );
    expect(held).toMatchObject({ actor: { name: 'physician' }, detail: { phase: 'begin', wards: 'A' } });
    wall.destroy();
  }, 60_000);

  it('and afterwards the log is what was signed', async () => {
    await withOpenData(program.settings, Date.now, async ({ database }) => {
      const { publicKey } = await openTreeHeadKey(join(program.settings.dataFolder, 'audit', 'signing-key.pem'));
      const verdict = await verifyAudit(await evidenceOfStore(new PostgresAuditStore(database)), { keys: [publicKey] });
      expect(verdict).toMatchObject({ isIntact: true, findings: [] });
    });
  });
});

describe('a log that is not what was signed any more', () => {
  it('rings on every wall, and is red on the badge and the health page, as soon as it is come upon', async () => {
    const { dataFolder } = program.settings;
    await withOpenData(program.settings, Date.now, async ({ database }) => {
      // A DBA at work, on what has no tile yet; then somebody else writes.
      await database.pool.query(`
        alter table audit_entry disable trigger user;
        update audit_entry set entry = replace(entry, '"v":1', '"v":1 ') where position = (select size - 2 from audit_log);
        alter table audit_entry enable trigger user`);
      const writer = await openAuditWriter({
        store: new PostgresAuditStore(database),
        key: await openTreeHeadKey(join(dataFolder, 'audit', 'signing-key.pem')),
        now: Date.now,
        originIfNew: '-',
      });
      await writer.append([makeEntry({ action: 'command.test' })]);
    });
    // The entry of whatever is asked next comes upon it.
    await call('security', '/api/audit/heads');
    const { body } = await call('security', '/api/audit/heads');
    expect((body as AuditHeads).chain).toMatchObject({ state: 'broken', divergences: ['not-as-before'] });
    const { raw } = await call('nurse', '/api/system-alarms');
    expect(raw).toContain('"audit.broken"');
    const { raw: metrics } = await call('security', '/metrics');
    expect(metrics).toContain('healthsync_audit_broken 1');
  });
});

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(100);
  }
}
