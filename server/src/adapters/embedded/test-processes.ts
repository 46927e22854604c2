import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SocketAddress } from './embedded-postgres.ts';

export interface Holder {
  readonly process: ChildProcess;
  readonly postgresPid: number;
  readonly address: SocketAddress;
}

const SCRIPT = fileURLToPath(new URL('./test-hold-postgres.ts', import.meta.url));

/** Starts a process that holds a data folder; rejects with its standard error if it cannot. */
export async function startHolder(folder: string, script = SCRIPT, ...flags: readonly string[]): Promise<Holder> {
  const child = spawn(process.execPath, [script, folder, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'close').then(() => [undefined]),
  ])) as [string | undefined];
  if (line === undefined) throw new Error(errors);
  return { process: child, ...(JSON.parse(line) as Omit<Holder, 'process'>) };
}

/** The end of power for one process. */
export async function killHard({ process: child }: Holder): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

export async function stopGently({ process: child }: Holder): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
