import { Consent, ConsentDecision, ConsentList, ConsentRecords, ConsentVersions } from '@healthsync/contracts/consent';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresConsents } from '../adapters/postgres/consents.ts';
import { createSessions } from '../identity/sessions.ts';
import { withOpenData } from './open-data.ts';
import { startTestProgram, type TestPerson, type TestProgram } from './test-program.ts';

/** The whole program, where treatment needs consent: the stricter of the two. */
let program: TestProgram;

const PEOPLE = [
  { name: 'phil', roles: ['physician'], wardIds: ['A'] },
  { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
  { name: 'pia', roles: ['privacy-officer'], wardIds: [] },
  { name: 'registry', roles: ['integration'], wardIds: [] },
  { name: 'insurer', roles: ['integration'], wardIds: [] },
] satisfies readonly TestPerson[];

beforeAll(async () => {
  program = await startTestProgram(PEOPLE, { HEALTHSYNC_TREATMENT_CONSENT: 'needed' });
}, 120_000);
afterAll(() => program?.stop());

const call: TestProgram['call'] = (...asked) => program.call(...asked);

const given = async (who: string, patient: string, consent: object): Promise<Consent> => {
  const { status, body } = await call(who, 'POST', `/api/patients/${patient}/consents`, consent);
  expect([status, [...Value.Errors(Consent, body)]], JSON.stringify(body)).toEqual([201, []]);
  return body;
};
const revoked = (id: string) => call('phil', 'POST', `/api/consents/${id}/revoke`);
const FOR_RESEARCH = { 'x-purpose-of-use': 'research' };
const FOR_SHARING = { 'x-purpose-of-use': 'sharing' };

describe('where treatment needs consent', () => {
  it('a patient is found by it, and no longer once it is revoked', async () => {
    // Whoever hears the alarms of somebody knows that they are here: closed, and not unknown.
    expect((await call('phil', 'GET', '/api/patients/PA')).status).toBe(403);
    expect((await call('phil', 'GET', '/api/patients')).body).toEqual({ patients: [] });
    const { id } = await given('phil', 'PA', { purpose: 'treatment' });
    expect((await call('phil', 'GET', '/api/patients/PA')).body.familyName).toBe('ZephyrinA');
    expect((await call('nora', 'GET', '/api/patients')).body.patients).toHaveLength(1);
    expect((await revoked(id)).status).toBe(200);
    for (const who of ['phil', 'nora']) expect((await call(who, 'GET', '/api/patients/PA')).status).toBe(403);
    expect((await call('phil', 'GET', '/api/patients')).body).toEqual({ patients: [] });
  });
  it('an emergency opens it, and a purpose that is only said does not', async () => {
    const said = { 'x-purpose-of-use': 'emergency' };
    expect((await call('nora', 'GET', '/api/patients/PA', undefined, said)).status).toBe(403);
    const opened = await call('nora', 'POST', '/api/break-glass', { patientId: 'PA', reason: 'found unconscious' });
    expect(opened.status).toBe(201);
    expect((await call('nora', 'GET', '/api/patients/PA')).status).toBe(200);
    await call('nora', 'POST', `/api/break-glass/${opened.body.id}/end`);
    expect((await call('nora', 'GET', '/api/patients/PA')).status).toBe(403);
  });
  it('alarms are told in any case', async () => {
    expect((await call('nora', 'GET', '/api/alerts')).status).toBe(200);
  });
});

describe('for research', () => {
  it('one patient who consents can be read, as long as it stands, and no ward', async () => {
    const read = () => call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH);
    expect((await read()).status).toBe(404);
    const { id } = await given('phil', 'PA', { purpose: 'research' });
    expect((await read()).status).toBe(200);
    expect((await call('phil', 'GET', '/api/patients', undefined, FOR_RESEARCH)).body).toEqual({ patients: [] });
    expect((await call('phil', 'GET', '/api/live', undefined, FOR_RESEARCH)).status).toBe(403);
    await revoked(id);
    expect((await read()).status).toBe(404);
  });
  it('a deny stands above a permit; one to come opens nothing yet', async () => {
    const read = () => call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH);
    const later = await given('phil', 'PA', { purpose: 'research', from: new Date(Date.now() + 60_000).toISOString() });
    expect([later.standing, (await read()).status]).toEqual(['to-come', 404]);
    const permit = await given('phil', 'PA', { purpose: 'research' });
    expect((await read()).status).toBe(200);
    const deny = await given('phil', 'PA', { purpose: 'research', decision: 'deny' });
    expect((await read()).status).toBe(404);
    for (const { id } of [later, permit, deny]) await revoked(id);
  });
  it('what another process revoked holds here', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research' });
    await withOpenData(program.settings, Date.now, async ({ database }) => {
      const consents = new PostgresConsents(database);
      const [newest] = await consents.versions(id);
      if (newest === undefined) throw new Error('not kept');
      await consents.keep({ ...newest, version: 2, state: 'revoked', recordedAtMs: Date.now() });
    });
    // By its notice, which is on its way.
    await expect
      .poll(async () => (await call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH)).status)
      .toBe(404);
  });
});

