import { Command } from 'commander';
import { createContext, EXIT, report } from './cli/command.ts';
import { register as registerDevice } from './cli/device.ts';
import { register as registerDoctor } from './cli/doctor.ts';
import { register as registerPlace } from './cli/place.ts';
import { register as registerRejected } from './cli/rejected.ts';
import { register as registerReplay } from './cli/replay.ts';
import { register as registerSimulate } from './cli/simulate.ts';
import { register as registerStart } from './cli/start.ts';
import { register as registerUser } from './cli/user.ts';

/** The command line. Each command is a file in `cli/` that registers itself. */
const context = createContext();
const program = new Command('healthsync')
  .description('Real-time patient monitoring. Settings are environment variables: docs/configuration.md.')
  .version('0.1.0')
  .exitOverride() // errors are reported below, in one form
  .configureOutput({ outputError: () => undefined })
  .addHelpText(
    'after',
    `\nExit codes: ${EXIT.done} done, ${EXIT.failed} could not be done, ${EXIT.misuse} asked for wrongly.`,
  );

for (const register of [
  registerStart,
  registerDevice,
  registerPlace,
  registerUser,
  registerRejected,
  registerSimulate,
  registerReplay,
  registerDoctor,
])
  register(program, context);

// `healthsync device list | head` closes the pipe early: that is not our failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, context, process.argv.includes('--json'));
}
