import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Connections } from '../../adapters/postgres/connection.ts';
import { type Consent, type ConsentQuestion, decideConsent, isPartyName } from '../../domain/consent.ts';
import { type AlarmId, type PatientId, parsePatientId } from '../../domain/ids.ts';
import { createObjectSealer, type OpenedObject, openObject } from '../../keys/object-seal.ts';
import { subjectOf } from '../../keys/patient-seal.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  Denial,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withExistingData,
} from './command.ts';
import { registerErasureProof } from './erasure-proof.ts';

/** What a patient may ask for: everything that is kept about them, and to be forgotten. */
export function registerPatientRights(patients: Command, context: CommandContext): void {
  addCommand<[string], ExportOptions>(
    patients,
    {
      usage: 'export <patient>',
      description: 'everything that is kept about one patient, as lines of JSON in a new file',
      configure: (command) =>
        command
          .requiredOption('--out <file>', 'the file to make, readable to its owner only')
          .option('--for <purpose>', 'own, for the patient themselves; research; or sharing, by their consent', 'own')
          .option('--party <name>', 'with whom it is shared, with --for sharing')
          .option(
            '--sealed',
            'sealed with the patient’s key, to be kept: opened with "open-export", until they are erased',
          ),
      run: exportPatient,
    },
    context,
  );
  addCommand<[string], OpenOptions>(
    patients,
    {
      usage: 'open-export <patient>',
      description: 'give back what "export --sealed" wrote',
      configure: (command) =>
        command
          .requiredOption('--in <file>', 'the sealed file')
          .requiredOption('--out <file>', 'the file to make, readable to its owner only'),
      run: openExport,
    },
    context,
  );
  addCommand<[string], { readonly reason: string; readonly yes?: boolean }>(
    patients,
    {
      usage: 'erase <patient>',
      description: 'destroy the key of one patient: names and notes cannot be opened any more, in no backup either',
      configure: (command) =>
        command
          .requiredOption('--reason <text>', 'why, for the record; without patient data')
          .option('--yes', 'it cannot be undone, and I am sure'),
      run: erasePatient,
    },
    context,
  );
  registerErasureProof(patients, context);
}

async function exportPatient(context: CommandContext, options: ExportOptions, patient: string): Promise<Answer> {
  const id = required('<patient>', parsePatientId(patient), ID_EXPECTED);
  const asked = purposeOf(options);
  const { openedRow, patientRows } = await import('../../adapters/postgres/patient-export.ts');
  return withExistingData(onRecord(context, options, asked), async ({ registry, alarms, database, keys }) => {
    const known = await registry.findPatient(id);
    if (known === undefined) throw new Refusal(`<patient>: there is no patient ${id}`);
    let consent = asked && (await requireConsent(database, id, { ...asked, atMs: context.now() }));
    const counts: Record<string, number> = {};
    const subject = subjectOf(id);
    const sealer =
      options.sealed === true
        ? createObjectSealer({ subject, dataKey: await keys.subjects.forSealing(subject) })
        : undefined;
    const file = await open(options.out, 'wx', 0o600);
    const write = async (kind: string, value: unknown): Promise<void> => {
      counts[kind] = (counts[kind] ?? 0) + 1;
      const line = Buffer.from(`${JSON.stringify({ kind, value })}\n`);
      await file.writeFile(sealer === undefined ? line : sealer.update(line));
    };
    let isWhole = false;
    try {
      // Whoever researches needs no name.
      await write('patient', asked?.purpose === 'research' ? { id } : known);
      let current = '';
      for await (const { table, row } of patientRows(database, id)) {
        if (asked !== undefined && OWN_ONLY.has(table)) continue;
        // What is revoked while a long export runs ends it.
        if (asked !== undefined && table !== current)
          consent = await requireConsent(database, id, { ...asked, atMs: context.now() });
        current = table;
        await write(table, await openedRow({ table, row }, keys.houseSeal));
        if (table !== 'alarm' || asked?.purpose === 'research') continue;
        const { id: alarmId } = row as { readonly id: AlarmId };
        for (const note of await alarms.notes(alarmId)) await write('alarm_note', { alarmId, ...note });
      }
      if (sealer !== undefined) await file.writeFile(sealer.end());
      await file.sync();
      isWhole = true;
    } finally {
      await file.close();
      if (!isWhole) await rm(options.out, { force: true });
    }
    const text = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    return {
      json: { patient: id, file: options.out, counts },
      text: `${options.out}: ${text.join(', ')}`,
      audited: {
        lines: Object.values(counts).reduce((sum, count) => sum + count, 0),
        ...(consent !== undefined && { consent: nameOf(consent) }),
      },
    };
  });
}

/** What for, with whom and how it was asked for stands in the entries before and after, also where it is refused. */
function onRecord(
  context: CommandContext,
  options: ExportOptions,
  asked: ReturnType<typeof purposeOf>,
): CommandContext {
  const { command } = context;
  if (command === undefined) return context;
  const { purpose, party } = asked ?? {};
  const said = { for: options.for, sealed: options.sealed === true, ...(party !== undefined && { party }) };
  return { ...context, command: { ...command, ...(purpose !== undefined && { purpose }), asked: said } };
}

