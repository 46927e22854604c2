import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataFolder, openDataFolder } from '../../adapters/embedded/data-folder.ts';
import { connect } from '../../adapters/postgres/connection.ts';
import { type Database, openDatabase } from '../../adapters/postgres/open-database.ts';
import { deviceIdOfCertificate } from '../../identity/device-certificate.ts';
import { P256 } from '../../identity/signing-authority.ts';
import { type Run, runHere } from './test-command-line.ts';

const BIN = fileURLToPath(new URL('../../../bin/healthsync.js', import.meta.url));

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-cli-'));
  data = join(folder, 'data');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The fields of answers that the claims below look into. */
interface Reply {
  readonly serial?: string;
  readonly token?: string;
  readonly devices?: readonly { readonly id: string; readonly certificates: readonly { readonly serial: string }[] }[];
  readonly users?: readonly object[];
}

interface More {
  readonly env?: Record<string, string>;
  readonly input?: string;
}

/** As somebody types it: a process of its own. */
async function runProcess(args: readonly string[], more: More = {}): Promise<Run> {
  const env = { ...process.env, HEALTHSYNC_DATA: data, ...more.env };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(more.input ?? '');
  const [out, err, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]);
  return { code: code as number, out, err };
}

/** In this process: what a claim is about only what a command does. */
const run = (args: readonly string[], more: More = {}): Promise<Run> =>
  runHere(args, { ...more, env: { HEALTHSYNC_DATA: data, ...more.env } });

async function json(args: readonly string[], more: { readonly input?: string; readonly as?: typeof run } = {}) {
  const { as = run, ...input } = more;
  const { code, out, err } = await as([...args, '--json'], input);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.trim().split('\n')).toHaveLength(1);
  return JSON.parse(out) as Reply;
}

const text = (path: string) => readFile(path, 'utf8');

