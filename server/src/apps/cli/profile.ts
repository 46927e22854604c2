import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { lintSamples } from '../../domain/lint-samples.ts';
import { readProfile } from '../../vitals/1-ingest/mapping-profiles.ts';
import { type Answer, addCommand, type CommandContext, Misuse } from './command.ts';

/** `healthsync profile lint`: is this mapping profile safe to load, and does it fit what the device really sends? */
export function register(program: Command, context: CommandContext): void {
  const profile = program.command('profile').description("mapping profiles of vendors' own JSON");
  addCommand<[string], LintOptions>(
    profile,
    {
      usage: 'lint <file>',
      description: 'find wrong codes and units, a vital taken for another, paths that lead nowhere',
      configure: (command) =>
        command.option('--samples <file>', 'a JSON array of messages as the device sends them; finds far more'),
      run: lint,
    },
    context,
  );
}

interface LintOptions {
  readonly samples?: string;
}

interface Shown {
  readonly level: 'error' | 'warning';
  readonly message: string;
}

async function lint(_: CommandContext, options: LintOptions, file: string): Promise<Answer> {
  const samples = options.samples === undefined ? [] : await samplesIn(options.samples);
  const read = readProfile(await readFile(file, 'utf8'));
  const findings: readonly Shown[] =
    read.kind === 'refused'
      ? read.errors.map((message) => ({ level: 'error', message }))
      : [...read.warnings, ...lintSamples(read.profile, samples)].map(({ level, at, message }) => ({
          level,
          message: `${at} ${message}`,
        }));
  const lines = findings.map(({ level, message }) => `${level}: ${message}`);
  return {
    json: { findings },
    text: lines.length === 0 ? 'Nothing found.' : lines.join('\n'),
    failed: findings.some(({ level }) => level === 'error'),
  };
}

async function samplesIn(file: string): Promise<readonly unknown[]> {
  const expected = 'expected a file with a JSON array of messages';
  try {
    const samples: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (Array.isArray(samples)) return samples;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Misuse('--samples', expected);
}
