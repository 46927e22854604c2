import type { Command } from 'commander';
import type { EscalationWorld } from '../../domain/escalation.ts';
import { parseRotaId } from '../../domain/ids.ts';
import { onCallAt, rotaSpans } from '../../domain/rota.ts';
import { rotaWarnings } from '../../domain/rota-check.ts';
import { localTime } from '../../domain/zoned-time.ts';
import type { KeptOverride, KeptRota } from '../../ports/rotas.ts';
import type { OpenData } from '../open-data.ts';
import { type OpenStaff, openStaff } from '../open-staff.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  required,
  withExistingData,
} from './command.ts';

/** `healthsync rota …`: who is on call, and where nobody is. */
export function register(program: Command, context: CommandContext): void {
  const rotas = program.command('rota').description('who is on call');
  addCommand<[], ShowOptions>(
    rotas,
    { usage: 'show', description: 'who is on call now and in the days to come', configure: options, run: show },
    context,
  );
  addCommand<[], ShowOptions>(
    rotas,
    {
      usage: 'gaps',
      description: 'where nobody is on call, or somebody nobody can reach; exit code 1 where there is any',
      configure: options,
      run: gaps,
    },
    context,
  );
}

interface ShowOptions {
  readonly rota?: string;
  readonly days: string;
}

function options(command: Command): Command {
  return command.option('--rota <id>', 'only this one').option('--days <n>', 'how far ahead, up to 366 days', '14');
}

async function show(context: CommandContext, asked: ShowOptions): Promise<Answer> {
  return withRotas(context, asked, ({ found, period, world }) => {
    const nameOf = (userId: string) => world.people.get(userId as never)?.displayName ?? userId;
    const shown = found.map(({ rota, overrides }) => ({
      rota: rota.id,
      name: rota.name,
      zone: rota.zone,
      now: onCallAt(rota, overrides, period.fromMs).map((each) => ({
        layer: each.layer,
        by: each.by,
        ...('userId' in each && { user: nameOf(each.userId) }),
        ...(each.untilMs !== undefined && { until: iso(each.untilMs) }),
      })),
      spans: rotaSpans(rota, overrides, period).map((span) => ({
        layer: span.layer,
        by: span.by,
        ...(span.by !== 'nobody' && { user: nameOf(span.userId) }),
        from: iso(span.fromMs),
        to: iso(span.toMs),
      })),
    }));
    const lines = shown.flatMap(({ rota, name, zone, spans }) => [
      `${name} (${rota}), times of ${zone}`,
      ...spans.map(({ layer, by, user, from, to }) => {
        const holder = `${user ?? 'NOBODY'}${by === 'override' ? ' (stands in)' : ''}`;
        return `  ${layer.padEnd(12)} ${local(zone, from)} – ${local(zone, to)}  ${holder}`;
      }),
    ]);
    return { json: { rotas: shown }, text: lines.length === 0 ? 'No rotas.' : lines.join('\n') };
  });
}

async function gaps(context: CommandContext, asked: ShowOptions): Promise<Answer> {
  return withRotas(context, asked, ({ found, period, world }) => {
    const people = {
      isKnown: (userId: Parameters<EscalationWorld['people']['has']>[0]) => world.people.has(userId),
      isReachable: (userId: Parameters<EscalationWorld['people']['has']>[0]) => world.contacts.has(userId),
    };
    const warnings = found.flatMap((one) =>
      rotaWarnings(one, people, period, found).map(({ rotaId, fromMs, toMs, ...warning }) => ({
        rota: rotaId,
        ...warning,
        ...(fromMs !== undefined && { from: iso(fromMs) }),
        ...(toMs !== undefined && { to: iso(toMs) }),
      })),
    );
    const lines = warnings.map(
      ({ rota, code, from, to, text }) => `${rota.padEnd(16)} ${code.padEnd(22)} ${from ?? ''} – ${to ?? ''}  ${text}`,
    );
    return {
      json: { warnings },
      text: lines.length === 0 ? 'Nothing is missing.' : lines.join('\n'),
      failed: warnings.length > 0,
    };
  });
}

async function withRotas(
  context: CommandContext,
  { rota, days }: ShowOptions,
  use: (parts: {
    readonly found: readonly { readonly rota: KeptRota; readonly overrides: readonly KeptOverride[] }[];
    readonly period: { readonly fromMs: number; readonly toMs: number };
    readonly world: EscalationWorld;
  }) => Answer,
): Promise<Answer> {
  const id = rota === undefined ? undefined : required('--rota', parseRotaId(rota), ID_EXPECTED);
  const count = /^\d{1,3}$/.test(days) ? Number(days) : 0;
  if (count < 1 || count > 366) throw new Misuse('--days', 'expected a whole number from 1 to 366');
  const settings = context.settings();
  return withExistingData(context, async (data: OpenData) => {
    const staff: OpenStaff = await openStaff(settings, data, context.now);
    const period = { fromMs: context.now(), toMs: context.now() + count * 86_400_000 };
    const [all, overrides, world] = await Promise.all([
      staff.rotas.list(),
      staff.rotas.overrides(period),
      staff.directory.worldOf({}),
    ]);
    if (id !== undefined && !all.some((each) => each.id === id)) throw new Misuse('--rota', `there is no rota ${id}`);
    const found = all
      .filter((each) => id === undefined || each.id === id)
      .map((each) => ({ rota: each, overrides: overrides.filter(({ rotaId }) => rotaId === each.id) }));
    return use({ found, period, world });
  });
}

const iso = (ms: number) => new Date(ms).toISOString();

/** `22 Nov 08:00` as clocks show it there. */
function local(zone: string, text: string): string {
  const { day, minute } = localTime(zone, Date.parse(text));
  const date = new Date(day * 86_400_000).toUTCString().slice(5, 11);
  return `${date} ${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