describe('the command line', () => {
  it('shows its commands, each with its own help', async () => {
    const top = await runProcess(['--help']);
    expect(top).toMatchObject({ code: 0, err: '' });
    for (const command of [
      'device',
      'patient',
      'ward',
      'bed',
      'user',
      'token',
      'alarm',
      'topic',
      'contact',
      'channel',
      'rejected',
      'doctor',
    ])
      expect(top.out).toContain(`\n  ${command} `);
    for (const command of [
      ['device', 'enroll'],
      ['device', 'revoke'],
      ['token', 'create'],
      ['user', 'add'],
      ['rejected', 'replay'],
      ['doctor'],
    ]) {
      const { code, out } = await run([...command, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('--json');
    }
  });

  it.each([
    [['device', 'enrol', 'm'], /unknown command 'enrol'.*enroll/],
    [['device', 'enroll', 'm', '--out', 'x'], /--patient/],
    [['device', 'enroll', '--patient', 'p', '--out', 'x'], /device/],
    [['device', 'enroll', '../m', '--patient', 'p', '--out', 'x'], /<device>: expected/],
    [['device', 'enroll', 'm', '--patient', 'p 7', '--out', 'x'], /--patient: expected/],
    [['device', 'enroll', 'm', '--patient', 'p', '--ward', 'w', '--out', 'x'], /--ward: needs --bed/],
    [['device', 'enroll', 'm', '--patient', 'p', '--out', 'x', '--csr', '/nowhere'], /--csr: .*ENOENT/],
    [['device', 'token', 'm', '--days', '400'], /--days: expected/],
    [['token', 'create'], /--role/],
    [['token', 'create', '--role', 'surgeon'], /--role: expected one of nurse, charge-nurse/],
    [['device', 'list', '--nonsense'], /--nonsense/],
    [['client', 'remove-key', 'lab', '-cySx'], /'-cySx'; a value that begins with a dash goes after --/],
    [['replay', BIN], /path: .* holds no PhysioNet patient/],
  ])('names in one line what is wrong with %j, and leaves with 2', async (args, expected) => {
    const [{ code, out, err }, asJson] = await Promise.all([run(args), run([...args, '--json'])]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(expected);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { code: 'misuse', message: expect.stringMatching(expected) },
    });
  });

  it('says the same as a program: a slip, its exit code, and the help of a command', async () => {
    const [slip, asJson, help] = await Promise.all([
      runProcess(['device', 'enrol', 'm']),
      runProcess(['device', 'enrol', 'm', '--json']),
      runProcess(['device', 'enroll', '--help']),
    ]);
    expect(slip).toEqual(await run(['device', 'enrol', 'm']));
    expect(slip).toMatchObject({ code: 2, out: '', err: expect.stringContaining("unknown command 'enrol'") });
    expect(asJson).toEqual(await run(['device', 'enrol', 'm', '--json']));
    expect(help).toEqual(await run(['device', 'enroll', '--help']));
  });

  it('does not answer from a new installation where the folder was mistyped', async () => {
    const typo = join(folder, 'dta');
    const { code, err } = await run(['device', 'list', '--data', typo]);
    expect([code, err]).toEqual([1, expect.stringContaining(`there is no installation in ${typo}`)]);
    await expect(stat(typo)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names every wrong setting at once', async () => {
    const { code, err } = await run(['device', 'list'], {
      env: { HEALTHSYNC_MQTPORT: '1', HEALTHSYNC_HTTPS_PORT: 'x' },
    });
    expect(code).toBe(2);
    expect(err).toContain('HEALTHSYNC_MQTPORT is not a setting; the nearest is HEALTHSYNC_MQTT_PORT');
    expect(err).toContain('HEALTHSYNC_HTTPS_PORT expected a whole number');
  });
});

describe('enrolling a device', () => {
  it('writes what a device needs, for its owner only, and makes patient, bed and ward', async () => {
    const out = join(folder, 'm-1');
    const args = ['device', 'enroll', 'm-1', '--patient', 'p-1', '--bed', 'b-1', '--ward', 'w-1', '--out', out];
    const answer = await json(args, { as: runProcess });
    expect(answer).toMatchObject({ device: 'm-1', patient: 'p-1' });
    expect((await readdir(out)).sort()).toEqual(['ca.pem', 'cert.pem', 'key.pem']);
    expect((await stat(join(out, 'key.pem'))).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(await text(join(out, 'cert.pem')));
    expect(deviceIdOfCertificate(certificate)).toBe('m-1');
    expect(certificate.serialNumber).toBe(answer.serial);
    expect(await text(join(out, 'ca.pem'))).toBe(await text(join(data, 'pki', 'server-ca.pem')));
    expect(await json(['patient', 'list'])).toEqual({
      patients: [{ id: 'p-1', ward: 'w-1', bed: 'b-1', label: 'b-1' }],
    });
    expect(await json(['device', 'list'])).toMatchObject({
      devices: [{ id: 'm-1', patient: 'p-1', certificates: [{ serial: answer.serial }] }],
    });
  });

  it('signs a request without ever seeing the key', async () => {
    const out = join(folder, 'm-2');
    const csr = join(folder, 'm-2.csr');
    const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: P256, name: 'CN=x' });
    await writeFile(csr, request.toString('pem'));
    await json(['device', 'enroll', 'm-2', '--patient', 'p-2', '--csr', csr, '--out', out]);
    expect((await readdir(out)).sort()).toEqual(['ca.pem', 'cert.pem']);
    const bad = await run(['device', 'renew', 'm-2', '--csr', join(out, 'ca.pem'), '--out', out]);
    expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('--csr: expected a PKCS#10') });
  });

  it('does not take a device from another patient, and changes nothing then', async () => {
    const refused = await run(['device', 'enroll', 'm-1', '--patient', 'p-9', '--out', join(folder, 'no')]);
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringContaining('p-1 wears m-1') });
    expect((await run(['patient', 'list'])).out).not.toContain('p-9');
    expect(await readdir(folder)).not.toContain('no');
  });

  it('may be done by several commands at once', async () => {
    const ids = ['c-1', 'c-2', 'c-3'];
    await Promise.all(
      ids.map((id) =>
        json(['device', 'enroll', id, '--patient', `p-${id}`, '--out', join(folder, id)], { as: runProcess }),
      ),
    );
    const { devices = [] } = await json(['device', 'list']);
    expect(devices.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });
});