it('what is shared with one party is not with another, and with none for treatment', async () => {
  const { id } = await given('pia', 'PB', { purpose: 'sharing', party: 'registry' });
  const read = (who: string, headers: Record<string, string>) =>
    call(who, 'GET', '/api/patients/PB', undefined, headers);
  expect((await read('registry', FOR_SHARING)).status).toBe(200);
  expect((await read('insurer', FOR_SHARING)).status).toBe(404);
  expect((await read('registry', {})).status).toBe(403);
  await call('pia', 'POST', `/api/consents/${id}/revoke`);
  expect((await read('registry', FOR_SHARING)).status).toBe(404);
});

describe('recording', () => {
  it('is for physicians, charge nurses and privacy officers, and of one’s own ward', async () => {
    expect((await call('nora', 'POST', '/api/patients/PA/consents', { purpose: 'research' })).status).toBe(403);
    expect((await call('registry', 'POST', '/api/patients/PA/consents', { purpose: 'research' })).status).toBe(403);
    expect((await call('phil', 'POST', '/api/patients/PB/consents', { purpose: 'research' })).status).toBe(404);
    const { id } = await given('pia', 'PB', { purpose: 'research' });
    for (const [method, path] of [
      ['GET', `/api/consents/${id}/versions`],
      ['POST', `/api/consents/${id}/revoke`],
      ['GET', `/fhir/Consent/${id}`],
    ] as const)
      expect((await call('phil', method, path)).status, path).toBe(404);
    await call('pia', 'POST', `/api/consents/${id}/revoke`);
  });
  it('keeps how it came to us and who was there, for giving and for taking back, also as FHIR', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research', source: 'form', witness: 'nora' });
    const { body: resource } = await call('phil', 'GET', `/fhir/Consent/${id}`);
    expect(resource).toMatchObject({
      sourceAttachment: { title: 'form' },
      extension: [{ valueReference: { identifier: { value: 'nora' } } }],
    });
    const stale = await call('phil', 'POST', `/api/consents/${id}/revoke`, { version: 2 });
    expect([stale.status, stale.body.code]).toEqual([412, 'changed-meanwhile']);
    const refused = await call('phil', 'POST', `/api/consents/${id}/revoke`, { witness: 'Nora N.' });
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, 'witness']);
    const taken = await call('phil', 'POST', `/api/consents/${id}/revoke`, { version: 1, source: 'in-person' });
    expect(taken.body).toMatchObject({ version: 2, state: 'revoked', source: 'in-person' });
    expect(taken.body.witness).toBeUndefined();
  });
  it('is seen of everybody by the privacy officer, and of one’s own ward by the others, page by page', async () => {
    const { id: a } = await given('pia', 'PA', { purpose: 'research' });
    const { id: b } = await given('pia', 'PB', { purpose: 'research' });
    const first = await call('pia', 'GET', '/api/consents?limit=1');
    expect([...Value.Errors(ConsentRecords, first.body)]).toEqual([]);
    const second = await call('pia', 'GET', `/api/consents?limit=1&cursor=${first.body.next}`);
    expect([first, second].map(({ body }) => body.consents[0].id)).toEqual([b, a]);
    const ofWard = (await call('phil', 'GET', '/api/consents')).body.consents as Consent[];
    expect(new Set(ofWard.map(({ patientId }) => patientId))).toEqual(new Set(['PA']));
    expect((await call('nora', 'GET', '/api/consents')).status).toBe(403);
    expect((await call('pia', 'GET', '/api/consents?cursor=nonsense')).status).toBe(400);
    for (const each of [a, b]) await call('pia', 'POST', `/api/consents/${each}/revoke`);
  });
  it('names everything that is wrong', async () => {
    const { status, body } = await call('phil', 'POST', '/api/patients/PA/consents', {
      purpose: 'sharing',
      until: '2020-01-01T00:00:00Z',
      givenAt: '2999-01-01T00:00:00+02:00',
    });
    expect(status).toBe(400);
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(['party', 'until', 'until', 'givenAt']);
  });
  it('changes times as a new version, of the version one has seen; says which decided when', async () => {
    const { id, version } = await given('phil', 'PA', { purpose: 'research' });
    const path = `/api/consents/${id}`;
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect((await call('phil', 'PUT', path, { until })).status).toBe(428);
    expect((await call('phil', 'PUT', path, { until, version })).body).toMatchObject({ version: 2, until });
    expect((await call('phil', 'PUT', path, { until: null, version })).status).toBe(412);
    await revoked(id);
    expect((await revoked(id)).body.code).toBe('already-revoked');
    const { body } = await call('pia', 'GET', `${path}/versions`);
    expect([...Value.Errors(ConsentVersions, body)]).toEqual([]);
    expect(body.versions.map(({ version: each, state }: Consent) => [each, state])).toEqual([
      [3, 'revoked'],
      [2, 'active'],
      [1, 'active'],
    ]);
    const at = body.versions[1].recordedAt;
    const asked = await call('pia', 'GET', `/api/patients/PA/consent-decision?purpose=research&at=${at}`);
    expect([...Value.Errors(ConsentDecision, asked.body)]).toEqual([]);
    expect(asked.body).toMatchObject({ decision: 'given', consentId: id, version: 2 });
    const list = await call('pia', 'GET', '/api/patients/PA/consents');
    expect([...Value.Errors(ConsentList, list.body)]).toEqual([]);
    expect(list.body.treatment).toBe('needed');
  });
});

