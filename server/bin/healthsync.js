#!/usr/bin/env node
// The only file that any Node from 20 on must be able to run: it hands over to one that can run TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { availableParallelism, constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * mallopt(3): blocks from 24 KiB on are given back when they are free (no connection holds one so large), and of the rest
 * what is above 128 KiB.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '24576', MALLOC_TRIM_THRESHOLD_: '131072' };
const POOL = '--v8-pool-size';
/** Threads of V8, of which Node has four: one processor is left to the devices while V8 looks through its memory. */
const HELPERS = `${POOL}=${Math.max(1, Math.min(4, availableParallelism() - 1))}`;

// Before the first line of TypeScript is read: where all of it was compiled before, the compiler itself is not loaded.
// Why there: `main.ts`. What is older has no such cache, and is handed over below.
module.enableCompileCache?.(fileURLToPath(new URL('../../node_modules/.cache/healthsync', import.meta.url)));

if (process.argv[2] === 'start') beginLean();

const main = new URL('../src/apps/main.ts', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) await import(main.href);
else handOver(fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url)));

/**
 * Begins again as the same process, as only a process that begins can be told how to treat its memory: loading the program
 * takes some 30 MiB for a moment, which glibc would keep for ever, and on two processors four threads that look for
 * garbage hold up everybody else for a tenth of a second. What somebody has set stays.
 */
function beginLean() {
  const isSaid = Object.keys(ALLOCATOR).every((name) => name in process.env);
  // Also where glibc has taken the variables away again, as it does from a program with capabilities: else without end.
  const isChosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) => text.includes(POOL));
  if (isSaid || isChosen || process.platform === 'win32' || process.execve === undefined) return;
  const args = [process.execPath, HELPERS, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...ALLOCATOR, ...process.env });
}

function handOver(node) {
  if (!existsSync(node)) {
    process.stderr.write(
      `healthsync: Node ${process.versions.node} cannot run it, and npm has no Node for this platform; install Node 22.18 or newer.\n`,
    );
    process.exit(1);
  }
  const env = { ...ALLOCATOR, ...process.env };
  const child = spawn(node, [HELPERS, fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit', env });
  child.on('error', (error) => {
    process.stderr.write(`healthsync: ${node} cannot be run (${error.code}).\n`);
    process.exit(1);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
