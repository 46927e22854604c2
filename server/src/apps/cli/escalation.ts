import type { Command } from 'commander';
import type { AlarmKind, Priority } from '../../domain/alarm.ts';
import { parsePatientId } from '../../domain/ids.ts';
import { escalationDefinitions } from '../../escalation/definition-files.ts';
import { previewEscalation } from '../../escalation/preview.ts';
import { escalationTimesOf } from '../escalation-times.ts';
import { openStaff } from '../open-staff.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  required,
  withExistingData,
} from './command.ts';

/** `healthsync escalation …`: who would be told. */
export function register(program: Command, context: CommandContext): void {
  const escalation = program.command('escalation').description('who is told of an alarm, until somebody answers');
  addCommand<[], PreviewOptions>(
    escalation,
    {
      usage: 'preview',
      description: 'who would be told, and when, if an alarm of this patient rang now and nobody answered',
      configure: (command) =>
        command
          .requiredOption('--patient <id>', 'whose alarm')
          .option('--priority <high|medium|low>', 'how urgent', 'high')
          .option('--technical', 'the patient’s data stopped'),
      run: preview,
    },
    context,
  );
}

interface PreviewOptions {
  readonly patient: string;
  readonly priority: string;
  readonly technical?: boolean;
}

const PRIORITIES: readonly Priority[] = ['high', 'medium', 'low'];

async function preview(context: CommandContext, options: PreviewOptions): Promise<Answer> {
  const patientId = required('--patient', parsePatientId(options.patient), ID_EXPECTED);
  const priority = required(
    '--priority',
    PRIORITIES.find((each) => each === options.priority),
    'expected high, medium or low',
  );
  const kind: AlarmKind = options.technical === true ? 'technical' : 'physiological';
  const settings = context.settings();
  return withExistingData(context, async (data) => {
    const place = (await data.registry.snapshot()).patients.find(({ id }) => id === patientId);
    if (place === undefined) throw new Misuse('--patient', `there is no patient ${patientId}`);
    const { wardId, bedId, bed } = place;
    const alarm = {
      patientId,
      priority,
      kind,
      rule: kind === 'technical' ? 'technical.lost' : 'preview',
      ...(wardId !== undefined && { wardId }),
      ...(bedId !== undefined && { bedId }),
      ...(bed !== undefined && { bed }),
    };
    const { directory } = await openStaff(settings, data, context.now);
    const world = await directory.worldOf(alarm);
    const from = { definitions: escalationDefinitions(), times: escalationTimesOf(settings), atMs: context.now() };
    const { definition, steps } = previewEscalation(alarm, world, from);
    const shown = steps.map(({ step, repeat, atMs, untilMs, recipients, warnings }) => ({
      step,
      repeat,
      at: new Date(atMs).toISOString(),
      ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
      // Never the address: it may be a private number.
      recipients: recipients.map(({ userId, channel, why, heldUntilMs }) => ({
        ...(userId !== undefined && { name: world.people.get(userId)?.displayName ?? userId }),
        channel,
        why,
        ...(heldUntilMs !== undefined && { heldUntil: new Date(heldUntilMs).toISOString() }),
      })),
      warnings: warnings.map(({ text }) => text),
    }));
    const lines = shown.flatMap(({ step, at, recipients, warnings }) => [
      `${at}  ${step}${recipients.length === 0 ? ': nobody can be told' : ''}`,
      ...recipients.map(({ name, channel, why, heldUntil }) => {
        const held = heldUntil === undefined ? '' : `, held until ${heldUntil}`;
        return `    ${(name ?? 'the house').padEnd(24)} ${channel.padEnd(12)} ${why}${held}`;
      }),
      ...warnings.map((text) => `    ! ${text}`),
    ]);
    return {
      json: { patient: patientId, priority, definition: definition ?? null, steps: shown },
      text: definition === undefined ? 'Such alarms are not escalated: they wait on the wall.' : lines.join('\n'),
    };
  });
}
