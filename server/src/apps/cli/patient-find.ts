import type { Command } from 'commander';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import { type Answer, addCommand, type CommandContext, Misuse, withExistingData } from './command.ts';
import { firstLineOf } from './password-prompt.ts';

/** `healthsync patient find`: who has a record number, for whoever has a letter in hand and needs the id. */
export function registerPatientFind(patients: Command, context: CommandContext): void {
  addCommand<[], object>(
    patients,
    {
      usage: 'find',
      description: 'id and bed of whoever has the record number on stdin; case, spaces and dashes do not count',
      run: findPatient,
    },
    context,
  );
}

/** By stdin, because arguments are seen by every user of the machine and stay in the shell's history. */
async function findPatient(context: CommandContext): Promise<Answer> {
  const mrn = await firstLineOf(context.stdin ?? process.stdin);
  if (!/^[^\p{C}]{1,64}$/u.test(mrn)) throw new Misuse('stdin', 'expected a record number of 1 to 64 characters');
  return withExistingData(context, async ({ registry }) => {
    const found = await registry.patientsByMrn(mrn);
    const places = new Map((await registry.snapshot()).patients.map((place) => [place.id, place]));
    const shown = found.map(({ id, tenantId = DEFAULT_TENANT }) => {
      const place = places.get(id);
      return { id, organisation: tenantId, ward: place?.wardId ?? null, bed: place?.bed ?? null };
    });
    const lines = shown.map(({ id, organisation, ward, bed }) =>
      [id.padEnd(24), organisation.padEnd(12), (ward ?? '-').padEnd(12), bed ?? '-'].join(' '),
    );
    const [first] = found;
    return {
      json: { patients: shown },
      text: lines.join('\n') || 'No patient has that record number.',
      failed: first === undefined,
      audited: { found: found.length, ...(found.length > 1 && { patients: found.map(({ id }) => id).join(' ') }) },
      ...(first !== undefined && { patientId: first.id }),
    };
  });
}
