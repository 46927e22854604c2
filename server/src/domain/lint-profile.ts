import { parseJsonPath } from './json-path.ts';
import type { MappedValue, MappingProfile } from './mapping-profile.ts';
import { conversion, unitsOf } from './unit.ts';
import { VITALS, type VitalName } from './vital.ts';
import { codeOwner, wordOwners } from './vital-clues.ts';

/** What is wrong with a profile: an `error` would store wrong values or none, a `warning` deserves a second look. */
export interface Finding {
  readonly level: 'error' | 'warning';
  /** Where in the profile, as a JSON path: `/values/0/unit`. */
  readonly at: string;
  readonly message: string;
}

/** Everything that can be told from the profile alone; `lintSamples` adds what real messages show. */
export function lintProfile(profile: MappingProfile): readonly Finding[] {
  const findings: Finding[] = [];
  const error = (at: string, message: string) => findings.push({ level: 'error', at, message });

  for (const { at, path } of pathsOf(profile)) if (parseJsonPath(path) === undefined) error(at, `not a path: ${path}`);
  profile.values.forEach((value, i) => {
    for (const [at, message] of [...unitFaults(value), ...codeFaults(value), ...wordFaults(value)])
      error(`/values/${i}${at}`, message);
  });
  for (const [at, message] of doubles(profile)) error(at, message);
  return findings;
}

/** Every path of a profile and where it stands; also what reachability is checked with. */
export function pathsOf(profile: MappingProfile): readonly { readonly at: string; readonly path: string }[] {
  const { id, at, values, context, status } = profile;
  const optional = (where: string, mapped: { readonly path: string } | undefined) =>
    mapped === undefined ? [] : [{ at: where, path: mapped.path }];
  return [
    ...('compose' in id ? id.compose.map((path, i) => ({ at: `/id/compose/${i}`, path })) : optional('/id/path', id)),
    ...optional('/at/path', at),
    ...values.flatMap((value, i) => [
      ...optional(`/values/${i}/path`, value),
      ...optional(`/values/${i}/validWhen/path`, value.validWhen),
      ...(typeof value.unit === 'string' ? [] : optional(`/values/${i}/unit/path`, value.unit)),
    ]),
    ...optional('/context/oxygen/path', context?.oxygen),
    ...optional('/context/consciousness/path', context?.consciousness),
    ...optional('/status/leadsOff/path', status?.leadsOff),
    ...optional('/status/battery/path', status?.battery),
  ];
}

type Fault = readonly [at: string, message: string];

function unitFaults({ vital, unit }: MappedValue): readonly Fault[] {
  const isUnit = (word: string) => conversion(vital, word) !== undefined;
  const expected = `expected one of ${unitsOf(vital).join(' ')}`;
  if (typeof unit === 'string') return isUnit(unit) ? [] : [['/unit', `${unit} is no unit of ${vital}: ${expected}`]];
  return Object.entries(unit.map ?? {})
    .filter(([, ucum]) => !isUnit(ucum))
    .map(([word, ucum]): Fault => [`/unit/map/${word}`, `${ucum} is no unit of ${vital}: ${expected}`]);
}

/** The code that is claimed, and the codes that stand in the path's selectors. */
function codeFaults({ vital, code, path }: MappedValue): readonly Fault[] {
  const faults: Fault[] = [];
  if (code !== undefined && codeOwner(code.value, code.system) !== vital) {
    const owner = codeOwner(code.value, code.system);
    const is = owner === undefined ? 'is no code of a vital we know' : `is the code of ${owner}`;
    faults.push(['/code', `${code.system} ${code.value} ${is}; mapped as ${vital} (${codesOf(vital)})`]);
  }
  for (const step of parseJsonPath(path) ?? []) {
    const owner = step.kind === 'element' ? codeOwner(step.value) : undefined;
    if (step.kind === 'element' && owner !== undefined && owner !== vital)
      faults.push(['/path', `${step.value} is the code of ${owner}; mapped as ${vital} (${codesOf(vital)})`]);
  }
  return faults;
}

/** `/nibp/dia` mapped as heart rate: the path's own words speak of another vital, and not of this one. */
function wordFaults({ vital, path }: MappedValue): readonly Fault[] {
  // Later words are nearer to the value: `/bp/sys/pulse` is a pulse.
  const steps = (parseJsonPath(path) ?? []).toReversed();
  for (const step of steps) {
    const owners = wordOwners(step.kind === 'member' ? step.name : step.value);
    if (owners.length === 0) continue;
    return owners.includes(vital) ? [] : [['/path', `speaks of ${owners.join(' or ')}; mapped as ${vital}`]];
  }
  return [];
}

function doubles({ values }: MappingProfile): readonly Fault[] {
  const faults: Fault[] = [];
  values.forEach(({ vital, path }, i) => {
    const vitalBefore = values.findIndex((other) => other.vital === vital);
    const pathBefore = values.findIndex((other) => other.path === path);
    if (vitalBefore < i) faults.push([`/values/${i}/vital`, `${vital} is mapped already by /values/${vitalBefore}`]);
    if (pathBefore < i) faults.push([`/values/${i}/path`, `is mapped already by /values/${pathBefore}`]);
  });
  return faults;
}

function codesOf(vital: VitalName): string {
  return `LOINC ${VITALS[vital].loinc}, MDC ${VITALS[vital].mdc.join(' ')}`;
}
