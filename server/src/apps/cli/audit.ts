import type { KeyObject } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import { type AuditEvidence, evidenceOfStore } from '../../audit/evidence.ts';
import { evidenceOfFile, exportLines } from '../../audit/export-file.ts';
import { holdsInclusion, parseProof, proofText, proveInclusion } from '../../audit/proofs.ts';
import { verifyNote } from '../../audit/tree-head-key.ts';
import { type AuditVerdict, verifyAudit } from '../../audit/verify.ts';
import { readAnchors, readableAnchors } from '../audit-anchors.ts';
import { verifyByProcesses } from '../audit-in-parts.ts';
import { answerOf, collect, givenHeads, readKey, trustedKeys } from './audit-evidence.ts';
import { registerAuditHolds } from './audit-holds.ts';
import { registerAuditRestore } from './audit-restore.ts';
import { type Answer, addCommand, type CommandContext, Misuse, Refusal, required, withData } from './command.ts';

/** `healthsync audit …`: proof of what happened, and of what was not changed since. */
export function register(program: Command, context: CommandContext): void {
  const audit = program
    .command('audit')
    .description('proof of who did what: verify, prove, export, hold, accept a restore');
  addCommand<[], VerifyOptions>(
    audit,
    {
      usage: 'verify',
      description: 'hash every entry anew and compare with everything that was signed; exit code 1 if anything differs',
      configure: (command) =>
        command
          .option('--file <export>', 'an exported file instead of the database; needs no installation')
          .option('--key <pem>', 'the public key to trust, in PEM; the data folder’s own without it')
          .option('--anchor <path>', 'a signed tree head, or a folder of them, that was kept elsewhere', collect)
          .option('--anchors', 'fail unless it could be compared with every place that keeps tree heads'),
      run: verify,
    },
    context,
  );
  addCommand<[string], { readonly key?: string }>(
    audit,
    {
      usage: 'prove <position>',
      description: 'prove that an entry is in the log that was signed (RFC 6962)',
      configure: (command) =>
        command
          .option('--key <pem>', 'the public key to trust; the data folder’s own without it')
          .option('--out <file>', 'the proof as a file, for "check-proof"'),
      run: prove,
    },
    context,
  );
  addCommand<[string], { readonly key: string }>(
    audit,
    {
      usage: 'check-proof <file>',
      description: 'check a proof that "audit prove" or "patient erasure-proof" wrote; needs no installation',
      configure: (command) => command.requiredOption('--key <pem>', 'the public key to trust, in PEM'),
      run: checkProof,
    },
    context,
  );
  addCommand<[], { readonly out: string; readonly from: string }>(
    audit,
    {
      usage: 'export',
      description: 'write the log to a file that can be verified without the installation',
      configure: (command) =>
        command
          .requiredOption('--out <file>', 'where to; must not be there yet')
          .option('--from <position>', 'from this entry on, or a little before; hashes stand for the rest', '0'),
      run: exportLog,
    },
    context,
  );
  registerAuditRestore(audit, context);
  registerAuditHolds(audit, context);
}

interface VerifyOptions {
  readonly file?: string;
  readonly key?: string;
  readonly anchor?: readonly string[];
  readonly anchors?: boolean;
}

async function verify(context: CommandContext, options: VerifyOptions): Promise<Answer> {
  const given = await givenHeads(options.anchor ?? []);
  if (options.file !== undefined) {
    const keys = options.key === undefined ? [] : [await readKey(options.key)];
    if (keys.length === 0) throw new Misuse('--key', 'a file is believed only with the key of who signed it');
    const evidence = await evidenceOfFile(options.file, { anchored: given });
    if (evidence === undefined) throw new Misuse('--file', 'expected a file that "audit export" wrote');
    return answerOf(await run(context, evidence, keys));
  }
  const settings = context.settings();
  return withData(context, async ({ database }) => {
    const store = new PostgresAuditStore(database);
    const places = await readAnchors(await readableAnchors(settings));
    const anchored = [...given, ...places.heads];
    const keys = await trustedKeys(settings.dataFolder, options.key);
    const verdict =
      (await verifyByProcesses({ store, address: database.address, keys, anchored })) ??
      (await run(context, await evidenceOfStore(store, { anchored }), keys));
    const atMs = context.now();
    // By somebody else's key it may be well, or not: that is nothing to tell the server and its badge.
    if (options.key === undefined)
      await store
        .setLastCheck({ atMs, size: verdict.size, findings: verdict.findingsTotal, wholeAtMs: atMs })
        .catch(() => undefined);
    return withAnchors(answerOf(verdict), places, options.anchors === true);
  });
}

