import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresAlarmStore } from '../../adapters/postgres/alarm-store.ts';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import { PostgresConsents } from '../../adapters/postgres/consents.ts';
import { openTreeHeadKey } from '../../audit/tree-head-key.ts';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import type { AlarmId, DeviceId, PatientId } from '../../domain/ids.ts';
import { testConsent } from '../../domain/test-consent.ts';
import { testSeal } from '../../keys/test-identities.ts';
import { began } from '../../ports/test-transitions.ts';
import { withOpenData } from '../open-data.ts';
import { settingsOfProcess } from '../settings.ts';
import { register as registerAudit } from './audit.ts';
import type { CommandContext } from './command.ts';
import { register as registerKeys } from './key.ts';
import { register as registerPlaces } from './place.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-rights-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function settings(data = join(folder, 'data')) {
  const outcome = settingsOfProcess({ HEALTHSYNC_DATA: data });
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.errors));
  return outcome.settings;
}

async function run(data: string, ...args: readonly string[]) {
  const printed: string[] = [];
  const context: CommandContext = {
    now: Date.now,
    print: (text) => void printed.push(text),
    tell: () => {},
    settings: () => settings(data),
  };
  const program = new Command('healthsync').exitOverride();
  registerPlaces(program, context);
  registerKeys(program, context);
  registerAudit(program, context);
  await program.parseAsync([...args, '--json'], { from: 'user' });
  return JSON.parse(printed.join('\n')) as Record<string, unknown>;
}

const PATIENT = {
  id: 'P-a' as PatientId,
  mrn: 'MRN-CANARY-4711',
  familyName: 'Featherstone-Canary',
  givenName: 'Noor-Canary',
  birthDate: '1950-03-01',
};
const WORN = 'D-worn' as DeviceId;
const NOTE = 'Mrs Featherstone-Canary walked to the bathroom';

async function exportsOnRecord(): Promise<readonly AuditEntry[]> {
  const query = { patientId: PATIENT.id, action: 'command.patient.export', limit: 50 };
  return await withOpenData(settings(), Date.now, async ({ database }) =>
    (await new PostgresAuditStore(database).search(query)).toReversed(),
  );
}

/** As a database administrator, a thief of the disk or of a backup would: every byte of every file. */
function filesWithCanary(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => /CANARY-4711|Featherstone-Canary|Noor-Canary/.test(readFileSync(path, 'latin1')));
}

