import { parseDeviceId } from './ids.ts';
import { parseJsonPath, reach } from './json-path.ts';
import { type Finding, pathsOf } from './lint-profile.ts';
import { compileProfile, type MappedValue, type MappingProfile } from './mapping-profile.ts';
import { parseReading } from './parse-reading.ts';
import type { Reading } from './reading.ts';
import { conversion } from './unit.ts';
import { VITAL_NAMES, type VitalName } from './vital.ts';
import { codeOwner, wordOwners } from './vital-clues.ts';

/**
 * What real messages of the device show that the profile alone does not: paths that lead nowhere, neighbours of a value
 * that speak of another vital, values that no patient can show, times in the wrong unit.
 */
export function lintSamples(profile: MappingProfile, samples: readonly unknown[]): readonly Finding[] {
  return [
    ...unreached(profile, samples),
    ...profile.values.flatMap((value, i) => neighbourFaults(value, i, samples)),
    ...readingFaults(profile, samples),
  ];
}

function unreached(profile: MappingProfile, samples: readonly unknown[]): readonly Finding[] {
  if (samples.length === 0) return [];
  return pathsOf(profile).flatMap(({ at, path }): Finding[] => {
    const compiled = parseJsonPath(path) ?? [];
    const reached = samples.map((sample) => reach(sample, compiled).kind);
    if (reached.includes('ambiguous')) return [{ level: 'error', at, message: `finds several elements: ${path}` }];
    if (reached.includes('found')) return [];
    // Without id or time there is no reading; a vital may be missing from these samples by chance.
    const level = at.startsWith('/id') || at.startsWith('/at') ? 'error' : 'warning';
    return [{ level, at, message: `leads nowhere in any sample: ${path}` }];
  });
}

/** The members beside the value name it: `{ "code": 150022, "name": "NIBP Dia", "value": 71, "uom": "mmHg" }`. */
function neighbourFaults(mapped: MappedValue, index: number, samples: readonly unknown[]): readonly Finding[] {
  const path = parseJsonPath(mapped.path) ?? [];
  // Only in a list of observations are the neighbours about this value; in a flat object they are other values.
  if (path.at(-2)?.kind !== 'element') return [];
  const valueName = path.at(-1);
  const messages = new Set<string>();
  for (const sample of samples) {
    const reached = reach(sample, path);
    if (reached.kind !== 'found') continue;
    for (const [name, neighbour] of Object.entries(reached.parent ?? {})) {
      if (valueName?.kind === 'member' && name === valueName.name) continue;
      const message = contradiction(mapped.vital, name, neighbour);
      if (message !== undefined) messages.add(message);
    }
  }
  return [...messages].map((message) => ({ level: 'error', at: `/values/${index}/path`, message }));
}

function contradiction(vital: VitalName, name: string, neighbour: unknown): string | undefined {
  if (typeof neighbour !== 'string' && typeof neighbour !== 'number') return undefined;
  const owner = codeOwner(String(neighbour));
  if (owner !== undefined)
    return owner === vital ? undefined : `${name} beside it is the code of ${owner}, not ${vital}`;
  if (typeof neighbour === 'number') return undefined;
  const units = unitOwners(neighbour);
  if (units.length > 0) return units.includes(vital) ? undefined : `${name} beside it is no unit of ${vital}`;
  const words = wordOwners(neighbour);
  return words.length === 0 || words.includes(vital) ? undefined : `${name} beside it speaks of ${words.join(' or ')}`;
}

/** What vendors write for a UCUM unit. */
const UNIT_WORDS: ReadonlyMap<string, string> = new Map([
  ['mmHg', 'mm[Hg]'],
  ['bpm', '/min'],
  ['rpm', '/min'],
  ['°C', 'Cel'],
  ['°F', '[degF]'],
]);

function unitOwners(word: string): readonly VitalName[] {
  const unit = UNIT_WORDS.get(word) ?? word;
  // `1` may be a number of anything.
  return unit === '1' ? [] : VITAL_NAMES.filter((vital) => conversion(vital, unit) !== undefined);
}

/** 2100: a time in milliseconds read as seconds lies far beyond, the other way round far before 2000. */
const FAR_FUTURE_MS = Date.UTC(2100, 0, 1);

/** The samples as readings: every problem the parser has with them, and ids that do not tell readings apart. */
function readingFaults(profile: MappingProfile, samples: readonly unknown[]): readonly Finding[] {
  const map = compileProfile(profile);
  const deviceId = parseDeviceId('sample');
  if (map === undefined || deviceId === undefined) return [];
  const findings: Finding[] = [];
  const readings: Reading[] = [];
  samples.forEach((sample, i) => {
    const { value, refused } = map(sample);
    const parsed = parseReading(value, { deviceId, nowMs: FAR_FUTURE_MS, clockAheadMaxMs: 0 });
    const problems = [...refused, ...(parsed.kind === 'ok' ? parsed.refused : parsed.problems)];
    for (const { field, detail } of problems)
      findings.push({ level: 'error', at: whereOf(profile, field), message: `sample ${i}: ${field}: ${detail}` });
    if (parsed.kind === 'ok') readings.push(parsed.reading);
  });
  if (new Set(readings.map(({ id }) => id)).size < readings.length)
    findings.push({
      level: 'warning',
      at: '/id',
      message: 'two samples have one id: a second reading would be dropped',
    });
  return findings;
}

function whereOf(profile: MappingProfile, field: string): string {
  if (field === 'id' || field === 'at') return `/${field}`;
  const index = profile.values.findIndex(({ vital }) => field.startsWith(`vitals.${vital}`));
  return index < 0 ? '' : `/values/${index}`;
}