/** With how many heads from outside it was compared; places that could not be read are said, and fail it where asked. */
function withAnchors(answer: Answer, places: Awaited<ReturnType<typeof readAnchors>>, mustRead: boolean): Answer {
  const unread = places.unread.map(({ name }) => name);
  const lines = [
    answer.text,
    `Compared with ${places.heads.length} tree heads that are kept outside the database.`,
    ...unread.map((name) => `NOT COMPARED with "${name}": it could not be read.`),
  ];
  const isUnproved = mustRead && (unread.length > 0 || places.heads.length === 0);
  return {
    json: { ...(answer.json as AuditVerdict), anchoredHeads: places.heads.length, anchorsUnread: unread },
    text: lines.join('\n'),
    failed: answer.failed === true || isUnproved,
    audited: { findings: (answer.json as AuditVerdict).findingsTotal, unread: unread.length },
  };
}

function run({ tell }: CommandContext, evidence: AuditEvidence, keys: readonly KeyObject[]): Promise<AuditVerdict> {
  const isLong = evidence.size > TELL_FROM;
  const onProgress = (position: number) => {
    if (isLong && position % TELL_EVERY === 0) tell(`${position} of ${evidence.size}`);
  };
  return verifyAudit(evidence, { keys, onProgress });
}

/** Less is verified before anybody wonders. */
const TELL_FROM = 2_000_000;
const TELL_EVERY = 1_048_576;

async function prove(
  context: CommandContext,
  options: { readonly key?: string; readonly out?: string },
  text: string,
): Promise<Answer> {
  const position = positionOf('<position>', text);
  return withData(context, async ({ database }) => {
    const keys = await trustedKeys(context.settings().dataFolder, options.key);
    const proof = await proveInclusion(new PostgresAuditStore(database), position);
    if (proof === undefined) throw new Refusal('<position>: there is no such entry, or nothing of it is left');
    const isSigned = verifyNote(proof.head, keys).kind === 'signed';
    const isProved = isSigned && holdsInclusion(proof);
    const said = !isSigned
      ? 'NOT PROVED: the tree head is signed by nobody we trust.'
      : isProved
        ? `Proved: entry ${position} is in the log that was signed.`
        : `NOT PROVED: entry ${position} is not what was signed.`;
    const lines = [
      said,
      proof.entry ?? '(deleted after its retention)',
      `leaf ${proof.leafHash}`,
      ...proof.path,
      proof.head,
    ];
    if (options.out !== undefined) await writeFile(options.out, proofText(proof), { flag: 'wx', mode: 0o600 });
    return { json: { ...proof, isProved }, text: lines.join('\n'), failed: !isProved };
  });
}

/** With the file and the key alone: by whoever it was handed to, years later. */
async function checkProof(_context: CommandContext, options: { readonly key: string }, file: string): Promise<Answer> {
  const proof = parseProof(await readFile(file, 'utf8'));
  if (proof === undefined) throw new Misuse('<file>', 'expected a file that "audit prove --out" wrote');
  const signed = verifyNote(proof.head, [await readKey(options.key)]);
  const isProved = signed.kind === 'signed' && holdsInclusion(proof);
  if (!isProved) return { json: { isProved }, text: 'NOT PROVED: this is not what was signed.', failed: true };
  const { origin, signedAtMs } = signed.note.head;
  const signedAt = new Date(signedAtMs).toISOString();
  const entry: unknown = proof.entry === undefined ? undefined : JSON.parse(proof.entry);
  return {
    json: { isProved, origin, signedAt, position: proof.position, ...(entry !== undefined && { entry }) },
    text: [
      `Proved: entry ${proof.position} was in the log ${origin} when its head was signed at ${signedAt}.`,
      proof.entry ?? '(deleted after its retention)',
    ].join('\n'),
  };
}

async function exportLog(
  context: CommandContext,
  options: { readonly out: string; readonly from: string },
): Promise<Answer> {
  const from = positionOf('--from', options.from);
  return withData(context, async ({ database }) => {
    const evidence = await evidenceOfStore(new PostgresAuditStore(database), { from });
    await pipeline(Readable.from(exportLines(evidence)), createWriteStream(options.out, { flags: 'wx', mode: 0o600 }));
    const { size } = evidence;
    return {
      json: { out: options.out, from: evidence.from, size },
      text: `Entries ${evidence.from} to ${size - 1} are in ${options.out}. Verify it with "healthsync audit verify --file".`,
    };
  });
}

function positionOf(option: string, text: string): number {
  return required(option, /^\d{1,15}$/.test(text) ? Number(text) : undefined, 'expected the position of an entry');
}
