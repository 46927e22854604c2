import type { Command } from 'commander';
import { scriptUser } from '../../identity/users.ts';
import { callServer, parsed } from './call-server.ts';
import { type Answer, addCommand, type CommandContext, Refusal, withExistingData } from './command.ts';

/** `healthsync demo …`: what the people of the demo are told. */
export function register(program: Command, context: CommandContext): void {
  const demo = program.command('demo').description('the demo’s people');
  addCommand<[], object>(
    demo,
    { usage: 'mail', description: 'what they were told, by the running demo’s own mailbox; newest first', run: mail },
    context,
  );
}

interface Mail {
  readonly at: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

async function mail(context: CommandContext): Promise<Answer> {
  const settings = context.settings();
  return withExistingData(context, async ({ accounts }) => {
    const reply = await callServer(context, settings, accounts, {
      method: 'GET',
      path: '/api/demo/mail',
      as: await scriptUser(accounts, 'operator'),
    });
    if (reply.status !== 200) throw new Refusal('the server runs without the demo: HEALTHSYNC_DEMO=1 starts it');
    const { mails = [] } = parsed(reply.body) as { readonly mails?: readonly Mail[] };
    const lines = mails.map(
      ({ at, to, subject, text }) => `${at}  ${to.join(', ')}  ${subject}\n    ${text.replaceAll(/\r?\n/g, '\n    ')}`,
    );
    return { json: { mails }, text: lines.join('\n\n') || 'Nothing yet.' };
  });
}