describe('as FHIR R4', () => {
  const fhir = { 'content-type': 'application/fhir+json' };

  it('comes back as it was sent, and opens what it says', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research' });
    const { body: resource } = await call('phil', 'GET', `/fhir/Consent/${id}`);
    expect(resource).toMatchObject({ resourceType: 'Consent', status: 'active', patient: { reference: 'Patient/PA' } });
    await revoked(id);
    expect((await call('phil', 'GET', `/fhir/Consent/${id}`)).body.status).toBe('inactive');
    expect((await call('phil', 'GET', `/fhir/Consent/${id}/_history/1`)).body.status).toBe('active');
    const sent = await call('phil', 'POST', '/fhir/Consent', resource, fhir);
    expect([sent.status, sent.headers['content-type']]).toEqual([201, 'application/fhir+json; charset=utf-8']);
    expect({ ...sent.body, id: '', meta: {} }).toEqual({ ...resource, id: '', meta: {} });
    expect((await call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH)).status).toBe(200);
    const found = await call('phil', 'GET', '/fhir/Consent?patient=Patient/PA');
    expect(found.body.entry.map(({ resource: one }: { resource: { id: string } }) => one.id)).toContain(sent.body.id);
    await revoked(sent.body.id);
  });
  it('is changed and taken back by what is sent, from the version that was read', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research', source: 'form' });
    const { body: resource, headers } = await call('phil', 'GET', `/fhir/Consent/${id}`);
    const put = (body: object, tag?: string, path = id) =>
      call('phil', 'PUT', `/fhir/Consent/${path}`, body, { ...fhir, ...(tag !== undefined && { 'if-match': tag }) });
    const read = async () => (await call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH)).status;
    const tag = String(headers['etag']);
    const longer = { ...resource.provision, period: { ...resource.provision.period, end: '2199-12-31T00:00:00.000Z' } };
    const [decision] = resource.provision.provision;
    const denied = { ...resource.provision, provision: [{ ...decision, type: 'deny' }] };
    expect((await put({ ...resource, provision: longer })).status).toBe(428);
    expect((await put({ ...resource, provision: longer }, 'W/"7"')).status).toBe(412);
    expect((await put({ ...resource, id: 'another' }, tag)).status).toBe(400);
    const other = await put({ ...resource, provision: denied, dateTime: '2020-01-01T00:00:00Z' }, tag);
    expect(other.status).toBe(422);
    expect(other.body.issue.flatMap(({ expression }: { expression: string[] }) => expression)).toEqual([
      'Consent.provision',
      'Consent.dateTime',
    ]);
    expect((await put({ ...resource, id: 'nobody' }, tag, 'nobody')).status).toBe(404);
    const changed = await put({ ...resource, provision: longer }, tag);
    expect([changed.status, changed.headers['etag']]).toEqual([200, 'W/"2"']);
    expect(changed.body.provision.period).toEqual(longer.period);
    expect(await read()).toBe(200);
    const over = await put({ ...resource, status: 'inactive' });
    expect([over.status, over.body.status, over.body.sourceAttachment]).toEqual([200, 'inactive', undefined]);
    expect(await read()).toBe(404);
    // Sent twice is taken back once; and what is taken back is not given again by it.
    expect((await put({ ...resource, status: 'inactive' })).headers['etag']).toBe('W/"3"');
    expect((await put(resource, 'W/"3"')).status).toBe(409);
    const { id: ofAnother } = await given('pia', 'PB', { purpose: 'research' });
    expect((await put({ ...resource, id: ofAnother, status: 'inactive' }, undefined, ofAnother)).status).toBe(404);
    await call('pia', 'POST', `/api/consents/${ofAnother}/revoke`);
  });
  it('is opened to an app by the scopes of SMART, as far as they go and no further than the interface', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research' });
    const token = await withOpenData(program.settings, Date.now, async ({ accounts }) => {
      const phil = (await accounts.findUser('phil')) ?? expect.unreachable();
      const sessions = createSessions({ accounts, now: Date.now });
      return (await sessions.createApiToken(phil, 3_600_000, { scopes: ['openid', 'user/Consent.rs'] })).secret;
    });
    const app = { authorization: `Bearer ${token}` };
    const status = async (method: string, path: string) => (await call(undefined, method, path, undefined, app)).status;
    expect(await status('GET', `/fhir/Consent/${id}`)).toBe(200);
    expect(await status('GET', '/fhir/Consent?patient=PA')).toBe(200);
    expect(await status('PUT', `/fhir/Consent/${id}`)).toBe(403);
    expect(await status('GET', '/fhir/AuditEvent')).toBe(403);
    expect(await status('GET', '/api/patients/PA/consents')).toBe(403);
    await revoked(id);
  });
  it('is refused with the elements that are not understood', async () => {
    const { id } = await given('phil', 'PA', { purpose: 'research' });
    const { body: resource } = await call('phil', 'GET', `/fhir/Consent/${id}`);
    await revoked(id);
    resource.provision.provision[0].dataPeriod = { start: '2026-01-01' };
    const refused = await call('phil', 'POST', '/fhir/Consent', { ...resource, verification: [] }, fhir);
    expect([refused.status, refused.body.resourceType]).toEqual([422, 'OperationOutcome']);
    expect(refused.body.issue.flatMap(({ expression }: { expression: string[] }) => expression)).toEqual([
      'Consent.verification',
      'Consent.provision.provision[0].dataPeriod',
    ]);
    const unknown = await call('phil', 'POST', '/fhir/Consent', { ...resource, patient: { reference: 'Patient/PB' } });
    expect(unknown.status).toBe(422);
  });
});

it('the audit says what was recorded, what was read by which consent, and what was refused for want of one', async () => {
  const { id } = await given('phil', 'PA', { purpose: 'research' });
  await call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH);
  await revoked(id);
  await call('phil', 'GET', '/api/patients/PA', undefined, FOR_RESEARCH);
  const { body } = await call('pia', 'GET', '/api/audit?patient=PA&limit=20');
  const entries = body.entries as {
    action: string;
    outcome: string;
    purpose?: string;
    policies?: string[];
    detail: Record<string, unknown>;
  }[];
  const reads = entries.filter(({ action, purpose }) => action === 'patient.read' && purpose === 'research');
  expect(reads[0]).toMatchObject({ outcome: 'denied', policies: ['consent'] });
  expect(reads[1]).toMatchObject({ outcome: 'allowed', detail: { consent: `${id}#1` } });
  expect(
    entries.find(({ action, detail }) => action === 'consent.write' && detail['state'] === 'revoked'),
  ).toMatchObject({
    outcome: 'allowed',
    detail: { version: 2, consentTo: 'research' },
  });
  expect(JSON.stringify(entries)).not.toContain('Zephyrin');
}, 20_000);
