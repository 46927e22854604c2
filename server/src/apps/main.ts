import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// A second off every start. Beside the packages, and not in the shared temporary folder, where others could write what
// we would run; where that cannot be written, nothing is kept.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/healthsync'));

// Only now, so that they come from there.
const { runCommandLine } = await import('./cli/command-line.ts');
const { createContext, EXIT } = await import('./cli/command.ts');

// `healthsync device list | head` closes the pipe early: that is not our failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

process.exitCode = await runCommandLine(process.argv.slice(2), createContext());
