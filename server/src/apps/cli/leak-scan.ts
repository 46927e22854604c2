import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { LeakHit } from '../../domain/leak.ts';
import { type Answer, addCommand, type CommandContext, withExistingData } from './command.ts';

/** `healthsync leak-scan`: searches files and tables for patients’ names and record numbers. */
export function register(program: Command, context: CommandContext): void {
  addCommand<[], { readonly folder: readonly string[] }>(
    program,
    {
      usage: 'leak-scan',
      description: 'search files and tables for patients’ names and record numbers where none may be',
      configure: (command) =>
        command.option(
          '--folder <path>',
          'also in this folder; may be repeated',
          (path: string, before: readonly string[]) => [...before, path],
          [],
        ),
      run: scan,
    },
    context,
  );
}

async function scan(context: CommandContext, { folder }: { readonly folder: readonly string[] }): Promise<Answer> {
  const settings = context.settings();
  return withExistingData(context, async ({ registry, accounts, keys, database }) => {
    const [{ leakDesk }, { scanForLeaks }, { PostgresStoredTexts }, { PostgresLeakScans }, { PostgresSecurityAlerts }] =
      await Promise.all([
        import('../open-leak-scan.ts'),
        import('../../watching/leak-scan.ts'),
        import('../../adapters/postgres/stored-texts.ts'),
        import('../../adapters/postgres/leak-scans.ts'),
        import('../../adapters/postgres/security-alerts.ts'),
      ]);
    const wanted = { ...settings, leakScanFolders: [...settings.leakScanFolders, ...folder] };
    const desk = leakDesk(wanted, {
      scans: new PostgresLeakScans(database),
      alerts: new PostgresSecurityAlerts(database),
      identities: keys.identities,
      putPatient: (patient) => registry.putPatient(patient),
      patients: () => registry.patients({}),
      users: () => accounts.users(),
      scan: (job) => scanForLeaks(job, { texts: new PostgresStoredTexts(database) }),
      onRaised: () => undefined,
      now: context.now,
    });
    await desk.plant();
    const begun = await desk.begin(randomUUID());
    if (begun === undefined) throw new Error('a search of a name of its own was begun before');
    const outcome = await begun.outcome;
    const { hits, found, files, bytes, tables, rows, leftOut } = outcome;
    return {
      json: outcome,
      text: [
        `${files} files and ${tables} tables (${rows} rows), ${Math.round(bytes / 1024 / 1024)} MB: ${found === 0 ? 'nothing found' : `${found} found`}.`,
        ...hits.map(shown),
        ...leftOut.map((what) => `not looked at: ${what}`),
      ].join('\n'),
      ...(found > 0 && { failed: true }),
    };
  });
}

const WHAT = { canary: 'a made-up patient', name: 'a patient’s name', 'record-number': 'a record number' } as const;

function shown({ place, what, encoding, offset, row, patientId }: LeakHit): string {
  const where = row === undefined ? (offset === undefined ? '' : `, before byte ${offset}`) : `, from row ${row}`;
  return `${place}${where}: ${WHAT[what]}${patientId === undefined ? '' : ` (${patientId})`}, ${encoding}`;
}
