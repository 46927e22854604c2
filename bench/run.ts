/**
 * `npm run bench`: every benchmark, one after the other, each beside the figure it had when its baseline was kept.
 *
 *   npm run bench -- [--only log,history,judge,workflow,gateway,wall,sign-in,requests,access,seal,audit] [--keep]     --keep makes today's figures the baseline
 *
 * Run it on a machine that does nothing else: the figures are medians of a noisy world even then, so compare ratios.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const BENCHES = [
  'log',
  'history',
  'judge',
  'workflow',
  'gateway',
  'wall',
  'sign-in',
  'requests',
  'access',
  'seal',
  'audit',
] as const;
const BASELINES = join(import.meta.dirname, 'baselines.json');

interface Kept {
  readonly at: string;
  readonly machine: string;
  readonly loadAverageBefore: number;
  readonly result: unknown;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, keep: { type: 'boolean' } } });
const chosen = BENCHES.filter((name) => values.only === undefined || values.only.split(',').includes(name));
const baselines: Record<string, Kept> = existsSync(BASELINES) ? JSON.parse(readFileSync(BASELINES, 'utf8')) : {};
for (const name of chosen) {
  const loadAverageBefore = loadavg()[0] ?? 0;
  process.stderr.write(`${name} (load average before: ${loadAverageBefore.toFixed(1)})\n`);
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  if (status !== 0) {
    process.stderr.write(`${name} failed\n`);
    process.exitCode = 1;
    continue;
  }
  const result = resultOf(stdout);
  compare(name, baselines[name]?.result, result);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  if (values.keep === true) baselines[name] = { at: new Date().toISOString(), machine, loadAverageBefore, result };
}
if (values.keep === true) writeFileSync(BASELINES, `${JSON.stringify(baselines, null, 2)}\n`);

/** A bench prints one JSON value; some say a word on lines before it. */
function resultOf(stdout: string): unknown {
  for (let start = 0; start >= 0; start = stdout.indexOf('\n', start + 1)) {
    try {
      return JSON.parse(stdout.slice(start));
    } catch {
      // Not yet at the JSON.
    }
  }
  return stdout.trim().split('\n');
}

/** Every number that both have, as `path: then → now (ratio)`. */
function compare(path: string, then: unknown, now: unknown): void {
  if (typeof now === 'number') {
    const ratio = typeof then === 'number' && then !== 0 ? ` (then ${then}, ×${(now / then).toFixed(2)})` : '';
    process.stdout.write(`${path}: ${now}${ratio}\n`);
    return;
  }
  if (typeof now !== 'object' || now === null) return;
  for (const [key, value] of Object.entries(now))
    compare(`${path}.${key}`, (then as Record<string, unknown> | undefined)?.[key], value);
}
