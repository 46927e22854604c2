import type { Command } from 'commander';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import type { LegalHold } from '../../ports/audit-store.ts';
import { type Answer, addCommand, type CommandContext, Misuse, Refusal, required, withData } from './command.ts';

/** `healthsync audit hold …`: entries that must not be deleted although their retention is over. */
export function registerAuditHolds(audit: Command, context: CommandContext): void {
  const holds = audit.command('hold').description('keep entries beyond their retention');
  addCommand<[], PlaceOptions>(
    holds,
    {
      usage: 'place',
      description: 'keep everything about a patient, or everything a person did, until it is released',
      configure: (command) =>
        command
          .option('--patient <id>', 'everything about this patient')
          .option('--person <name>', 'everything this person did, by sign-in name or id')
          .requiredOption('--reason <text>', 'why; no patient data')
          .requiredOption('--by <name>', 'who orders it'),
      run: place,
    },
    context,
  );
  addCommand<[string], { readonly by: string }>(
    holds,
    {
      usage: 'release <id>',
      description: 'end it; what is old by then is deleted',
      configure: (command) => command.requiredOption('--by <name>', 'who orders it'),
      run: release,
    },
    context,
  );
  addCommand<[], object>(
    holds,
    { usage: 'list', description: 'all of them, those that hold first', run: list },
    context,
  );
}

interface PlaceOptions {
  readonly patient?: string;
  readonly person?: string;
  readonly reason: string;
  readonly by: string;
}

async function place(context: CommandContext, { patient, person, reason, by }: PlaceOptions): Promise<Answer> {
  if ((patient === undefined) === (person === undefined))
    throw new Misuse('--patient', 'expected either --patient or --person');
  const subject = patient ?? person ?? '';
  for (const [option, text] of Object.entries({ '--reason': reason, '--by': by, '--patient': subject }))
    required(option, text.trim() !== '' && text.length <= 200 ? text : undefined, 'expected 1 to 200 characters');
  return withData(context, async ({ database }) => {
    const kind = patient === undefined ? 'person' : 'patient';
    const hold = await new PostgresAuditStore(database).placeHold({
      kind,
      subject,
      reason,
      placedBy: by,
      placedAtMs: context.now(),
    });
    return { json: shown(hold), text: `${hold.id}: entries of ${kind} ${subject} are kept until this is released.` };
  });
}

async function release(context: CommandContext, { by }: { readonly by: string }, id: string): Promise<Answer> {
  return withData(context, async ({ database }) => {
    const isReleased = await new PostgresAuditStore(database).releaseHold(id, by, context.now());
    if (!isReleased) throw new Refusal('<id>: there is no such hold');
    return { json: { id, released: true }, text: `${id} is released.` };
  });
}

async function list(context: CommandContext): Promise<Answer> {
  return withData(context, async ({ database }) => {
    const holds = (await new PostgresAuditStore(database).holds()).map(shown);
    const lines = holds.map(
      ({ id, kind, subject, reason, releasedAt }) =>
        `${id} ${kind} ${subject}: ${reason}${releasedAt === undefined ? '' : ` (released ${releasedAt})`}`,
    );
    return { json: { holds }, text: lines.length === 0 ? 'None.' : lines.join('\n') };
  });
}

function shown({ placedAtMs, releasedAtMs, ...hold }: LegalHold) {
  return {
    ...hold,
    placedAt: new Date(placedAtMs).toISOString(),
    ...(releasedAtMs !== undefined && { releasedAt: new Date(releasedAtMs).toISOString() }),
  };
}
