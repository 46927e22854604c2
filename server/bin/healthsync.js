#!/usr/bin/env node
// The only file that any Node from 20 on must be able to run: it hands over to one that can run TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

// Before the first line of TypeScript is read: where all of it was compiled before, the compiler itself is not loaded.
// Why there: `main.ts`. What is older has no such cache, and is handed over below.
module.enableCompileCache?.(fileURLToPath(new URL('../../node_modules/.cache/healthsync', import.meta.url)));

const main = new URL('../src/apps/main.ts', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) await import(main.href);
else handOver(fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url)));

function handOver(node) {
  if (!existsSync(node)) {
    process.stderr.write(
      `healthsync: Node ${process.versions.node} cannot run it, and npm has no Node for this platform; install Node 22.18 or newer.\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('error', (error) => {
    process.stderr.write(`healthsync: ${node} cannot be run (${error.code}).\n`);
    process.exit(1);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
