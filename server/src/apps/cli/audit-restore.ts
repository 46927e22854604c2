import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import { type FoundRestore, findRestore, type RestoreOutcome } from '../../audit/accept-restore.ts';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { evidenceOfStore } from '../../audit/evidence.ts';
import { openTreeHeadKey, type TreeHeadKey } from '../../audit/tree-head-key.ts';
import { type AuditVerdict, verifyAudit } from '../../audit/verify.ts';
import { parseNote } from '../../domain/audit-head.ts';
import { restoreEntry } from '../../domain/audit-restore.ts';
import { anchorsOf, readAnchors, readableAnchors } from '../audit-anchors.ts';
import type { Settings } from '../settings.ts';
import { answerOf, collect, findingLine, givenHeads } from './audit-evidence.ts';
import { shellActor } from './audited-command.ts';
import { type Answer, addCommand, type CommandContext, Refusal, required, withExistingData } from './command.ts';

interface AcceptOptions {
  readonly reason: string;
  readonly anchor?: readonly string[];
  readonly yes?: boolean;
}

/** `healthsync audit accept-restore`: that the database came back from a backup was meant. */
export function registerAuditRestore(audit: Command, context: CommandContext): void {
  addCommand<[], AcceptOptions>(
    audit,
    {
      usage: 'accept-restore',
      description: 'say that the database came back from a backup on purpose: shows what is lost; --yes signs that',
      configure: (command) =>
        command
          .requiredOption('--reason <text>', 'why; no patient data, it stays in the log')
          .option('--anchor <path>', 'a signed tree head, or a folder of them, that was kept elsewhere', collect)
          .option('--yes', 'it was meant: written into the log, and signed'),
      run: acceptRestore,
    },
    context,
  );
}

async function acceptRestore(context: CommandContext, options: AcceptOptions): Promise<Answer> {
  const reason = required(
    '--reason',
    /^[^\p{C}]{3,200}$/u.test(options.reason.trim()) ? options.reason.trim() : undefined,
    'expected 3 to 200 printable characters',
  );
  const given = await givenHeads(options.anchor ?? []);
  const settings = context.settings();
  return withExistingData(context, async ({ database }) => {
    const store = new PostgresAuditStore(database);
    const key = await openTreeHeadKey(join(settings.dataFolder, 'audit', 'signing-key.pem'));
    const places = await readAnchors(await readableAnchors(settings));
    // What is not known to be lost would be accepted unseen.
    for (const { name } of places.unread)
      throw new Refusal(`the tree heads in "${name}" cannot be read: what is lost is not known`);
    const anchored = [...given, ...places.heads];
    const by = shellActor().name;
    const keys = [key.publicKey];
    const outcome = await findRestore({ store, keys, anchored, by, reason, now: context.now });
    if (outcome.kind !== 'found') return notFound(outcome);
    const shown = outcome.restores.flatMap((restore) => linesOf(restore, outcome.size));
    if (options.yes !== true) {
      const text = [...shown, 'Nothing was accepted. If this was meant: the same once more with --yes.'].join('\n');
      return { json: { accepted: false, restores: outcome.restores }, text, failed: true };
    }
    const { kept, notKept } = await accept({ settings, store, key, context }, outcome.restores);
    const verdict = await verifyAudit(await evidenceOfStore(store, { anchored: [...anchored, ...kept] }), { keys });
    const atMs = context.now();
    await store.setLastCheck({ atMs, size: verdict.size, findings: verdict.findingsTotal, wholeAtMs: atMs });
    return answered(verdict, { shown, restores: outcome.restores, notKept });
  });
}

/** Written, signed, and brought to every place that keeps heads, at once: from now on that it was accepted cannot go. */
async function accept(
  parts: {
    readonly settings: Settings;
    readonly store: PostgresAuditStore;
    readonly key: TreeHeadKey;
    readonly context: CommandContext;
  },
  restores: readonly FoundRestore[],
): Promise<{ readonly kept: readonly string[]; readonly notKept: readonly string[] }> {
  const { settings, store, key, context } = parts;
  const { now } = context;
  const writer = await openAuditWriter({ store, key, now, originIfNew: restores[0]?.origin ?? '' });
  const correlationId = randomUUID();
  try {
    const entries = restores.map((restore) =>
      restoreEntry(restore, { actor: shellActor(), correlationId, signature: key.signRestore(restore) }),
    );
    await writer.append(entries);
    const note = writer.ownHead() ?? '';
    const { size = 0, signedAtMs = 0 } = parseNote(note)?.head ?? {};
    const notKept: string[] = [];
    for (const anchor of await anchorsOf(settings, now))
      await anchor.keep({ size, signedAtMs, note }).catch(() => void notKept.push(anchor.name));
    return { kept: [note], notKept };
  } finally {
    await writer.close();
  }
}

function answered(
  verdict: AuditVerdict,
  {
    shown,
    restores,
    notKept,
  }: { readonly shown: readonly string[]; restores: readonly FoundRestore[]; notKept: readonly string[] },
): Answer {
  const { text, failed } = answerOf(verdict);
  const unkept = notKept.map((name) => `NOT KEPT at "${name}" yet: the server goes on trying. See to that place.`);
  const lost = restores.reduce((sum, { lostSize, restoredSize }) => sum + lostSize - restoredSize, 0);
  return {
    json: { accepted: true, restores, notKept, verdict },
    text: [...shown, 'Accepted.', ...unkept, text].join('\n'),
    failed: failed === true || notKept.length > 0,
    audited: { lost, findings: verdict.findingsTotal, notKept: notKept.length },
  };
}

function notFound(outcome: Exclude<RestoreOutcome, { kind: 'found' }>): Answer {
  if (outcome.kind === 'nothing-lost')
    throw new Refusal('everything that was signed is here, or was accepted: there is nothing to accept');
  if (outcome.kind === 'clock-behind') {
    const until = new Date(outcome.untilMs).toISOString();
    throw new Refusal(
      `a head that is lost was signed at ${until}, and this clock is not there yet: set it right, or wait`,
    );
  }
  const { verdict, unexplained } = outcome;
  const first = unexplained[0];
  return {
    json: { accepted: false, restores: [], verdict },
    text: [
      'NOT A RESTORE: more is wrong than that a backup came back. Nothing was accepted.',
      ...(first === undefined
        ? []
        : [`${unexplained.length} heads were signed for entries that should be here, the first for ${first.size}.`]),
      ...verdict.findings.map(findingLine),
    ].join('\n'),
    failed: true,
    audited: { findings: verdict.findingsTotal },
  };
}

function linesOf(restore: FoundRestore, size: number): readonly string[] {
  const { restoredSize, lostSize, lostHeads, lostUntilMs, backupAtMs, provedSize } = restore;
  const backupAt = backupAtMs === undefined ? '(deleted after its retention)' : new Date(backupAtMs).toISOString();
  const lostUntil = new Date(lostUntilMs).toISOString();
  return [
    `Came back: entries 0 to ${restoredSize - 1}, the last of them written at ${backupAt}. Is that the backup you restored?`,
    `Lost: ${lostSize - restoredSize} entries (${restoredSize} to ${lostSize - 1}), written after that and until ${lostUntil}, known by ${lostHeads} tree heads. What they said only an export or the security system knows.`,
    `Written since: ${size - restoredSize} entries.`,
    provedSize >= restoredSize
      ? 'All that came back is proved by heads of before.'
      : `Heads of before prove entries 0 to ${provedSize - 1}; of ${provedSize} to ${restoredSize - 1} only the backup itself says so.`,
  ];
}