describe('beside a running server', () => {
  let taken: DataFolder;
  let database: Database;
  beforeAll(async () => {
    taken = await openDataFolder(data);
    database = await openDatabase({ dataFolder: data });
  });
  afterAll(async () => {
    await database.close();
    taken.close();
  });

  it('commands use its database, and it hears of what they changed', async () => {
    const ears = connect(database.address, { connectionsMax: 1 });
    const client = await ears.pool.connect();
    const heard = once(client, 'notification');
    await client.query('listen healthsync_registry');
    await json(['device', 'enroll', 'm-8', '--patient', 'p-8', '--out', join(folder, 'm-8')], { as: runProcess });
    await heard;
    client.release();
    await ears.close();
    expect((await json(['device', 'list'])).devices).toContainEqual(expect.objectContaining({ id: 'm-8' }));
  });

  it('wards and beds are added once and listed, and a ward keeps its department', { timeout: 60_000 }, async () => {
    await json(['ward', 'add', 'w-9', '--name', 'Ward 9', '--department', 'cardiology']);
    expect(await run(['ward', 'add', 'w-9'])).toMatchObject({ code: 1, err: expect.stringContaining('already') });
    expect(await json(['ward', 'put', 'w-9', '--name', 'Nine'])).toMatchObject({ department: 'cardiology' });
    await json(['bed', 'add', 'w-9-1', '--ward', 'w-9']);
    expect(await json(['ward', 'list'])).toMatchObject({
      wards: expect.arrayContaining([{ id: 'w-9', name: 'Nine', department: 'cardiology', beds: 1 }]),
    });
    expect(await json(['bed', 'list', '--ward', 'w-9'])).toEqual({
      beds: [{ id: 'w-9-1', ward: 'w-9', label: 'w-9-1', patients: [] }],
    });
  });

  it('events are listed as other systems get them; a replay needs the HTTPS side', async () => {
    expect(await json(['events', 'list', '--after', '0'])).toEqual({ events: [] });
    expect(await json(['events', 'subscriptions'])).toEqual({ subscriptions: [] });
    expect((await run(['events', 'replay', 's-1', '--after', 'x'])).code).toBe(2);
    const replay = await run(['events', 'replay', 's-1', '--after', '0'], { env: { HEALTHSYNC_HTTPS_PORT: '1' } });
    expect(replay).toMatchObject({ code: 1, err: expect.stringContaining('no server answers') });
  });

  it('a replay needs its HTTPS side, and says so', async () => {
    expect(await json(['rejected', 'list'])).toEqual({ rejected: [] });
    const replay = await run(['rejected', 'replay', '1'], { env: { HEALTHSYNC_HTTPS_PORT: '1' } });
    expect(replay).toMatchObject({ code: 1, err: expect.stringContaining('no server answers') });
  });

  it('alarms are listed and shown; taking one needs its HTTPS side, and somebody who takes it', {
    timeout: 120_000,
  }, async () => {
    const [listed, unknown, bad, nobody] = await Promise.all([
      json(['alarm', 'list', '--ward', 'w-1', '--unacknowledged']),
      run(['alarm', 'show', 'none']),
      run(['alarm', 'list', '--limit', '0']),
      run(['alarm', 'acknowledge', 'a', '--as', 'nobody']),
      json(['user', 'add', 'dora', '--role', 'nurse'], { input: 'correct horse battery\n' }),
    ]);
    expect(listed).toEqual({ alarms: [] });
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('<alarm>') });
    expect(bad).toMatchObject({ code: 2 });
    expect(nobody).toMatchObject({ code: 2, err: expect.stringContaining('--as: there is no such account') });
    const noServer = await run(['alarm', 'acknowledge', 'a', '--as', 'dora'], { env: { HEALTHSYNC_HTTPS_PORT: '1' } });
    expect(noServer).toMatchObject({ code: 1, err: expect.stringContaining('no server answers') });
  });

  it('who is told of what, and where people can be reached', { timeout: 120_000 }, async () => {
    await json(['user', 'add', 'noor', '--role', 'nurse'], { input: 'correct horse battery\n' });
    const [sms, mail, wrongAddress, mine] = await Promise.all([
      json(['contact', 'put', 'noor', 'sms', '+49 30 1234-567', '--min-priority', 'high']),
      json(['contact', 'put', 'noor', 'smtp', 'Noor@ward.example', '--vouched']),
      run(['contact', 'put', 'noor', 'sms', '030']),
      json(['topic', 'subscribe', 'alarms.high.W3', '--user', 'noor']) as Promise<{ id?: string }>,
    ]);
    expect(sms).toEqual({ channel: 'sms', address: '+49301234567', verified: false, minPriority: 'high' });
    expect(mail).toMatchObject({ address: 'noor@ward.example', verified: true, verifiedBy: 'admin' });
    expect(wrongAddress).toMatchObject({ code: 2 });
    expect(mine).toMatchObject({ topic: 'alarms.high.W3', subscriber: 'noor' });
    const [removed, ended, house, wrongTopic, noServer] = await Promise.all([
      json(['contact', 'remove', 'noor', 'sms', '+49301234567']),
      json(['topic', 'unsubscribe', mine.id ?? '']),
      json(['topic', 'subscribe', 'system', '--channel', 'smtp', '--recipient', 'it@ward.example']),
      run(['topic', 'subscribe', 'alarms.urgent', '--user', 'noor']),
      run(['channel', 'test', 'smtp', 'it@ward.example'], { env: { HEALTHSYNC_HTTPS_PORT: '1' } }),
    ]);
    expect([removed, ended]).toEqual([{ removed: true }, { removed: mine.id }]);
    expect(house).toMatchObject({ topic: 'system', subscriber: 'smtp it@ward.example' });
    expect(wrongTopic).toMatchObject({ code: 2 });
    expect(noServer).toMatchObject({ code: 1, err: expect.stringContaining('no server answers') });
    const [contacts, topics] = await Promise.all([json(['contact', 'list', 'noor']), json(['topic', 'list'])]);
    expect(contacts).toMatchObject({ contacts: [{ channel: 'smtp' }] });
    expect(topics).toMatchObject({ subscriptions: [{ topic: 'system' }] });
  });

  describe('a device that is enrolled', () => {
    it('is renewed beside its old certificate, which is revoked by its number', async () => {
      const before = await json(['device', 'list']);
      const serial = before.devices?.find(({ id }) => id === 'm-1')?.certificates[0]?.serial ?? '';
      const renewed = await json(['device', 'renew', 'm-1', '--out', join(folder, 'm-1')]);
      expect(await json(['device', 'revoke', 'm-1', '--serial', serial])).toEqual({ device: 'm-1', revoked: 1 });
      const after = await json(['device', 'list']);
      expect(after.devices?.find(({ id }) => id === 'm-1')?.certificates).toEqual([
        expect.objectContaining({ serial: renewed.serial }),
      ]);
      expect(await run(['device', 'revoke', 'm-1', '--serial', 'AA'])).toMatchObject({ code: 1 });
      expect(await run(['device', 'revoke', 'nobody'])).toMatchObject({
        code: 1,
        err: expect.stringContaining('no device nobody'),
      });
    });

    it('gets a token, a configuration, and another patient', async () => {
      expect((await json(['device', 'token', 'm-1', '--days', '7'])).token).toMatch(/^hsd_[A-Za-z0-9_-]{43}$/);
      await json(['device', 'config', 'm-1', '{"intervalMs":1000}']);
      expect(await run(['device', 'config', 'm-1', '{'])).toMatchObject({ code: 2 });
      expect(await json(['device', 'assign', 'm-1', '--patient', 'p-5'])).toMatchObject({ patient: 'p-5' });
      expect(await json(['device', 'unassign', 'm-1'])).toMatchObject({ device: 'm-1' });
      expect(await run(['device', 'assign', 'm-1', '--patient', 'p-5', '--from', 'yesterday'])).toMatchObject({
        code: 2,
      });
    });
  });

  describe('patients', () => {
    it('get their names by stdin only, and keep what is not named', async () => {
      await json(['ward', 'put', 'w-2', '--name', 'Ward 2']);
      await json(['bed', 'put', 'b-2', '--ward', 'w-2', '--label', 'W2-01']);
      await json(['patient', 'put', 'p-6', '--bed', 'b-2', '--details'], {
        as: runProcess,
        input: '{"familyName":"Test","birthDate":"1950-01-31","mrn":"MRN-0815"}',
      });
      await json(['patient', 'put', 'p-6', '--spo2-scale', '2']);
      const listed = await run(['patient', 'list', '--json']);
      expect(JSON.parse(listed.out).patients).toContainEqual({ id: 'p-6', ward: 'w-2', bed: 'b-2', label: 'W2-01' });
      expect(listed.out).not.toContain('Test');
      const found = await run(['patient', 'find', '--json'], { input: 'mrn 0815\n' });
      expect(JSON.parse(found.out).patients).toEqual([
        { id: 'p-6', organisation: 'default', ward: 'w-2', bed: 'W2-01' },
      ]);
      expect(found.out).not.toContain('Test');
      expect(await run(['patient', 'find'], { input: 'MRN-0816' })).toMatchObject({ code: 1, err: '' });
      expect((await run(['patient', 'find'])).code).toBe(2);
      const wrong = await run(['patient', 'put', 'p-6', '--details'], { input: '{"__proto__":"x"}' });
      expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--details') });
    });
  });

  describe('people', () => {
    const password = 'correct horse battery';

    it('get an account with a password from stdin or a file, never from an argument', async () => {
      expect(
        await json(['user', 'add', 'Anna', '--role', 'nurse', '--role', 'operator', '--ward', 'w-1'], {
          as: runProcess,
          input: `${password}\n`,
        }),
      ).toEqual({
        name: 'anna',
        roles: ['nurse', 'operator'],
        wards: ['w-1'],
      });
      const file = join(folder, 'password');
      await writeFile(file, `${password}\r\n`, { mode: 0o600 });
      await json(['user', 'add', 'berta', '--role', 'physician', '--password-file', file]);
      expect(await run(['user', 'add', 'anna', '--role', 'nurse'], { input: password })).toMatchObject({ code: 1 });
      expect(await run(['user', 'add', 'carl', '--role', 'nurse'], { input: 'short' })).toMatchObject({
        code: 2,
        err: expect.stringContaining('password: expected at least 12'),
      });
      expect((await run(['user', 'add', '--help'])).out).not.toMatch(/--password[ =]/);
    });

    it('are listed and disabled', async () => {
      await json(['user', 'disable', 'berta']);
      const { users } = await json(['user', 'list']);
      expect(users).toContainEqual(expect.objectContaining({ name: 'berta', disabled: true }));
      expect(await runProcess(['user', 'disable', 'berta'])).toMatchObject({ code: 1 });
      expect(await run(['user', 'setup-link'])).toMatchObject({
        code: 1,
        err: expect.stringContaining('there are users already'),
      });
    });

    it('who have no password are given one', async () => {
      const nobody = await run(['user', 'password', 'nobody'], { input: 'one long pass phrase\n' });
      expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('no enabled user')]);
      const weak = await run(['user', 'password', 'anna'], { input: 'short\n' });
      expect([weak.code, weak.err]).toEqual([2, expect.stringContaining('at least 12')]);
      expect((await run(['user', 'password', 'anna'], { input: 'another long phrase\n' })).code).toBe(0);
    });

    it('have tokens made for their scripts', async () => {
      expect((await json(['token', 'create', '--role', 'physician'])).token).toMatch(/^hst_[A-Za-z0-9_-]{43}$/);
      expect((await json(['token', 'create', '--user', 'anna', '--days', '1'])).token).toMatch(/^hst_/);
      expect(await run(['token', 'create', '--user', 'berta'])).toMatchObject({ code: 1 });
    });
  });
});

