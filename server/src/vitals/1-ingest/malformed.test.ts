import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IngestOutcome } from '../../domain/problem.ts';
import { createAdmission } from './admission.ts';
import { mappingProfiles } from './mapping-profiles.ts';
import { createRejectedQuarantine } from './rejected-quarantine.ts';
import { admitted, D1, GOOD, memoryLog, memoryRejected, NOW, testView } from './test-admission.ts';

/** Bad input that nobody on this project wrote: JSONTestSuite, fuzzdb, the big list of naughty strings. */
const DATA = join(import.meta.dirname, '../../../../../shared/data');
const ARCHIVES = ['json-test-suite.tar.gz', 'bad-input.tar.gz'].map((name) => join(DATA, name));
const isThere = ARCHIVES.every(existsSync);
if (!isThere) console.log('skipped: malformed payloads, because the shared data is not here');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-malformed-'));
  if (isThere) for (const archive of ARCHIVES) await promisify(execFile)('tar', ['-xzf', archive, '-C', folder]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function setUp() {
  const log = memoryLog();
  const rejected = memoryRejected();
  const quarantine = createRejectedQuarantine({ store: rejected, now: () => NOW });
  const view = testView();
  const profiles = mappingProfiles(new Map());
  const admission = createAdmission({ log, view: () => view, profiles, quarantine, now: () => NOW });
  const send = (bytes: Uint8Array) =>
    admitted(admission, { deviceId: D1, transport: 'mqtt', receivedAtMs: NOW }, bytes);
  return { log, rejected, send };
}

async function filesUnder(part: string): Promise<readonly string[]> {
  const entries = await readdir(join(folder, part), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const codesOf = (outcome: IngestOutcome) =>
  outcome.kind === 'rejected' ? outcome.problems.map(({ code }) => code) : [outcome.kind];

describe.runIf(isThere)('malformed payloads', () => {
  it('refuses every JSON text that is not JSON, and every JSON that is not a reading, each with its reason', async () => {
    const { log, send } = setUp();
    const files = (await filesUnder('.')).filter((path) => /\/[yni]_[^/]*\.json$/.test(path));
    expect(files.length).toBeGreaterThan(300);
    for (const file of files) {
      const bytes = await readFile(file);
      const codes = codesOf(await send(bytes));
      const name = basename(file);
      if (name.startsWith('n_'))
        expect(codes, name).toEqual([bytes.length > 64 * 1024 ? 'too-large' : 'malformed-json']);
      // RFC 8259 §4 says "SHOULD be unique": of a reading we ask it.
      else if (name.startsWith('y_object_duplicated_key')) expect(codes, name).toEqual(['malformed-json']);
      else if (name.startsWith('y_')) expect(codes, name).not.toContain('malformed-json');
      expect(codes, name).not.toContain('accepted');
    }
    expect(log.readings).toEqual([]);
  });

  it('refuses 10,000 hostile strings wherever they stand, and takes every good reading among them', async () => {
    const { log, rejected, send } = setUp();
    const lines = await hostileLines();
    expect(lines.length).toBeGreaterThan(10_000);
    let good = 0;
    for (const [i, line] of lines.entries()) {
      const outcome = await send(hostile(line, i));
      expect(outcome.kind, `line ${i}`).toBe('rejected');
      expect(codesOf(outcome).length, `line ${i}`).toBeGreaterThan(0);
      if (i % 100 !== 0) continue;
      expect(await send(Buffer.from(JSON.stringify({ ...GOOD, id: `good-${i}` })))).toMatchObject({ kind: 'accepted' });
      good++;
    }
    expect(log.readings).toHaveLength(good);
    // One device cannot fill the list: beyond its share its copies are only counted.
    expect(rejected.kept.length).toBeLessThanOrEqual(600);
  });

  it('says what is wrong without repeating it', async () => {
    const { send } = setUp();
    for (const line of (await hostileLines()).filter((one) => one.length > 12).slice(0, 2_000)) {
      const text = line.toString();
      const outcome = await send(Buffer.from(JSON.stringify({ ...GOOD, id: ` ${text}`, at: text, [text]: text })));
      const details = outcome.kind === 'rejected' ? outcome.problems.map(({ detail }) => detail).join() : '';
      expect(details).not.toContain(text);
    }
  });
});

/** Every line as bytes: some are not UTF-8. */
async function hostileLines(): Promise<readonly Buffer[]> {
  const files = [...(await filesUnder('fuzzdb')), ...(await filesUnder('naughty_strings'))];
  const lines: Buffer[] = [];
  for (const file of files) {
    const bytes = await readFile(file);
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(0x0a, start);
      const line = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (line.length > 0) lines.push(line);
      start = end < 0 ? bytes.length : end + 1;
    }
  }
  return lines;
}

/** The line as the whole message, and in each place of a reading where no text belongs. Nothing else is left to keep. */
function hostile(line: Buffer, i: number): Buffer {
  const text = line.toString();
  const bare = { id: `bad-${i}`, at: GOOD.at };
  switch (i % 6) {
    case 0:
      return line;
    case 1:
      return Buffer.from(JSON.stringify({ ...GOOD, at: text }));
    case 2:
      return Buffer.from(JSON.stringify({ ...GOOD, id: `${text} \u0000` }));
    case 3:
      return Buffer.from(JSON.stringify({ ...bare, vitals: { heartRate: `${text}!` } }));
    case 4:
      return Buffer.from(JSON.stringify({ ...bare, vitals: { temperature: { value: 37, unit: `${text}!` } } }));
    default:
      return Buffer.from(
        `{"id":"bad-${i}","at":"${GOOD.at}","vitals":{"heartRate":82},${JSON.stringify(`${text}!`)}:1}`,
      );
  }
}
