import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WardId } from '../../domain/ids.ts';
import { withOpenData } from '../open-data.ts';
import { settingsOfProcess } from '../settings.ts';
import type { CommandContext } from './command.ts';
import { register } from './rules.ts';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-rules-'));
  data = join(folder, 'data');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function settings() {
  const outcome = settingsOfProcess({ HEALTHSYNC_DATA: data });
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome.errors));
  return outcome.settings;
}

async function run(...args: readonly string[]) {
  const printed: string[] = [];
  const context: CommandContext = {
    now: Date.now,
    print: (text) => void printed.push(text),
    tell: () => {},
    settings,
  };
  const program = new Command('healthsync').exitOverride();
  register(program, context);
  await program.parseAsync(['rules', ...args], { from: 'user' });
  const code = process.exitCode ?? 0;
  process.exitCode = 0;
  return { printed: printed.join('\n'), code };
}

const file = async (name: string, content: unknown) => {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const LOW = {
  kind: 'limit',
  id: 'heartRate.above.low',
  vital: 'heartRate',
  comparison: 'above',
  limit: 120,
  priority: 'low',
};
const HIGH = { ...LOW, id: 'heartRate.above.high', priority: 'high', limit: 180 };
const fileOf = (...rules: readonly object[]) => ({
  format: 'healthsync-rules/1',
  sets: [{ scope: 'ward', id: 'W3', rules }],
});

describe('healthsync rules lint', () => {
  it('passes a good file', async () => {
    expect(await run('lint', await file('good.json', fileOf(LOW)))).toEqual({ printed: 'Nothing found.', code: 0 });
  });

  it('names everything that is wrong, each with its field', async () => {
    const path = await file('wrong.json', fileOf({ ...LOW, clearAt: 130 }, { ...HIGH, limit: 900 }));
    const { printed, code } = await run('lint', path, '--json');
    expect(JSON.parse(printed).findings.map((f: { field: string; code: string }) => `${f.code} ${f.field}`)).toEqual([
      'hysteresis-wrong-side sets.0.rules.0.clearAt',
      'implausible-limit sets.0.rules.1.limit',
    ]);
    expect(code).toBe(1);
  });

  it.each([
    ['not JSON', 'malformed-json'],
    [{ format: 'healthsync-rules/2', sets: [] }, 'format'],
    [{ format: 'healthsync-rules/1', sets: [{ scope: 'ward', rules: [] }] }, 'sets.0.id'],
    [fileOf({ ...LOW, vital: 'pulse' }), 'sets.0.rules.0.vital'],
    [fileOf({ ...LOW, unit: 'bpm' }), 'sets.0.rules.0.unit'],
  ])('refuses %j', async (content, expected) => {
    const { printed, code } = await run('lint', await file('bad.json', content));
    expect(printed).toContain(expected);
    expect(code).toBe(1);
  });
});

describe('healthsync rules import, export and list', () => {
  it('what was imported holds, but for what waits for a second person, and comes out as it went in', async () => {
    await withOpenData(settings(), Date.now, ({ registry }) =>
      registry.putWard({ id: 'W3' as WardId, name: 'Ward 3' }),
    );
    const imported = await run('import', await file('in.json', fileOf(LOW, HIGH)), '--reason', 'first night');
    expect(imported.printed).toBe('ward W3: revision 1; waiting for a second person: heartRate.above.high');
    const exported = await run('export', '--json');
    expect(JSON.parse(exported.printed)).toEqual(fileOf(LOW));
    const listed = await run('list', '--ward', 'W3');
    expect(listed.printed).toMatch(/heartRate\.above\.low +limit +low +ward v1/);
    expect(listed.printed).toMatch(/heartRate\.above\.high +limit +high +default v1/);
    expect(await run('lint')).toEqual({ printed: 'Nothing found.', code: 0 });
    await expect(
      run('import', await file('bad.json', fileOf({ ...LOW, limit: 900 })), '--reason', 'x y'),
    ).rejects.toThrow('implausible-limit');
    await expect(run('list', '--ward', 'W9')).rejects.toThrow('No ward W9');
  });
});

describe('healthsync rules preview', () => {
  it('says what the rules of a file would have meant for a ward', async () => {
    const path = await file('preview.json', fileOf(LOW));
    const { printed } = await run('preview', path, '--ward', 'W3', '--days', '1', '--json');
    expect(JSON.parse(printed)).toMatchObject({
      basis: { source: 'history', patients: 0, readings: 0 },
      warnings: [{ code: 'no-data' }, { code: 'no-change' }],
    });
    expect((await run('preview', path, '--ward', 'W3')).printed).toContain('alarms per patient-day');
    await expect(run('preview', path, '--ward', 'W9')).rejects.toThrow('no rules of ward W9');
    await expect(run('preview', path, '--ward', 'W3', '--days', '15')).rejects.toThrow('--days');
  });
});