describe('a patient whose name and note are kept', () => {
  const data = () => join(folder, 'data');

  it('is named in no file of the installation: not in the database, its write-ahead log, the audit, or beside them', async () => {
    await withOpenData(settings(), Date.now, async ({ registry, database, keys, alarms, rejected }) => {
      await registry.putPatient(PATIENT);
      await registry.putDevice({ id: WORN, createdAtMs: Date.now() });
      await new PostgresAlarmStore(database, { seal: testSeal() }).apply([began(1)]);
      const store = new PostgresAlarmStore(database, { seal: keys.seal });
      await store.act({ id: 'A-1' as AlarmId, act: { kind: 'note', note: NOTE }, by: 'Anna Berg', atMs: Date.now() });
      expect((await alarms.notes('A-1' as AlarmId)).map(({ text }) => text)).toEqual([NOTE]);
      expect(await registry.patientsByMrn('mrn canary 4711')).toMatchObject([PATIENT]);
      await registry.assign({ deviceId: WORN, patientId: PATIENT.id, fromMs: Date.now() - 60_000 });
      const refused = { deviceId: WORN, receivedAtMs: Date.now(), source: 'https' as const, problems: [] };
      await rejected.add([
        { ...refused, payload: Buffer.from('{"patient":"Featherstone-Canary","heartRate":900}') },
        { ...refused, payload: Buffer.from([0xff, 0x00]) },
        // Before they wore it: nobody knows whose it was.
        { ...refused, receivedAtMs: Date.now() - 120_000, payload: Buffer.from('{"of":"whoever wore it before"}') },
      ]);
    });
    expect(filesWithCanary(data())).toEqual([]);
  });

  it('is exported for research and to a party by their consent only, for research without the name', async () => {
    const sharing = (out: string) => [
      'patient',
      'export',
      'P-a',
      '--out',
      out,
      '--for',
      'sharing',
      '--party',
      'registry',
    ];
    const research = (out: string) => ['patient', 'export', 'P-a', '--out', out, '--for', 'research'];
    const at = (name: string) => join(folder, name);
    await expect(run(data(), ...sharing(at('refused')))).rejects.toThrow(/does not consent to sharing with registry/);
    await withOpenData(settings(), Date.now, async ({ database }) => {
      const consents = new PostgresConsents(database);
      const given = testConsent({ patientId: PATIENT.id, purpose: 'research' });
      await consents.keep(given);
      await consents.keep({ ...given, id: 'b', purpose: 'sharing', party: 'registry' });
      await consents.keep({ ...given, id: 'b', version: 2, purpose: 'sharing', party: 'registry', state: 'revoked' });
    });
    await expect(run(data(), ...sharing(at('refused')))).rejects.toThrow(/does not consent/);
    expect(readdirSync(folder)).not.toContain('refused');
    expect(await run(data(), ...research(at('research')))).toMatchObject({ counts: { patient: 1, alarm: 1 } });
    expect(readFileSync(at('research'), 'utf8')).not.toMatch(/Canary|audit_entry|consent_version|rejected_reading/);
    await rm(at('research'));
    await withOpenData(settings(), Date.now, async ({ database }) => {
      const shared = testConsent({ patientId: PATIENT.id, purpose: 'sharing', party: 'registry' });
      await new PostgresConsents(database).keep({ ...shared, id: 'c' });
    });
    await run(data(), ...sharing(at('shared')), '--sealed');
    await rm(at('shared'));
    // What for, with whom, by which consent: of what was refused as well, before and after.
    const shown = (entry: AuditEntry) => {
      const { for: purpose, party, sealed, consent, why, phase } = entry.detail ?? {};
      return [entry.purpose, purpose, party, sealed, phase, entry.outcome, consent ?? why];
    };
    const sharedWith = ['sharing', 'sharing', 'registry'];
    expect((await exportsOnRecord()).map(shown)).toEqual([
      [...sharedWith, false, 'begin', 'allowed', undefined],
      [...sharedWith, false, 'end', 'denied', 'no-consent'],
      [...sharedWith, false, 'begin', 'allowed', undefined],
      [...sharedWith, false, 'end', 'denied', 'no-consent'],
      ['research', 'research', undefined, false, 'begin', 'allowed', undefined],
      [
        'research',
        'research',
        undefined,
        false,
        'end',
        'allowed',
        `${testConsent({ patientId: PATIENT.id, purpose: 'research' }).id}#1`,
      ],
      [...sharedWith, true, 'begin', 'allowed', undefined],
      [...sharedWith, true, 'end', 'allowed', 'c#1'],
    ]);
    await expect(
      run(data(), 'patient', 'export', 'P-a', '--out', at('x'), '--for', 'sharing', '--party', 'Mrs Featherstone'),
    ).rejects.toThrow(/sign-in name/);
  });

  it('can have everything that is kept of them, and keys may be rotated before', async () => {
    expect(await run(data(), 'key', 'rotate')).toMatchObject({ rewrapped: 3 });
    const out = join(folder, 'export.ndjson');
    const { counts } = await run(data(), 'patient', 'export', 'P-a', '--out', out);
    expect(counts).toMatchObject({ patient: 1, alarm: 1, alarm_note: 1, alarm_change: 2, rejected_reading: 2 });
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({ kind: 'patient', value: { ...PATIENT, spo2Scale: 1 } });
    expect(lines.some((line) => line.includes(NOTE))).toBe(true);
    const refused = lines.flatMap((line) => {
      const { kind, value } = JSON.parse(line);
      return kind === 'rejected_reading' ? [value] : [];
    });
    expect(refused).toMatchObject([
      { device_id: WORN, payload: '{"patient":"Featherstone-Canary","heartRate":900}' },
      { device_id: WORN, payload: '/wA=', payloadEncoding: 'base64' },
    ]);
    expect(filesWithCanary(folder)).toEqual([out]);
    await rm(out);
  });

  it('is exported sealed as well: shown to nobody, opened again as long as they are not erased', async () => {
    const at = (name: string) => join(folder, name);
    await run(data(), 'patient', 'export', 'P-a', '--out', at('plain'));
    await run(data(), 'patient', 'export', 'P-a', '--out', at('sealed'), '--sealed');
    const openAs = (patient: string, out: string) =>
      run(data(), 'patient', 'open-export', patient, '--in', at('sealed'), '--out', at(out));
    await openAs('P-a', 'opened');
    const kinds = (name: string) => readFileSync(at(name), 'utf8').match(/"kind":"(?!audit)[a-z_]+"/g);
    expect(kinds('opened')).toEqual(kinds('plain'));
    expect(filesWithCanary(folder).toSorted()).toEqual([at('opened'), at('plain')]);
    await expect(openAs('P-b', 'other')).rejects.toThrow(/another patient/);
    truncateSync(at('sealed'), statSync(at('sealed')).size - 20);
    await expect(openAs('P-a', 'other')).rejects.toThrow(/altered|end is missing/);
    expect(readdirSync(folder)).not.toContain('other');
    for (const name of ['plain', 'opened', 'sealed']) await rm(at(name));
    await run(data(), 'patient', 'export', 'P-a', '--out', at('kept'), '--sealed');
  });

  it('once erased cannot be opened any more, here or in a backup of before; nor after the keys come back', async () => {
    const backup = join(folder, 'backup');
    // With owners: as root, PostgreSQL runs as somebody else.
    execFileSync('cp', ['-a', data(), backup]);
    expect(await run(data(), 'patient', 'erase', 'P-a', '--reason', 'asked for it', '--yes')).toMatchObject({
      keyIsGone: true,
      sealedNotes: 1,
      refusedReadings: 2,
    });
    const opening = run(
      data(),
      'patient',
      'open-export',
      'P-a',
      '--in',
      join(folder, 'kept'),
      '--out',
      join(folder, 'x'),
    );
    await expect(opening).rejects.toThrow(/erased/);
    // What the data protection officer is handed: checked with the public key alone; and which copies hold the key yet.
    const proof = join(folder, 'proof.json');
    expect(await run(data(), 'patient', 'erasure-proof', 'P-a', '--out', proof)).toMatchObject({
      keyIsGone: true,
      copiesWithKey: [],
    });
    const key = join(folder, 'public.pem');
    const { publicKey } = await openTreeHeadKey(join(data(), 'audit', 'signing-key.pem'));
    writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
    const nowhere = join(folder, 'nowhere');
    expect(await run(nowhere, 'audit', 'check-proof', proof, '--key', key)).toMatchObject({
      isProved: true,
      entry: { action: 'command.patient.erase', patientId: 'P-a', detail: { keyIsGone: true } },
    });
    writeFileSync(proof, readFileSync(proof, 'utf8').replace('P-a', 'P-b'));
    expect(await run(nowhere, 'audit', 'check-proof', proof, '--key', key)).toEqual({ isProved: false });
    const copy = join(backup, 'keys', 'subject-keys.sqlite');
    const again = ['patient', 'erasure-proof', 'P-a', '--out', join(folder, 'proof-2.json'), '--copy', copy];
    expect(await run(data(), ...again)).toMatchObject({ keyIsGone: true, copiesWithKey: [copy] });
    // The exit code said so twice: that was meant.
    process.exitCode = 0;
    const known = (of: string) =>
      withOpenData(settings(of), Date.now, async ({ registry, alarms, rejected }) => ({
        patient: await registry.findPatient(PATIENT.id),
        notes: (await alarms.notes('A-1' as AlarmId)).map(({ text }) => text),
        refused: (await rejected.list({ limit: 9 })).map(({ payload }) => Buffer.from(payload).toString()),
      }));
    // By the index of the record number they could be found, although nobody can read it.
    const findable = (of: string) =>
      withOpenData(settings(of), Date.now, async ({ database }) => {
        const { rows } = await database.pool.query('select mrn_index from patient where id = $1', [PATIENT.id]);
        return rows[0].mrn_index !== null;
      });
    const erased = {
      patient: { id: 'P-a', spo2Scale: 1 },
      notes: ['(erased)'],
      refused: ['{"of":"whoever wore it before"}', '', ''],
    };
    expect(await known(data())).toEqual(erased);
    // The backup of the database with the keys as they are now: what a restore gets, as keys are in no such backup.
    const oldKeys = join(folder, 'old-keys');
    cpSync(join(backup, 'keys'), oldKeys, { recursive: true });
    cpSync(join(data(), 'keys'), join(backup, 'keys'), { recursive: true, force: true });
    expect(await known(backup)).toEqual(erased);
    expect(await findable(backup)).toBe(false);
    // What the backup does not know of is missed, by the heads that lie outside the database.
    const heads = join(data(), 'audit', 'heads');
    expect(await run(backup, 'audit', 'verify', '--anchor', heads)).toMatchObject({
      isIntact: false,
      findings: expect.arrayContaining([expect.objectContaining({ kind: 'cut-off' })]),
    });
    process.exitCode = 0;
    // Whoever kept a copy of the keys as well, and puts it under the installation, finds it erased again.
    cpSync(oldKeys, join(data(), 'keys'), { recursive: true, force: true });
    expect(await known(data())).toEqual(erased);
    await expect(run(data(), 'patient', 'erase', 'P-x', '--reason', 'nobody', '--yes')).rejects.toThrow(/no patient/);
  });
});
