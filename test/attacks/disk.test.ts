import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { postmasterOf } from '../../server/src/adapters/embedded/test-freeze.ts';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { startTestProgram, type TestProgram } from '../../server/src/apps/test-program.ts';
import type { BedId, DeviceId, PatientId, UserId } from '../../server/src/domain/ids.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import { newSecret, sha256Of } from '../../server/src/identity/secrets.ts';
import { createLog } from '../../server/src/telemetry/log.ts';
import { createVisitor, PENDING, SESSION } from './visitor.ts';

/**
 * Somebody who reads the disk of a running installation, byte by byte: the database's pages and its write-ahead log, the
 * log of readings, the audit, what was logged, and whatever lies about. Everything that must not be there is a word that
 * stands nowhere else in the world.
 */
let program: TestProgram;
const logged: string[] = [];

/** What is not sealed, as `docs/keys.md` says: of staff, and reasons, whose forms ask for no names of patients. */
const IN_CLEAR = {
  'sign-in name': 'nora',
  'contact address of staff': 'canarycontact@example.org',
  'reason of an emergency': 'Emergency of somebody CANARYREASON',
} as const;

/** What was planted, by what it is. */
const planted: Record<string, string> = {};
const PATIENTLY = { timeout: 60_000, interval: 100 };
const PASSWORD = 'Quellwasser-CANARYPASS-91';

beforeAll(async () => {
  const log = createLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } });
  program = await startTestProgram(
    [
      { name: 'phil', roles: ['physician'], wardIds: ['A'] },
      { name: 'carl', roles: ['charge-nurse'], wardIds: ['A'] },
      { name: 'admin', roles: ['admin'], wardIds: [] },
    ],
    { HEALTHSYNC_SMTP_URL: 'smtps://user:CANARYSMTP@localhost:1', HEALTHSYNC_SMTP_FROM: 'alarms@example.org' },
    log,
  );
  const deviceToken = newSecret('device');
  const passwordHash = (await createPasswords().hash(PASSWORD)) ?? expect.fail('busy');
  Object.assign(planted, {
    'family name': 'Featherstone-Canary',
    'given name': 'Noor-Canary',
    'record number': 'MRN-CANARY-4711',
    'birth date': '1931-02-28',
    password: PASSWORD,
    'the mail server’s password': 'CANARYSMTP',
    'device token': deviceToken,
  });
  await withOpenData(program.settings, Date.now, async ({ registry, accounts }) => {
    await registry.putPatient({
      id: 'PA' as PatientId,
      bedId: 'A-1' as BedId,
      familyName: 'Featherstone-Canary',
      givenName: 'Noor-Canary',
      mrn: 'MRN-CANARY-4711',
      birthDate: '1931-02-28',
    });
    await accounts.putUser({
      id: 'u-nora' as UserId,
      name: 'nora',
      displayName: 'Nora',
      roles: ['nurse'],
      wardIds: [],
      passwordHash,
    });
    const nowMs = Date.now();
    await registry.putDevice({ id: 'DA' as DeviceId, createdAtMs: nowMs });
    await registry.assign({ deviceId: 'DA' as DeviceId, patientId: 'PA' as PatientId, fromMs: nowMs - 60_000 });
    await registry.addDeviceToken({
      deviceId: 'DA' as DeviceId,
      sha256: sha256Of(deviceToken),
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
    });
  });
  await plantSecrets();
  await plantAtAnAlarm(deviceToken);
  // What is in memory only is on no disk. PostgreSQL writes everything down when it is told to stop, and is started again.
  const before = postmasterOf(program.settings.dataFolder);
  process.kill(before, 'SIGINT');
  await vi.waitFor(() => expect(postmasterOf(program.settings.dataFolder)).not.toBe(before), PATIENTLY);
}, 180_000);
afterAll(() => program?.stop());

const as = (name: string) => {
  const browser = createVisitor(program.app);
  browser.cookies.set(SESSION, program.secretOf(name));
  return browser;
};

/** Everything that lets somebody in. */
async function plantSecrets(): Promise<void> {
  const nora = createVisitor(program.app);
  await nora.ask('POST', '/api/session', { name: 'nora', password: PASSWORD });
  planted['session'] = nora.cookies.get(SESSION) ?? '';
  const key = await nora.ask('POST', '/api/me/keys', { label: 'script', scopes: ['alarm.read'], days: 1 });
  planted['API key'] = key.body.token;
  const { ticket, secret } = (await nora.ask('POST', '/api/session/factors/totp')).body;
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  const enrolled = await nora.ask('POST', '/api/session/factors/totp/confirm', { ticket, code, label: 'Phone' });
  planted['TOTP secret'] = secret;
  planted['TOTP secret’s bytes'] = Buffer.from(Secret.fromBase32(secret).buffer).toString('latin1');
  planted['TOTP secret in hexadecimal'] = Secret.fromBase32(secret).hex;
  planted['recovery code'] = enrolled.body.recoveryCodes[0];
  planted['recovery code without its dashes'] = enrolled.body.recoveryCodes[1].replaceAll('-', '');
  const again = createVisitor(program.app);
  await again.ask('POST', '/api/session', { name: 'nora', password: PASSWORD });
  planted['pending secret'] = again.cookies.get(PENDING) ?? '';
  const invited = await as('admin').ask('POST', '/api/users', { name: 'newbie', displayName: 'New', roles: ['nurse'] });
  planted['invitation'] = invited.body.invitation.path.split('#')[1];
  const subscribed = await as('admin').ask('POST', '/api/event-subscriptions', {
    name: 'sub',
    url: 'https://example.org/hook',
    detail: 'minimal',
  });
  if (subscribed.status === 201) planted['webhook secret'] = subscribed.body.secret;
  planted['wrong password'] = 'Wrong-CANARYTYPED-77';
  await createVisitor(program.app).ask('POST', '/api/session', { name: 'nora', password: planted['wrong password'] });
  planted['password typed as a name'] = 'CANARYASNAME-passphrase';
  await createVisitor(program.app).ask('POST', '/api/session', {
    name: planted['password typed as a name'],
    password: 'x',
  });
}

