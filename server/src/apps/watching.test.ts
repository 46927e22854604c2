import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { LeakScan, SecurityAlert, SecurityAlertList } from '@healthsync/contracts/security-alert';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMailServer } from '../adapters/notify/test-mail-server.ts';
import { PostgresLeakScans } from '../adapters/postgres/leak-scans.ts';
import { withOpenData } from './open-data.ts';
import { startTestProgram, type TestProgram } from './test-program.ts';

let program: TestProgram;
let mail: Awaited<ReturnType<typeof startMailServer>>;

beforeAll(async () => {
  mail = await startMailServer({ secure: true });
  const { user, password, port, ca } = mail.settings;
  setDefaultCACertificates([...getCACertificates('default'), ca ?? '']);
  program = await startTestProgram(
    [
      { name: 'nora', roles: ['nurse'], wardIds: [] },
      { name: 'cora', roles: ['charge-nurse'], wardIds: [] },
      { name: 'ada', roles: ['admin'], wardIds: [] },
      { name: 'petra', roles: ['privacy-officer'], wardIds: [] },
      { name: 'sam', roles: ['security'], wardIds: [] },
    ],
    {
      HEALTHSYNC_SMTP_URL: `smtps://${user}:${encodeURIComponent(password ?? '')}@localhost:${port}`,
      HEALTHSYNC_SMTP_FROM: 'alarms@hospital.example',
    },
  );
}, 120_000);
afterAll(async () => {
  await program?.stop();
  await mail?.close();
});

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
    const contacts = '/api/users/u-sam/contacts';
    const { version } = (await program.call('ada', 'GET', contacts)).body;
    const address = { channel: 'smtp', address: 'sam@hospital.example', vouched: true };
    expect((await program.call('ada', 'PUT', contacts, { version, contacts: [address] })).status).toBe(200);
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

  it('tells security by mail: what it is, and neither who nor which patient', async () => {
    await expect.poll(() => mail.mails.length, { timeout: 30_000 }).toBeGreaterThan(0);
    const [first = ''] = mail.mails;
    expect(first).toMatch(/^To: .*sam@hospital\.example/m);
    expect(first).toMatch(/own\s+record/);
    expect(first).not.toMatch(/\bnora\b|Zephyrin/i);
  }, 40_000);

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

  it('writes down how much of patients’ data was handed out', async () => {
    await program.call('nora', 'GET', '/api/patients');
    const { body } = await program.call('sam', 'GET', '/api/audit?person=nora&action=patient.read');
    expect(body.entries[0].detail.bytes).toBeGreaterThan(50);
  });

  it('is nobody’s to read but security’s and the privacy officer’s', async () => {
    for (const who of ['nora', 'ada'])
      expect((await program.call(who, 'GET', '/api/security-alerts')).status).toBe(403);
  });
});

describe('a specially protected record', () => {
  const set = (who: string, isVip: boolean) =>
    program.call(who, 'PUT', '/api/patients/PB/vip', { isVip, reason: 'Known from television' });

  it('is protected by who admits, with a reason that is sealed, and lifted by the privacy officer alone', async () => {
    expect((await set('nora', true)).status).toBe(403);
    expect((await set('cora', true)).body).toMatchObject({ isVip: true, by: 'cora', reason: 'Known from television' });
    expect((await set('cora', false)).status).toBe(403);
  });

  it('is named to nobody outside the patient’s care, and an emergency opens it and is told of', async () => {
    const { body } = await program.call('nora', 'GET', '/api/patients');
    expect(body.patients.find(({ id }: { id: string }) => id === 'PB')).toEqual({
      id: 'PB',
      bed: 'B-01',
      wardId: 'B',
      isVip: true,
    });
    expect((await program.call('nora', 'GET', '/api/patients/PA')).status).toBe(200);
    const refused = await program.call('nora', 'GET', '/api/patients/PB');
    expect(refused.status).toBe(403);
    expect(refused.raw).not.toContain('Zephyrin');
    expect((await program.call('nora', 'GET', '/api/alerts?patient=PB')).status).toBe(200);
    const opened = { patientId: 'PB', reason: 'Found unconscious in the corridor' };
    expect((await program.call('nora', 'POST', '/api/break-glass', opened)).status).toBe(201);
    expect((await program.call('nora', 'GET', '/api/patients/PB')).body).toMatchObject({ familyName: 'ZephyrinB' });
    const [alert] = await alertsOf('sam', 'kind=vip&person=nora', 1);
    expect(alert?.reasons.map(({ code }) => code)).toContain('vip');
  });

  it('is labelled so in FHIR', async () => {
    const consent = { purpose: 'research', decision: 'permit' };
    expect((await program.call('petra', 'POST', '/api/patients/PB/consents', consent)).status).toBe(201);
    const { raw } = await program.call('petra', 'GET', '/fhir/Consent?patient=PB');
    expect(raw).toContain('"code":"CEL"');
    expect((await set('petra', false)).body).toEqual({ patientId: 'PB', isVip: false });
    expect((await program.call('petra', 'GET', '/fhir/Consent?patient=PB')).raw).not.toContain('"code":"CEL"');
  });
});

describe('the search for what has leaked', () => {
  const listed = async (): Promise<readonly LeakScan[]> =>
    (await program.call('sam', 'GET', '/api/leak-scans')).body.scans;

  const newestEnded = async () => {
    for (;;) {
      const [scan] = await listed();
      if (scan?.state !== 'running') return scan;
      await sleep(100);
    }
  };

  const searched = async () => {
    // One that a first try has left running would refuse the next.
    const before = await newestEnded();
    expect((await program.call('sam', 'POST', '/api/leak-scans')).status).toBe(202);
    const [begun] = await listed();
    expect(begun?.id, 'listed once it is said to have begun').not.toBe(before?.id);
    const ended = await newestEnded();
    expect(ended?.id).toBe(begun?.id);
    return ended as LeakScan;
  };

  it('finds nothing in an installation as it is: neither its made-up patients nor its real ones', async () => {
    const scan = await searched();
    expect(scan.findings).toEqual([]);
    expect(scan).toMatchObject({ state: 'clean', canaries: 5 });
    expect(scan.files).toBeGreaterThan(100);
    expect(scan.rows).toBeGreaterThan(10);
    expect((await program.call('nora', 'GET', '/api/patients')).body.patients).toHaveLength(2);
  }, 400_000);

  it('finds what was planted in a file and in a column, alerts security, and repeats none of it', async () => {
    const canary = await withOpenData(program.settings, Date.now, async ({ keys, database }) => {
      const [one] = await new PostgresLeakScans(database).canaries();
      if (one === undefined) throw new Error('none was planted');
      const name = (await keys.identities.open(one.patientId, one.identity))?.familyName ?? '';
      // Tried again after a failure it is there already.
      const plant = 'insert into ward (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name';
      await database.pool.query(plant, ['X', `Ward ${name}`]);
      return name;
    });
    await writeFile(join(program.settings.dataFolder, 'dump.log.gz'), gzipSync(`patient ${canary} exported`));
    const scan = await searched();
    const places = scan.findings.map(({ place, encoding }) => `${place}: ${encoding}`);
    expect(places).toContain('d/dump.log.gz: gzip, plain');
    expect(places).toContain('ward.name: plain');
    expect(JSON.stringify(scan)).not.toContain(canary);
    const [alert] = await alertsOf('petra', 'kind=phi-leak', 1);
    expect(alert).toMatchObject({ severity: 'high', evidence: [] });
    expect(JSON.stringify(alert)).not.toContain(canary);
  }, 400_000);
});