async function openExport(context: CommandContext, options: OpenOptions, patient: string): Promise<Answer> {
  const subject = subjectOf(required('<patient>', parsePatientId(patient), ID_EXPECTED));
  return withExistingData(context, async ({ keys }) => {
    const file = await open(options.out, 'wx', 0o600);
    let bytes = 0;
    let isWhole = false;
    try {
      const keyOf = async (of: string) => (of === subject ? await keys.subjects.forOpening(of) : undefined);
      for await (const part of openObject(createReadStream(options.in), keyOf)) {
        if (part.kind === 'refused') throw new Refusal(`--in: ${REFUSED[part.why]}`);
        await file.writeFile(part.bytes);
        bytes += part.bytes.length;
      }
      await file.sync();
      isWhole = true;
    } finally {
      await file.close();
      // A part of it must not pass for all of it.
      if (!isWhole) await rm(options.out, { force: true });
    }
    return { json: { patient, file: options.out, bytes }, text: `${options.out}: ${bytes} bytes` };
  });
}

const REFUSED: Readonly<Record<(OpenedObject & { kind: 'refused' })['why'], string>> = {
  'not-an-object': 'this is no sealed export',
  'key-gone': 'it is another patient’s, or of one who was erased',
  altered: 'it was altered, or sealed by another installation',
  'cut-off': 'its end is missing',
};

/** Who looked, who cared, who was told, and what else was consented to, is nobody's but the patient's. */
const OWN_ONLY = new Set([
  // Understood by nobody: it may hold a name, and not only theirs.
  'rejected_reading',
  ...['audit_entry', 'emergency_access', 'consent_version', 'patient_vip', 'erasure'],
  ...['care_assignment', 'delivery', 'escalation', 'escalation_step', 'watchdog_telling'],
]);

interface ExportOptions {
  readonly out: string;
  readonly for: string;
  readonly party?: string;
  readonly sealed?: boolean;
}

interface OpenOptions {
  readonly in: string;
  readonly out: string;
}

/** Undefined: for the patient themselves, who need not consent to see what is theirs (GDPR Art. 15). */
function purposeOf({ for: purpose, party }: ExportOptions): Omit<ConsentQuestion, 'atMs'> | undefined {
  if (purpose !== 'sharing' && party !== undefined) throw new Misuse('--party', 'only with --for sharing');
  if (purpose === 'own') return undefined;
  if (purpose === 'research') return { purpose };
  if (purpose !== 'sharing') throw new Misuse('--for', 'expected own, research or sharing');
  if (party === undefined) throw new Misuse('--party', 'is needed: sharing is with somebody who is named');
  if (!isPartyName(party)) throw new Misuse('--party', 'expected the sign-in name of an account');
  return { purpose, party };
}

/** Which one opens it, read from the table at this moment: what was revoked a moment ago is not exported. */
async function requireConsent(database: Connections, patientId: PatientId, question: ConsentQuestion) {
  const { PostgresConsents } = await import('../../adapters/postgres/consents.ts');
  const standing = await new PostgresConsents(database).standing({ nowMs: question.atMs, patientId });
  const decision = decideConsent(standing, question);
  if (decision.kind === 'given') return decision.by;
  throw new Denial(
    `--for: the patient does not consent to ${question.purpose}${question.party === undefined ? '' : ` with ${question.party}`}`,
    decision.kind === 'none'
      ? { why: 'no-consent' }
      : { why: `consent-${decision.kind}`, consent: nameOf(decision.by) },
  );
}

/** As in every entry that rests on one. */
const nameOf = ({ id, version }: Consent): string => `${id}#${version}`;

async function erasePatient(
  context: CommandContext,
  options: { readonly reason: string; readonly yes?: boolean },
  patient: string,
): Promise<Answer> {
  const id = required('<patient>', parsePatientId(patient), ID_EXPECTED);
  const reason = required(
    '--reason',
    /^[^\p{C}]{3,500}$/u.test(options.reason) ? options.reason : undefined,
    'expected 3 to 500 printable characters',
  );
  if (options.yes !== true) throw new Misuse('--yes', 'this cannot be undone; say --yes to do it');
  const { PostgresErasures } = await import('../../adapters/postgres/erasures.ts');
  return withExistingData(context, async ({ registry, keys, database }) => {
    if ((await registry.findPatient(id)) === undefined) throw new Refusal(`<patient>: there is no patient ${id}`);
    const subject = subjectOf(id);
    const erasures = new PostgresErasures(database);
    const before = await keys.store.find(subject);
    await erasures.begin({ subject, atMs: context.now(), by: 'the command line', reason });
    const { atMs } = await keys.subjects.erase(subject);
    const { notes, refusedReadings } = await erasures.clear(id);
    // The proof is not that we say so: the key is asked for again, from its store.
    const isGone = (await keys.subjects.forOpening(subject)) === undefined;
    const erasedAt = new Date(atMs).toISOString();
    return {
      json: { patient: id, subject, erasedAt, keyIsGone: isGone, sealedNotes: notes, refusedReadings },
      text: `The key of ${id} was destroyed at ${erasedAt}. Name, record number and ${notes} notes cannot be opened any more, here or in any backup. What ${refusedReadings} refused readings brought was taken out here. Measurements stay under the bare id.`,
      ...(!isGone && { failed: true }),
      // So that it can be proved: "erasure-proof" hands out this entry with its hashes up to a signed head.
      audited: {
        keyIsGone: isGone,
        erasedAt,
        sealedNotes: notes,
        refusedReadings,
        ...(before?.kind === 'kept' && { wrappedKeySha256: hash('sha256', before.key.bytes) }),
      },
    };
  });
}
