import type { Command } from 'commander';
import type { Alarm } from '../../domain/alarm.ts';
import { type AlarmId, parseAlarmId, parsePatientId, parseWardId } from '../../domain/ids.ts';
import { parseUserName } from '../../identity/users.ts';
import { callServer, parsed } from './call-server.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withExistingData,
} from './command.ts';

/** `healthsync alarm …`: which there are, what happened to one, and taking one. */
export function register(program: Command, context: CommandContext): void {
  const alarms = program.command('alarm').description('alarms, without names and without what people wrote');
  addCommand<[], ListOptions>(
    alarms,
    {
      usage: 'list',
      description: 'open alarms, what calls for somebody first',
      configure: (command) =>
        command
          .option('--ward <id>', 'only of patients who lie there now')
          .option('--patient <id>', 'only of this patient')
          .option('--unacknowledged', 'only those that nobody has')
          .option('--all', 'those that are over as well, newest first')
          .option('--limit <n>', 'at most this many, up to 1000', '50'),
      run: list,
    },
    context,
  );
  addCommand<[string], object>(
    alarms,
    { usage: 'show <alarm>', description: 'one alarm, and everything that happened to it', run: show },
    context,
  );
  addCommand<[string], { readonly as: string }>(
    alarms,
    {
      usage: 'acknowledge <alarm>',
      description: 'take it for a person, through the running server',
      configure: (command) => command.requiredOption('--as <name>', 'the sign-in name of who takes it'),
      run: acknowledge,
    },
    context,
  );
}

interface ListOptions {
  readonly ward?: string;
  readonly patient?: string;
  readonly unacknowledged?: boolean;
  readonly all?: boolean;
  readonly limit: string;
}

async function list(context: CommandContext, options: ListOptions): Promise<Answer> {
  const wardId = options.ward === undefined ? undefined : required('--ward', parseWardId(options.ward), ID_EXPECTED);
  const patientId =
    options.patient === undefined ? undefined : required('--patient', parsePatientId(options.patient), ID_EXPECTED);
  const wanted = /^\d{1,4}$/.test(options.limit) ? Number(options.limit) : 0;
  const isWithin = wanted >= 1 && wanted <= 1_000;
  const limit = required('--limit', isWithin ? wanted : undefined, 'expected a whole number from 1 to 1000');
  return withExistingData(context, async ({ alarms }) => {
    const found = await alarms.list({
      limit,
      ...(options.all === true ? { order: 'newest' } : { order: 'worklist', open: true }),
      ...(wardId !== undefined && { wardIds: [wardId] }),
      ...(patientId !== undefined && { patientId }),
      ...(options.unacknowledged === true && { unacknowledged: true }),
    });
    return { json: { alarms: found.map(shown) }, text: found.map(line).join('\n') || 'None.' };
  });
}

async function show(context: CommandContext, _: object, text: string): Promise<Answer> {
  const id = alarmId(text);
  return withExistingData(context, async ({ alarms }) => {
    const alarm = await alarms.find(id);
    if (alarm === undefined) throw new Misuse('<alarm>', 'there is no such alarm');
    const history = (await alarms.history(id)).map(({ atMs, kind, ...more }) => ({
      at: new Date(atMs).toISOString(),
      change: kind,
      ...more,
    }));
    const lines = history.map(({ at, change, by, text: what }) =>
      [at, change.padEnd(24), by ?? '', what ?? ''].join(' ').trimEnd(),
    );
    return { json: { alarm: shown(alarm), history }, text: [line(alarm), ...lines].join('\n') };
  });
}

async function acknowledge(context: CommandContext, options: { readonly as: string }, text: string): Promise<Answer> {
  const id = alarmId(text);
  const name = required('--as', parseUserName(options.as), 'expected a sign-in name');
  const settings = context.settings();
  return withExistingData(context, async ({ accounts }) => {
    const user = await accounts.findUser(name);
    if (user === undefined || user.disabledAtMs !== undefined) throw new Misuse('--as', 'there is no such account');
    const reply = await callServer(context, settings, accounts, { path: `/api/alerts/${id}/acknowledge`, as: user });
    const answer = parsed(reply.body) as { readonly owner?: string; readonly code?: string; readonly detail?: string };
    if (reply.status === 200) return { json: answer, text: `${id}: ${answer.owner} has it.` };
    if (reply.status === 404) throw new Misuse('<alarm>', 'there is no such alarm, or not theirs to see');
    if (reply.status !== 409) throw new Refusal(answer.detail ?? `the server answered ${reply.status}`);
    return { json: answer, text: `${id}: ${answer.detail ?? answer.code}`, failed: true };
  });
}

function alarmId(text: string): AlarmId {
  return required('<alarm>', parseAlarmId(text), 'expected an id that "alarm list" shows');
}

/** Scripts read these fields. */
function shown(alarm: Alarm) {
  const { id, patientId, wardId, bedId, rule, kind, priority, state, condition } = alarm;
  const { acknowledgedAtMs, acknowledgedBy, owner, snoozedUntilMs, escalationStep } = alarm;
  return {
    id,
    patient: patientId,
    ward: wardId ?? null,
    bed: bedId ?? null,
    rule,
    kind,
    priority,
    state,
    condition,
    raisedAt: new Date(alarm.raisedAtMs).toISOString(),
    acknowledgedAt: acknowledgedAtMs === undefined ? null : new Date(acknowledgedAtMs).toISOString(),
    acknowledgedBy: acknowledgedBy ?? null,
    owner: owner ?? null,
    snoozedUntil: snoozedUntilMs === undefined ? null : new Date(snoozedUntilMs).toISOString(),
    escalatedTo: escalationStep ?? null,
  };
}

function line(alarm: Alarm): string {
  const who =
    alarm.state === 'resolved'
      ? 'over'
      : alarm.acknowledgedAtMs !== undefined
        ? `${alarm.owner ?? alarm.acknowledgedBy} has it`
        : 'nobody has it';
  const silenced =
    alarm.snoozedUntilMs === undefined ? '' : `, snoozed until ${new Date(alarm.snoozedUntilMs).toISOString()}`;
  const ended = alarm.condition === 'ended' && alarm.state === 'active' ? ', condition over' : '';
  const raisedAt = new Date(alarm.raisedAtMs).toISOString();
  return `${alarm.id} ${raisedAt} ${alarm.priority.padEnd(6)} ${(alarm.bedId ?? '-').padEnd(12)} ${alarm.rule} ${who}${ended}${silenced}`;
}
