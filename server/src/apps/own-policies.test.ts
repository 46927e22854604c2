import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestProgram, type TestPerson, type TestProgram } from './test-program.ts';

/** The whole program with policies of the house’s own beside ours. */
let program: TestProgram;
const folder = mkdtempSync(join(tmpdir(), 'healthsync-house-'));

const PEOPLE = [
  { name: 'phil', roles: ['physician'], wardIds: ['A'] },
  { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
  { name: 'ana', roles: ['analyst'], wardIds: ['A'] },
  { name: 'pia', roles: ['privacy-officer'], wardIds: [] },
] satisfies readonly TestPerson[];

beforeAll(async () => {
  writeFileSync(
    join(folder, 'house.cedar'),
    `@id("house-values-by-physicians")
@title("Here values are read by physicians.")
forbid (principal in Role::"nurse", action == Action::"vitals.read", resource is Patient);
@id("house-analysts-rotas")
@title("Here analysts read rotas.")
permit (principal in Role::"analyst", action == Action::"rota.read", resource);`,
  );
  program = await startTestProgram(PEOPLE, { HEALTHSYNC_POLICIES: folder });
}, 120_000);
afterAll(async () => {
  await program?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = (who: string, path: string, headers = {}) => program.call(who, 'GET', path, undefined, headers);
const why = async (user: string, action: string, more = '') =>
  (await get('pia', `/api/access/why?user=${user}&action=${action}${more}`)).body;

describe('a house’s own policies', () => {
  it('decide at every door: what they forbid is refused and on record under their name', async () => {
    expect((await get('phil', '/api/patients/PA/vitals')).status).toBe(200);
    expect((await get('nora', '/api/patients/PA/vitals')).status).toBe(403);
    expect((await get('nora', '/api/patients/PA')).status).toBe(200);
    const { body } = await get('pia', '/api/audit?person=nora&outcome=denied');
    expect(JSON.stringify(body.entries)).toContain('house-values-by-physicians');
  });

  it('permit what ours do not, where our walls let them', async () => {
    expect((await get('ana', '/api/wards/A/care-team')).status).toBe(200);
    expect((await get('ana', '/api/wards/B/care-team')).status).toBe(404);
    expect((await get('ana', '/api/session')).body.actions).toContain('rota.read');
  });

  it('are shown to who asks why, with the others', async () => {
    expect(await why('nora', 'vitals.read', '&patient=PA')).toMatchObject({
      allowed: false,
      summary: expect.stringContaining('Here values are read by physicians.'),
      policies: [{ id: 'house-values-by-physicians' }],
    });
    const { policies } = (await get('pia', '/api/access/policies')).body;
    expect(policies).toContainEqual(expect.objectContaining({ id: 'house-analysts-rotas', file: 'house/house.cedar' }));
  });

  it('are on record as they were at the start', async () => {
    const { entries } = (await get('pia', '/api/audit?action=configuration.load')).body;
    expect(entries[0].detail.housePolicies).toMatch(/^2, sha256 [0-9a-f]{64}$/);
  });
});

describe('why somebody may', () => {
  it('is answered for a purpose: by consent as it stands now', async () => {
    const asked = () => why('phil', 'patient.read', '&patient=PA&purpose=research');
    expect(await asked()).toMatchObject({ allowed: false, policies: [{ id: 'consent' }] });
    const given = await program.call('phil', 'POST', '/api/patients/PA/consents', { purpose: 'research' });
    expect(await asked()).toMatchObject({ allowed: true, policies: [{ id: 'physician' }] });
    await program.call('phil', 'POST', `/api/consents/${given.body.id}/revoke`);
    expect(await asked()).toMatchObject({ allowed: false });
  });

  it('is answered for a key by its scopes, and for what another ward’s emergency opened', async () => {
    const byKey = (scope: string) => why('phil', 'patient.read', `&patient=PA&scope=${encodeURIComponent(scope)}`);
    expect(await byKey('alarm.*')).toMatchObject({ allowed: false, policies: [{ id: 'out-of-scope' }] });
    expect(await byKey('alarm.* patient.read')).toMatchObject({ allowed: true });
    const asked = () => why('phil', 'patient.read', '&patient=PB');
    expect(await asked()).toMatchObject({ allowed: false, obligation: 'break-glass' });
    const opened = await program.call('phil', 'POST', '/api/break-glass', { patientId: 'PB', reason: 'found pale' });
    expect(await asked()).toMatchObject({ allowed: true, emergency: { id: opened.body.id } });
    await program.call('phil', 'POST', `/api/break-glass/${opened.body.id}/end`);
    expect(await asked()).toMatchObject({ allowed: false });
  });
});
