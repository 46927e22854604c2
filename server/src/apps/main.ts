import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { type CommandContext, createContext, EXIT, report } from './cli/command.ts';
import { VERSION } from './version.ts';

// A second off every start. Beside the packages, and not in the shared temporary folder, where others could write what
// we would run; where that cannot be written, nothing is kept.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/healthsync'));

/** The command line: each command, and the file in `cli/` that registers it. */
const COMMANDS: Readonly<Record<string, () => Promise<{ register(program: Command, context: CommandContext): void }>>> =
  {
    start: () => import('./cli/start.ts'),
    tenant: () => import('./cli/tenant.ts'),
    device: () => import('./cli/device.ts'),
    patient: () => import('./cli/place.ts'),
    bed: () => import('./cli/place.ts'),
    ward: () => import('./cli/place.ts'),
    user: () => import('./cli/user.ts'),
    token: () => import('./cli/user.ts'),
    alarm: () => import('./cli/alarm.ts'),
    topic: () => import('./cli/telling.ts'),
    contact: () => import('./cli/telling.ts'),
    channel: () => import('./cli/telling.ts'),
    rules: () => import('./cli/rules.ts'),
    events: () => import('./cli/events.ts'),
    demo: () => import('./cli/demo.ts'),
    rota: () => import('./cli/rota.ts'),
    escalation: () => import('./cli/escalation.ts'),
    rejected: () => import('./cli/rejected.ts'),
    audit: () => import('./cli/audit.ts'),
    'leak-scan': () => import('./cli/leak-scan.ts'),
    key: () => import('./cli/key.ts'),
    client: () => import('./cli/client.ts'),
    profile: () => import('./cli/profile.ts'),
    simulate: () => import('./cli/simulate.ts'),
    replay: () => import('./cli/replay.ts'),
    doctor: () => import('./cli/doctor.ts'),
  };

const context = createContext();
const program = new Command('healthsync')
  .description('Real-time patient monitoring. Settings are environment variables: docs/configuration.md.')
  .version(VERSION)
  .exitOverride() // errors are reported below, in one form
  .configureOutput({ outputError: () => undefined })
  .addHelpText(
    'after',
    `\nExit codes: ${EXIT.done} done, ${EXIT.failed} could not be done, ${EXIT.misuse} asked for wrongly.`,
  );

// `healthsync device list | head` closes the pipe early: that is not our failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

try {
  for (const module of await modulesFor(process.argv[2])) module.register(program, context);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, context, process.argv.includes('--json'));
}

/** Only the command that was asked for is loaded, and all of them to show or search the whole list. */
async function modulesFor(asked: string | undefined) {
  const load = asked !== undefined && Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
  const modules = await Promise.all(load === undefined ? Object.values(COMMANDS).map((each) => each()) : [load()]);
  return new Set(modules);
}
