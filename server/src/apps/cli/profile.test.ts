import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES } from '../../vitals/1-ingest/mapping-profiles.ts';
import { type CommandContext, forTerminal } from './command.ts';
import { register } from './profile.ts';

const SAMPLES = join(import.meta.dirname, '../../../../examples/vendor-payloads');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-lint-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function lint(...args: readonly string[]) {
  const printed: string[] = [];
  const context: Partial<CommandContext> = { now: Date.now, print: (text) => printed.push(text), tell: () => {} };
  const program = new Command('healthsync').exitOverride();
  register(program, context as CommandContext);
  await program.parseAsync(['profile', 'lint', ...args], { from: 'user' });
  const code = process.exitCode ?? 0;
  process.exitCode = 0;
  return { printed: printed.join('\n'), code };
}

describe('healthsync profile lint', () => {
  it('passes a profile that fits its samples', async () => {
    const file = join(BUILT_IN_PROFILES, 'fennimore-m5.json');
    expect(await lint(file, '--samples', join(SAMPLES, 'fennimore-m5.json'))).toEqual({
      printed: 'Nothing found.',
      code: 0,
    });
  });

  it('fails one that takes a diastolic for a heart rate', async () => {
    const file = join(folder, 'wrong.json');
    const values = [{ vital: 'heartRate', path: '/o/[n=1]/v', unit: '/min' }];
    const profile = { name: 'x', description: '', id: { path: '/id' }, at: { path: '/at', form: 'rfc3339' }, values };
    await writeFile(file, JSON.stringify(profile));
    const samples = join(folder, 'samples.json');
    const o = [{ n: 1, v: 80, label: 'NIBP Dia' }];
    await writeFile(samples, JSON.stringify([{ id: '1', at: '2026-11-22T01:02:03Z', o }]));
    expect(await lint(file)).toMatchObject({ code: 0 });
    const { printed, code } = await lint(file, '--samples', samples, '--json');
    expect(JSON.parse(printed).findings).toEqual([
      { level: 'error', message: '/values/0/path label beside it speaks of diastolic' },
    ]);
    expect(code).toBe(1);
  });

  it('quotes what a vendor sent, and none of it moves the terminal', async () => {
    const file = join(folder, 'hostile.json');
    await writeFile(file, JSON.stringify({ '\u001b]0;renamed\u0007\u009b2J': 1 }));
    const { printed } = await lint(file, '--json');
    const { printed: text } = await lint(file);
    expect(text).toContain('renamed');
    expect(forTerminal(text)).toContain('\\u001b]0;renamed\\u0007\\u009b2J');
    expect(forTerminal(text)).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(JSON.parse(forTerminal(printed))).toEqual(JSON.parse(printed));
  });

  it('says which option is wrong', async () => {
    const file = join(BUILT_IN_PROFILES, 'fennimore-m5.json');
    await expect(lint(file, '--samples', file)).rejects.toMatchObject({ option: '--samples' });
  });
});