/** What people and devices say of a patient. */
async function plantAtAnAlarm(token: string): Promise<void> {
  const send = (body: object) =>
    createVisitor(program.app).ask('POST', '/ingest/readings', body, { authorization: `Bearer ${token}` });
  await vi.waitFor(async () => {
    const reading = { id: `r-${Math.random()}`, at: new Date().toISOString(), vitals: { heartRate: 190 } };
    expect((await send(reading)).text).toContain('"accepted"');
  }, PATIENTLY);
  // What was refused is kept as it came.
  planted['name in a refused reading'] = 'Refused-CANARYREAD';
  await send({ id: 'x', at: 'never', vitals: {}, patientName: planted['name in a refused reading'] });
  const phil = as('phil');
  const alert = await vi.waitFor(async () => {
    const { alerts } = (await phil.ask('GET', '/api/alerts?patient=PA')).body;
    expect(alerts).not.toEqual([]);
    return alerts[0].id as string;
  }, PATIENTLY);
  planted['note at an alarm'] = 'Mrs Featherstone-CANARYNOTE walked';
  const noted = await phil.ask('POST', `/api/alerts/${alert}/notes`, { text: planted['note at an alarm'] });
  expect(noted.status, noted.text).toBeLessThan(300);
  const contacts = [{ channel: 'smtp', address: IN_CLEAR['contact address of staff'] }];
  const kept = await phil.ask('PUT', '/api/me/contacts', { contacts, version: 0 });
  expect(kept.status, kept.text).toBeLessThan(300);
  const opened = await phil.ask('POST', '/api/break-glass', {
    patientId: 'PB',
    reason: IN_CLEAR['reason of an emergency'],
  });
  expect(opened.status, opened.text).toBe(201);
}

describe('whoever reads the disk', () => {
  it('finds no name, number or birth date of a patient, no note, no password, secret or key, in any file', () => {
    expect(Object.keys(planted).length).toBeGreaterThan(18);
    expect(Object.entries(planted).filter(([, word]) => word.length < 8)).toEqual([]);
    const files = filesOf(program.settings.dataFolder);
    expect(files.length).toBeGreaterThan(500);
    const found: string[] = [];
    for (const file of files) {
      const bytes = contentOf(file);
      for (const [what, word] of Object.entries(planted))
        if (formsOf(word).some((form) => bytes.includes(form)))
          found.push(`${what} in ${relative(program.settings.dataFolder, file)}`);
    }
    expect(found).toEqual([]);
  });

  it('would have found them: what stands in clear on purpose is there', () => {
    const files = filesOf(program.settings.dataFolder);
    for (const [what, word] of Object.entries(IN_CLEAR))
      expect(
        files.some((file) => contentOf(file).includes(word)),
        what,
      ).toBe(true);
  });

  it('finds none of it in a dump of the database either, where nothing is compressed', async () => {
    const dump = await dumped();
    expect(dump.length).toBeGreaterThan(10_000);
    for (const [what, word] of Object.entries(IN_CLEAR)) expect(dump.includes(word), what).toBe(true);
    const found = Object.entries(planted).filter(([, word]) =>
      // Bytes are dumped in hexadecimal.
      [...formsOf(word), ...formsOf(word).map((form) => form.toString('hex'))].some((form) => dump.includes(form)),
    );
    expect(found.map(([what]) => what)).toEqual([]);
  });

  it('finds none of it in what was logged', () => {
    const all = logged.join('');
    expect(all.length).toBeGreaterThan(100);
    expect(
      Object.entries(planted)
        .filter(([, word]) => all.includes(word))
        .map(([what]) => what),
    ).toEqual([]);
  });
});

/** Every row of every table, as a backup that is made by SQL holds it. */
function dumped(): Promise<Buffer> {
  return withOpenData(program.settings, Date.now, async ({ database: { pool } }) => {
    const tables = await pool.query<{ name: string }>(
      `select quote_ident(relname) as name from pg_class
       where relkind in ('r', 'p') and not relispartition and relnamespace = current_schema()::regnamespace`,
    );
    const lines: Buffer[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await pool.query<{ line: string }>(`select ${name}::text as line from ${name}`);
      lines.push(...rows.map(({ line }) => Buffer.from(`${line}\n`)));
    }
    return Buffer.concat(lines);
  });
}

/** As text of one and of two bytes a character, and as it stands in JSON and addresses. */
const formsOf = (word: string): readonly Buffer[] => [
  Buffer.from(word),
  Buffer.from(word, 'latin1'),
  Buffer.from(word, 'utf16le'),
  Buffer.from(Buffer.from(word).toString('base64').slice(0, -4)),
];

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Nothing, where PostgreSQL took it away meanwhile. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
