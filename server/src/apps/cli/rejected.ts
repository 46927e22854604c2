import type { Command } from 'commander';
import { scriptUser } from '../../identity/users.ts';
import { callServer, parsed } from './call-server.ts';
import { type Answer, addCommand, type CommandContext, Misuse, required, withExistingData } from './command.ts';

/** `healthsync rejected …`: readings that were refused, and their second chance after a fix. */
export function register(program: Command, context: CommandContext): void {
  const rejected = program.command('rejected').description('readings that were refused');
  addCommand<[], ListOptions>(
    rejected,
    {
      usage: 'list',
      description: 'newest first, with the reason; never the payload, which may hold patient data',
      configure: (command) =>
        command
          .option('--device <id>', 'only of this device')
          .option('--code <code>', 'only with this problem, such as no-assignment')
          .option('--all', 'replayed and dismissed ones as well')
          .option('--limit <n>', 'at most this many, up to 1000', '50'),
      run: list,
    },
    context,
  );
  addCommand<[string], object>(
    rejected,
    {
      usage: 'replay <id>',
      description: 'take it in again, through the running server, as if it had just come',
      run: replay,
    },
    context,
  );
}

interface ListOptions {
  readonly device?: string;
  readonly code?: string;
  readonly all?: boolean;
  readonly limit: string;
}

async function list(context: CommandContext, options: ListOptions): Promise<Answer> {
  const wanted = /^\d{1,4}$/.test(options.limit) ? Number(options.limit) : 0;
  const limit = required(
    '--limit',
    wanted >= 1 && wanted <= 1000 ? wanted : undefined,
    'expected a whole number from 1 to 1000',
  );
  return withExistingData(context, async ({ rejected }) => {
    const found = await rejected.list({
      limit,
      ...(options.device !== undefined && { deviceId: options.device }),
      ...(options.code !== undefined && { code: options.code }),
      ...(options.all === true ? {} : { state: 'open' as const }),
    });
    const shown = found.map(({ id, deviceId, receivedAtMs, source, problems, state }) => ({
      id,
      device: deviceId,
      receivedAt: new Date(receivedAtMs).toISOString(),
      source,
      problems,
      state,
    }));
    const lines = shown.map(({ id, device, receivedAt, problems }) => {
      const reasons = problems.map(({ code, field }) => (field === '' ? code : `${code} (${field})`)).join(', ');
      return `${id.padEnd(8)} ${receivedAt} ${device.padEnd(24)} ${reasons}`;
    });
    return { json: { rejected: shown }, text: lines.length === 0 ? 'None.' : lines.join('\n') };
  });
}

async function replay(context: CommandContext, _: object, id: string): Promise<Answer> {
  required('<id>', /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : undefined, 'expected an id that "rejected list" shows');
  const settings = context.settings();
  return withExistingData(context, async ({ accounts }) => {
    const reply = await callServer(context, settings, accounts, {
      path: `/api/rejected-readings/${id}/replay`,
      as: await scriptUser(accounts, 'operator'),
    });
    if (reply.status === 404) throw new Misuse('<id>', 'there is no such rejected reading');
    const text = `Server: ${reply.status} ${reply.body}`;
    return { json: { status: reply.status, ...parsed(reply.body) }, text, failed: reply.status >= 300 };
  });
}
