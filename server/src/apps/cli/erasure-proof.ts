import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parsePatientId } from '../../domain/ids.ts';
import { subjectOf } from '../../keys/patient-seal.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Refusal,
  required,
  withExistingData,
} from './command.ts';

interface ProofOptions {
  readonly out: string;
  readonly copy?: readonly string[];
}

/** `healthsync patient erasure-proof`: what was done when a patient was forgotten, for whoever has to be shown it. */
export function registerErasureProof(patients: Command, context: CommandContext): void {
  addCommand<[string], ProofOptions>(
    patients,
    {
      usage: 'erasure-proof <patient>',
      description: 'prove that the key of a patient was destroyed: the signed entry of it, in a file of its own',
      configure: (command) =>
        command
          .requiredOption('--out <file>', 'the file to make; "audit check-proof" checks it without an installation')
          .option('--copy <file>', 'a copy of keys/subject-keys.sqlite: whether the key still lies there', collect),
      run: proveErasure,
    },
    context,
  );
}

/** Three things: that it was done and when, as it was signed; that the key is gone now; and from which copies it is not. */
async function proveErasure(context: CommandContext, options: ProofOptions, patient: string): Promise<Answer> {
  const id = required('<patient>', parsePatientId(patient), ID_EXPECTED);
  const [{ PostgresAuditStore }, { proofText, proveInclusion }, { copyHoldsKey }] = await Promise.all([
    import('../../adapters/postgres/audit-store.ts'),
    import('../../audit/proofs.ts'),
    import('../../adapters/embedded/local-subject-keys.ts'),
  ]);
  return withExistingData(context, async ({ keys, database }) => {
    const store = new PostgresAuditStore(database);
    // A first attempt may have been interrupted: the one that says that the key is gone counts.
    const entries = await store.search({ patientId: id, action: 'command.patient.erase', limit: ENTRIES_MAX });
    const done = entries.find(({ detail }) => detail?.['keyIsGone'] === true);
    if (done === undefined) throw new Refusal(`<patient>: no erasure of ${id} is on record`);
    const proof = await proveInclusion(store, done.position);
    if (proof === undefined) throw new Refusal(`<patient>: nothing is left of entry ${done.position}`);
    const subject = subjectOf(id);
    const keyIsGone = (await keys.store.find(subject))?.kind !== 'kept';
    const copiesWithKey = (options.copy ?? []).filter((path) => copyHoldsKey(path, subject));
    await writeFile(options.out, proofText(proof), { flag: 'wx', mode: 0o600 });
    const lines = [
      `Entry ${done.position} says so, with its hashes up to a signed head: ${options.out}`,
      keyIsGone
        ? 'The key is in the store no more.'
        : 'THE KEY IS IN THE STORE: start the server, which erases it again.',
      ...copiesWithKey.map((path) => `THE KEY IS STILL IN ${path}: destroy this copy.`),
    ];
    return {
      json: { patient: id, position: done.position, file: options.out, keyIsGone, copiesWithKey },
      text: lines.join('\n'),
      failed: !keyIsGone || copiesWithKey.length > 0,
    };
  });
}

/** Of one patient there is one, and some attempts. */
const ENTRIES_MAX = 100;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
