import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { type CommandContext, EXIT, report } from './command.ts';

/** The command line: each command, and the file in `cli/` that registers it. */
const COMMANDS: Readonly<Record<string, () => Promise<{ register(program: Command, context: CommandContext): void }>>> =
  {
    start: () => import('./start.ts'),
    tenant: () => import('./tenant.ts'),
    device: () => import('./device.ts'),
    patient: () => import('./place.ts'),
    bed: () => import('./place.ts'),
    ward: () => import('./place.ts'),
    user: () => import('./user.ts'),
    token: () => import('./user.ts'),
    alarm: () => import('./alarm.ts'),
    topic: () => import('./telling.ts'),
    contact: () => import('./telling.ts'),
    channel: () => import('./telling.ts'),
    rules: () => import('./rules.ts'),
    policies: () => import('./policies.ts'),
    events: () => import('./events.ts'),
    demo: () => import('./demo.ts'),
    rota: () => import('./rota.ts'),
    escalation: () => import('./escalation.ts'),
    rejected: () => import('./rejected.ts'),
    audit: () => import('./audit.ts'),
    'leak-scan': () => import('./leak-scan.ts'),
    key: () => import('./key.ts'),
    client: () => import('./client.ts'),
    profile: () => import('./profile.ts'),
    simulate: () => import('./simulate.ts'),
    replay: () => import('./replay.ts'),
    doctor: () => import('./doctor.ts'),
  };

/** Does what the arguments ask for, and answers with the exit code. */
export async function runCommandLine(given: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.done;
  const own: CommandContext = {
    ...context,
    failed: () => {
      code = EXIT.failed;
    },
  };
  const program = new Command('healthsync')
    .description('Real-time patient monitoring. Settings are environment variables: docs/configuration.md.')
    .version(VERSION)
    .exitOverride() // errors are reported below, in one form
    .configureOutput({
      writeOut: (text) => context.print(text.replace(/\n$/, '')),
      outputError: () => undefined,
    })
    .addHelpText(
      'after',
      `\nExit codes: ${EXIT.done} done, ${EXIT.failed} could not be done, ${EXIT.misuse} asked for wrongly.`,
    );
  try {
    for (const module of await modulesFor(given[0])) module.register(program, own);
    await program.parseAsync(given, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, context, given.includes('--json'));
  }
}

/** Only the command that was asked for is loaded, and all of them to show or search the whole list. */
async function modulesFor(asked: string | undefined) {
  const load = asked !== undefined && Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
  const modules = await Promise.all(load === undefined ? Object.values(COMMANDS).map((each) => each()) : [load()]);
  return new Set(modules);
}
