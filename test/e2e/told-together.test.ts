import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '@healthsync/contracts/alert';
import type { Escalation, EscalationRecipient } from '@healthsync/contracts/escalation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMailServer } from '../../server/src/adapters/notify/test-mail-server.ts';
import { eventually, type Installation, install } from './server.ts';

/** The program itself and a real mail server: a patient whose heart, oxygen and NEWS2 all ring with one reading. */
describe('a deterioration that makes several alarms', () => {
  let home: Installation;
  let mail: Awaited<ReturnType<typeof startMailServer>>;
  let admin: string;
  let nurse: string;

  beforeAll(async () => {
    mail = await startMailServer({ secure: true });
    const { user, password, port, ca } = mail.settings;
    home = await install({
      HEALTHSYNC_SMTP_URL: `smtps://${user}:${encodeURIComponent(password ?? '')}@localhost:${port}`,
      HEALTHSYNC_SMTP_FROM: 'alarms@hospital.example',
    });
    const trusted = join(home.folder, 'mail-ca.pem');
    await writeFile(trusted, ca ?? '');
    await home.start({ NODE_EXTRA_CA_CERTS: trusted });
    await writeFile(join(home.folder, 'password'), 'correct horse battery staple\n');
    const file = ['--password-file', join(home.folder, 'password')];
    const token = async (role: string) =>
      ((await home.cli('token', 'create', '--role', role)) as { token: string }).token;
    [admin, nurse] = await Promise.all([
      token('admin'),
      token('nurse'),
      placed(),
      home.cli('user', 'add', 'anna', '--role', 'nurse', ...file),
    ]);
    const { users } = (await home.cli('user', 'list')) as { users: { id: string; name: string }[] };
    const anna = users.find(({ name }) => name === 'anna')?.id ?? '';
    const contacts = [{ channel: 'smtp', address: 'anna@ward.example', vouched: true }];
    await done(`/api/users/${anna}/contacts`, 'PUT', { contacts });
    await done('/api/wards/w3/assignments', 'POST', { role: 'nurse', userId: anna });
    // Who is on duty is remembered for two seconds (`staff-directory.ts`), and may have been asked for just before.
    await sleep(2_500);
  }, 240_000);
  afterAll(async () => {
    await home?.remove();
    await mail?.close();
  });

  async function placed(): Promise<void> {
    await home.cli('ward', 'put', 'w3', '--name', 'Ward 3');
    await home.cli('bed', 'put', 'w3-01', '--ward', 'w3', '--label', 'W3-01');
    await home.cli('patient', 'put', 'p1', '--bed', 'w3-01');
    await home.cli('device', 'enroll', 'd1', '--patient', 'p1', '--out', join(home.folder, 'd1'));
  }

  async function done(path: string, method: string, body: unknown): Promise<void> {
    const answer = await home.fetch(path, { method, token: admin, body });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }
  const alerts = async (): Promise<readonly Alert[]> =>
    ((await home.fetch('/api/alerts?patient=p1&state=active', { token: nurse })).body as { alerts: Alert[] }).alerts;
  /** What came by mail, in words, should it not be what was expected. */
  const subjects = () => mail.mails.map((text) => /^Subject: .*$/m.exec(text)?.[0]);
  const nurseOf = async ({ id }: Alert): Promise<EscalationRecipient | undefined> =>
    ((await home.fetch(`/api/alerts/${id}/escalation`, { token: nurse })).body as Escalation).rounds
      .flatMap(({ steps }) => steps)
      .find(({ step }) => step === 'nurse')?.recipients[0];

  it('is fewer pages than alarms, with which the others were told; who takes only those is paged for the rest', {
    timeout: 120_000,
  }, async () => {
    const { token } = (await home.cli('device', 'token', 'd1')) as { token: string };
    const vitals = { heartRate: 171, spo2: 80, respiratoryRate: 28, systolic: 88, diastolic: 50, temperature: 39.5 };
    const context = { oxygen: false, consciousness: 'A' };
    const body = { id: 'r1', at: new Date().toISOString(), vitals, context };
    // The token is known a moment after it was made.
    await eventually('the reading taken', async () => {
      const { status } = await home.fetch('/ingest/readings', { method: 'POST', token, body });
      return status === 202 ? true : undefined;
    });

    const high = await eventually('several alarms, each told', async () => {
      const found = (await alerts()).filter(({ priority }) => priority === 'high');
      const told = await Promise.all(found.map(nurseOf));
      return found.length >= 3 && told.every((each) => each?.state === 'delivered') ? found : undefined;
    });
    const told = await Promise.all(high.map(nurseOf));
    const own = high.filter((_, index) => told[index]?.toldWith === undefined);
    expect(own).toHaveLength(1);
    expect(subjects()).toHaveLength(1);
    const paged = own.map(({ id }) => id);
    for (const each of told) if (each?.toldWith !== undefined) expect(paged).toContain(each.toldWith.alarmId);

    for (const id of paged)
      await home.fetch(`/api/alerts/${id}/acknowledge`, { method: 'POST', token: nurse, body: {} });
    // A quarter of a minute later the next is paged for, and that page stands for the rest.
    await eventually('the next page', async () => (mail.mails.length > paged.length ? true : undefined), 60_000);
    const rest = high.filter(({ id }) => !paged.includes(id));
    await eventually('all told with it', async () => {
      const now = await Promise.all(rest.map(nurseOf));
      return now.filter((each) => each?.toldWith === undefined && each?.state === 'delivered').length === 1 &&
        now.every((each) => each?.state === 'delivered')
        ? true
        : undefined;
    });
    expect(subjects()).toHaveLength(paged.length + 1);
  });
});