describe('starting', () => {
  it('says which port is taken, stops what it had started, and ends', async () => {
    const squatter = createServer().listen(0);
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const alone = join(folder, 'alone');
    const env = { HEALTHSYNC_DATA: alone, HEALTHSYNC_MQTT_PORT: String(port), HEALTHSYNC_HTTPS_PORT: '0' };
    const { code, out, err } = await runProcess(['start'], { env });
    squatter.close();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`Port ${port} is in use by another program; HEALTHSYNC_MQTT_PORT`);
    expect(await readdir(join(alone, 'postgres'))).not.toContain('postmaster.pid');
  });
});

describe('doctor', () => {
  it('finds nothing wrong with a good installation', async () => {
    const { code, out } = await runProcess(['doctor', '--json'], {
      env: { HEALTHSYNC_MQTT_PORT: '0', HEALTHSYNC_HTTPS_PORT: '0' },
    });
    const answer = JSON.parse(out) as { ok: boolean; findings: { check: string; state: string; detail: string }[] };
    expect(answer.findings.filter(({ state }) => state === 'failed')).toEqual([]);
    expect({ code, ok: answer.ok }).toEqual({ code: 0, ok: true });
    expect(answer.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['Node', 'Disk', 'Clock', 'Permissions', 'Database', 'MQTT port']),
    );
    expect(answer.findings.find(({ check }) => check === 'Database')?.detail).toMatch(/PostgreSQL\) \d+/);
  });

  it('finds a taken port, an open key, a missing key and a full disk', async () => {
    const squatter = createServer().listen(0);
    await once(squatter, 'listening');
    const key = join(data, 'pki', 'device-ca.key');
    await chmod(key, 0o644);
    const env = {
      HEALTHSYNC_MQTT_PORT: String((squatter.address() as AddressInfo).port),
      HEALTHSYNC_DISK_RESERVE_MB: '16777216',
    };
    const sick = await runProcess(['doctor'], { env });
    squatter.close();
    expect(sick.code).toBe(1);
    expect(sick.out).toMatch(/FAILED {2}MQTT port .*in use by another program/);
    expect(sick.out).toMatch(/FAILED {2}Permissions .*device-ca\.key/);
    expect(sick.out).toMatch(/FAILED {2}Disk/);
    await rm(key);
    expect((await run(['doctor'], { env })).out).toMatch(/FAILED {2}Permissions .*device-ca\.key missing/);
    const enroll = await run(['device', 'renew', 'm-8', '--out', join(folder, 'm-8')]);
    expect(enroll).toMatchObject({ code: 1, err: expect.stringContaining('device-ca.key is missing') });
  });
});
