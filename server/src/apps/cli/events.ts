import { setTimeout as sleep } from 'node:timers/promises';
import type { AlarmEvent, EventDetail, SecurityAlertEvent } from '@healthsync/contracts/event';
import type { Command } from 'commander';
import { PostgresAlarmEvents } from '../../adapters/postgres/alarm-events.ts';
import { PostgresEventSubscriptions } from '../../adapters/postgres/event-subscriptions.ts';
import { cloudEvent } from '../../events/cloud-event.ts';
import { scriptUser } from '../../identity/users.ts';
import type { EventSubscriptionRecord } from '../../ports/alarm-events.ts';
import { callServer, parsed } from './call-server.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  count,
  Misuse,
  Refusal,
  required,
  withExistingData,
} from './command.ts';

/** `healthsync events …`: what happened to alarms, for other systems, and who is sent it. */
export function register(program: Command, context: CommandContext): void {
  const events = program.command('events').description('what happened to alarms, as other systems are told');
  addCommand<[], ListOptions>(
    events,
    {
      usage: 'list',
      description: 'from a position on, oldest first; without one, the newest',
      configure: (command) =>
        command
          .option('--after <position>', 'only what came after it')
          .option('--limit <n>', 'at most this many, up to 1000', '50')
          .option('--detail <place|patient>', 'patient: with their id', 'place'),
      run: list,
    },
    context,
  );
  addCommand<[], FollowOptions>(
    events,
    {
      usage: 'follow',
      description: 'each as it happens, one line of JSON (CloudEvents) each, until ^C',
      configure: (command) =>
        command
          .option('--after <position>', 'begin there; without it, with the next one')
          .option('--detail <place|patient>', 'patient: with their id', 'place'),
      run: follow,
    },
    context,
  );
  addCommand<[], object>(
    events,
    {
      usage: 'subscriptions',
      description: 'who is sent events, how far each has come, and what fails',
      run: subscriptions,
    },
    context,
  );
  addCommand<[string], ReplayOptions>(
    events,
    {
      usage: 'replay <subscription>',
      description: 'send it again from a position or a time on, through the running server',
      configure: (command) =>
        command
          .option('--after <position>', 'from the event after this one')
          .option('--from <time>', 'or from a moment on, RFC 3339'),
      run: replay,
    },
    context,
  );
}

interface FollowOptions {
  readonly after?: string;
  readonly detail: string;
}
interface ListOptions extends FollowOptions {
  readonly limit: string;
}
interface ReplayOptions {
  readonly after?: string;
  readonly from?: string;
}

async function list(context: CommandContext, options: ListOptions): Promise<Answer> {
  const limit = count('--limit', options.limit, 1_000);
  const detail = detailOf(options.detail);
  const asked = options.after === undefined ? undefined : positionOf(options.after);
  return withExistingData(context, async ({ database }) => {
    const log = new PostgresAlarmEvents(database);
    const after = asked ?? Math.max(0, (await log.head()) - limit);
    const found = (await log.read({ after, limit })).map((event) => cloudEvent(event, detail));
    return { json: { events: found }, text: found.map(line).join('\n') || 'None.' };
  });
}

/** As often as the courier looks. */
const FOLLOW_EVERY_MS = 1_000;
const FOLLOW_AT_ONCE = 500;

async function follow(context: CommandContext, options: FollowOptions): Promise<Answer> {
  const detail = detailOf(options.detail);
  const asked = options.after === undefined ? undefined : positionOf(options.after);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return withExistingData(context, async ({ database }) => {
    const log = new PostgresAlarmEvents(database);
    let after = asked ?? (await log.head());
    while (!stopping.signal.aborted) {
      const found = await log.read({ after, limit: FOLLOW_AT_ONCE });
      for (const event of found) context.print(JSON.stringify(cloudEvent(event, detail)));
      after = found.at(-1)?.position ?? after;
      if (found.length < FOLLOW_AT_ONCE)
        await sleep(FOLLOW_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    return { json: { after }, text: `Up to position ${after}.` };
  });
}

async function subscriptions(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ database, keys }) => {
    const head = await new PostgresAlarmEvents(database).head();
    const shown = (await new PostgresEventSubscriptions(database, keys.houseSeal).list()).map((each) =>
      shownSubscription(each, head),
    );
    const lines = shown.map(
      ({ id, name, host, state, behind, lastFailure }) =>
        `${id} ${name.padEnd(24)} ${host.padEnd(32)} ${state.padEnd(8)} ${behind} behind${lastFailure === undefined ? '' : `, ${lastFailure}`}`,
    );
    return { json: { subscriptions: shown }, text: lines.join('\n') || 'None.' };
  });
}

async function replay(context: CommandContext, { after, from }: ReplayOptions, id: string): Promise<Answer> {
  required(
    '<subscription>',
    /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : undefined,
    'expected an id that "subscriptions" shows',
  );
  if ((after === undefined) === (from === undefined)) throw new Misuse('--after', 'expected either --after or --from');
  const body = after === undefined ? { from } : { after: positionOf(after) };
  const settings = context.settings();
  return withExistingData(context, async ({ accounts }) => {
    const reply = await callServer(context, settings, accounts, {
      path: `/api/event-subscriptions/${id}/replay`,
      as: await scriptUser(accounts, 'operator'),
      body,
    });
    const answer = parsed(reply.body) as { readonly position?: number; readonly detail?: string };
    if (reply.status === 404) throw new Misuse('<subscription>', 'there is no such subscription');
    if (reply.status === 400)
      throw new Misuse(after === undefined ? '--from' : '--after', answer.detail ?? 'not as expected');
    if (reply.status !== 200) throw new Refusal(answer.detail ?? `the server answered ${reply.status}`);
    return { json: answer, text: `${id} is sent what came after position ${answer.position} again.` };
  });
}

function detailOf(text: string): EventDetail {
  if (text !== 'place' && text !== 'patient') throw new Misuse('--detail', 'expected place or patient');
  return text;
}

function positionOf(text: string): number {
  return required('--after', /^\d{1,15}$/.test(text) ? Number(text) : undefined, 'expected a position: a whole number');
}

function line({ sequence, time, type, data }: AlarmEvent | SecurityAlertEvent): string {
  const what = type.replace(/^org\.healthsync\.(?:alarm\.)?(.+)\.v\d+$/, '$1');
  if ('alertId' in data) return `${String(sequence).padStart(8)} ${time} ${what.padEnd(18)} ${data.severity}`;
  const { priority, wardId, bedId } = data;
  return `${String(sequence).padStart(8)} ${time} ${what.padEnd(18)} ${priority.padEnd(6)} ${(wardId ?? '-').padEnd(8)} ${bedId ?? '-'}`;
}

/** Never its secret, nor the whole address, which may hold one. */
function shownSubscription(record: EventSubscriptionRecord, head: number) {
  const { id, name, url, detail, position, isPaused, isRefused, failures, lastFailure } = record;
  const state = isRefused ? 'refused' : isPaused ? 'paused' : failures > 0 ? 'failing' : 'active';
  return {
    id,
    name,
    host: new URL(url).host,
    detail,
    state,
    position,
    behind: Math.max(0, head - position),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}
