import type { Machine, State } from './definition.ts';
import { Fields } from './fields.ts';
import { isObject } from './json.ts';
import { readState } from './read-state.ts';
import type { Reading } from './reading.ts';

/** Step Functions' own. */
const NAME_MAX = 80;

/** StartAt and States of the whole, of a branch, or of an ItemProcessor. */
export function readMachine(fields: Fields, around: Pick<Reading, 'resource' | 'names'>): Machine {
  const inner = fields.inner('States', { isNeeded: true });
  const startAt = fields.text('StartAt', { isNeeded: true });
  const states = new Map<string, State>();
  if (inner === undefined || startAt === undefined) return { startAt: '', states };
  const names = Object.keys(inner.object);
  if (names.length === 0) fields.wrong('States', 'must hold a state', 'missing');
  if (!names.includes(startAt)) fields.wrong('StartAt', `there is no state ${startAt}`, 'not-found');

  for (const name of names) {
    if (around.names.has(name))
      fields.report(`${inner.at}.${name}`, 'conflict', 'the name is taken by another state of the definition');
    around.names.add(name);
  }

  const reached = new Map<string, string[]>();
  for (const name of names) {
    const object = inner.object[name];
    const state = new Fields(isObject(object) ? object : {}, `${inner.at}.${name}`, fields.report);
    if (!isObject(object)) state.wrong('', 'must be an object');
    if (name.length > NAME_MAX) state.wrong('', `a name has at most ${NAME_MAX} characters`);
    const targets: string[] = [];
    reached.set(name, targets);
    const read = readState(name, state, {
      ...around,
      ...transitions(names, targets),
      machine: (of) => readMachine(of, around),
    });
    if (read !== undefined) states.set(name, read);
  }
  for (const name of unreachable(startAt, reached))
    fields.report(`${inner.at}.${name}`, 'unreachable', 'no transition leads here');
  return { startAt, states };
}

function transitions(names: readonly string[], targets: string[]): Pick<Reading, 'target' | 'next'> {
  const target = (of: Fields, name: string): string | undefined => {
    const text = of.text(name, { isNeeded: true });
    if (text === undefined) return undefined;
    if (!names.includes(text)) return of.wrong(name, `there is no state ${text} here`, 'not-found');
    targets.push(text);
    return text;
  };
  const next = (of: Fields): string | undefined => {
    of.atMostOne('Next', 'End');
    if (!of.has('Next') && !of.has('End')) return of.wrong('', 'Next or End is needed', 'missing');
    if (of.has('Next')) return target(of, 'Next');
    return of.get('End') === true ? undefined : of.wrong('End', 'must be true');
  };
  return { target, next };
}

function unreachable(startAt: string, reached: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const seen = new Set([startAt]);
  for (const name of seen) for (const target of reached.get(name) ?? []) seen.add(target);
  return [...reached.keys()].filter((name) => !seen.has(name));
}
