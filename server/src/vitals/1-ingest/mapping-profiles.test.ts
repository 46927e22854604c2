import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceId } from '../../domain/ids.ts';
import { lintSamples } from '../../domain/lint-samples.ts';
import { parseReading } from '../../domain/parse-reading.ts';
import { BUILT_IN_PROFILES, loadMappingProfiles, readProfile } from './mapping-profiles.ts';

const SAMPLES = join(import.meta.dirname, '../../../../examples/vendor-payloads');
const profiles = await loadMappingProfiles([BUILT_IN_PROFILES]);
const context = { deviceId: 'V1' as DeviceId, nowMs: Date.UTC(2027, 0, 1), clockAheadMaxMs: 0 };

const samplesOf = async (name: string): Promise<unknown[]> =>
  JSON.parse(await readFile(join(SAMPLES, `${name}.json`), 'utf8'));

async function readingsOf(name: string) {
  return (await samplesOf(name)).map((sample) => parseReading(profiles.map(name, sample)?.value, context));
}

describe('the profiles that come with HealthSync', () => {
  it.each(profiles.names)('%s fits its samples, and the linter finds nothing', async (name) => {
    const read = readProfile(await readFile(join(BUILT_IN_PROFILES, `${name}.json`), 'utf8'));
    if (read.kind !== 'read') expect.fail(read.errors.join());
    expect(read.warnings).toEqual([]);
    expect(lintSamples(read.profile, await samplesOf(name))).toEqual([]);
  });

  it('reads a bedside monitor’s list of observations, with its own units and validity', async () => {
    expect(await readingsOf('fennimore-m5')).toMatchObject([
      {
        kind: 'ok',
        refused: [],
        reading: {
          id: '12-90417',
          atMs: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
          vitals: {
            heartRate: 82,
            spo2: 97,
            respiratoryRate: 16,
            temperature: 36.8,
            systolic: 120,
            diastolic: 80,
            mean: 93,
          },
          status: { leadsOff: false, battery: 0.83 },
        },
      },
      {
        kind: 'ok',
        refused: [],
        reading: {
          // The heart rate is marked invalid, 127 is this device's "no SpO2": neither is a measurement, nor an asystole.
          vitals: { temperature: 36.888889, systolic: 120.760265, diastolic: 78.006631 },
          status: { leadsOff: true, battery: 0.82 },
        },
      },
    ]);
    const [, second] = await readingsOf('fennimore-m5');
    expect(Object.keys(second?.kind === 'ok' ? second.reading.vitals : {})).toEqual([
      'temperature',
      'systolic',
      'diastolic',
    ]);
  });

  it('reads a patch’s flat object, and takes one that has come off for no measurement', async () => {
    const [worn, fallen] = await readingsOf('tamarack-patch');
    expect(worn).toMatchObject({
      kind: 'ok',
      reading: {
        id: 'b7f2c1d0-0001',
        atMs: 1_795_309_323_456,
        vitals: { heartRate: 82, spo2: 97, respiratoryRate: 16, temperature: 36.777778 },
        status: { leadsOff: false, battery: 0.83 },
      },
    });
    expect(fallen).toMatchObject({ kind: 'ok', reading: { status: { leadsOff: true } } });
    expect(fallen?.kind === 'ok' && fallen.reading.vitals).toEqual({});
  });
});

describe('loading profiles', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'healthsync-profiles-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const GOOD = {
    name: 'mine',
    description: '',
    id: { path: '/id' },
    at: { path: '/at', form: 'rfc3339' },
    values: [{ vital: 'heartRate', path: '/hr', unit: '/min' }],
  };
  const put = (file: string, profile: unknown) => writeFile(join(folder, file), JSON.stringify(profile));

  it('adds an installation’s own, and lets it replace a built-in one', async () => {
    await put('mine.json', GOOD);
    await put('patch.json', { ...GOOD, name: 'tamarack-patch' });
    const loaded = await loadMappingProfiles([BUILT_IN_PROFILES, folder]);
    expect(loaded.names).toEqual(expect.arrayContaining(['mine', 'fennimore-m5', 'tamarack-patch']));
    expect(loaded.map('tamarack-patch', { id: '7' })?.value).toMatchObject({ id: '7' });
    expect(loaded.map('nobody', {})).toBeUndefined();
  });

  it('loads nothing where one is wrong, and names every error of every file', async () => {
    await put('a.json', { ...GOOD, values: [{ vital: 'heartRate', path: '/nibp/dia', unit: 'mm[Hg]' }] });
    await put('b.json', { ...GOOD, at: undefined, extra: 1 });
    await writeFile(join(folder, 'c.json'), '{');
    const loading = loadMappingProfiles([BUILT_IN_PROFILES, folder]);
    await expect(loading).rejects.toMatchObject({ code: 'configuration-invalid' });
    const { message } = (await loading.catch((error: Error) => error)) as Error;
    for (const part of [
      'a.json: /values/0/unit mm[Hg]',
      'a.json: /values/0/path speaks of diastolic',
      'b.json: ',
      'c.json: not JSON',
    ])
      expect(message).toContain(part);
  });

  it('says which folder cannot be read', async () => {
    await expect(loadMappingProfiles([join(folder, 'none')])).rejects.toThrow(/none/);
  });

  it.each([
    [{ ...GOOD, name: '../x' }],
    [{ ...GOOD, values: [] }],
    [{ ...GOOD, values: [{ vital: 'lactate', path: '/l', unit: '1' }] }],
    [{ ...GOOD, id: { path: 'id' } }],
    [{ ...GOOD, status: { battery: { path: '/b', full: 0 } } }],
    [null],
    [[]],
  ])('refuses %j', (profile) => {
    const read = readProfile(JSON.stringify(profile));
    expect(read.kind === 'refused' && read.errors.length).toBeGreaterThan(0);
  });
});
