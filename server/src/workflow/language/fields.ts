import { readContextPath } from './context.ts';
import type { Amount } from './definition.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import { isReferencePath } from './path.ts';
import type { Path } from './path-syntax.ts';
import type { Report } from './problem.ts';

/** The fields of one object of a definition; everything that is wrong with them is reported, with its place. */
export class Fields {
  readonly object: JsonObject;
  readonly at: string;
  readonly report: Report;

  constructor(object: JsonObject, at: string, report: Report) {
    this.object = object;
    this.at = at;
    this.report = report;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.object, name);
  }

  get(name: string): Json | undefined {
    return this.has(name) ? this.object[name] : undefined;
  }

  wrong(name: string, detail: string, code: Parameters<Report>[1] = 'malformed'): undefined {
    this.report(name === '' ? this.at : `${this.at}.${name}`, code, detail);
    return undefined;
  }

  /** Nothing but these; `elsewhere` says of what is known but not run why it is refused. */
  only(known: readonly string[], elsewhere: Readonly<Record<string, string>>): void {
    for (const name of Object.keys(this.object)) {
      if (known.includes(name)) continue;
      const reason = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
      if (reason !== undefined) this.wrong(name, reason, 'unsupported');
      else this.wrong(name, 'no such field here', 'unknown-field');
    }
  }

  /** Of these, one at most. */
  atMostOne(...names: readonly string[]): void {
    const given = names.filter((name) => this.has(name));
    for (const name of given.slice(1)) this.wrong(name, `not together with ${given[0]}`, 'conflict');
  }

  text(name: string, options: { readonly isNeeded?: boolean } = {}): string | undefined {
    const value = this.get(name);
    if (value === undefined) return options.isNeeded ? this.wrong(name, 'is needed', 'missing') : undefined;
    return typeof value === 'string' && value !== '' ? value : this.wrong(name, 'must be a text that is not empty');
  }

  number(name: string, range: { readonly min: number; readonly max: number; readonly isInteger: boolean }) {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= range.min && value <= range.max)
      if (!range.isInteger || Number.isInteger(value)) return value;
    const what = range.isInteger ? 'an integer' : 'a number';
    return this.wrong(name, `must be ${what} from ${range.min} to ${range.max}`);
  }

  /** Seconds, as milliseconds; or `…Path`, which names them in the input. */
  seconds(name: string, min: number): Amount | undefined {
    this.atMostOne(name, `${name}Path`);
    if (this.has(`${name}Path`)) return this.reference(`${name}Path`);
    const seconds = this.number(name, { min, max: LIMITS.secondsMax, isInteger: true });
    return seconds === undefined ? undefined : seconds * 1_000;
  }

  /** A path into data or context. */
  path(name: string): Path | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readContextPath(text, `${this.at}.${name}`, this.report);
  }

  reference(name: string): Path | undefined {
    const path = this.path(name);
    if (path === undefined || isReferencePath(path)) return path;
    return this.wrong(name, `${path.text} can name more than one place: a Reference Path is needed`);
  }

  /** InputPath, OutputPath, ResultPath: `$` where absent, undefined where `null`. */
  pathOrNull(name: string, kind: 'path' | 'result' = 'path'): Path | undefined {
    if (!this.has(name)) return WHOLE;
    if (this.get(name) === null) return undefined;
    if (kind === 'path') return this.path(name);
    const path = this.reference(name);
    return path?.isContext ? this.wrong(name, 'the context object cannot be written to') : path;
  }

  list(name: string): readonly Json[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    return Array.isArray(value) && value.length > 0 ? value : this.wrong(name, 'must be a list that is not empty');
  }

  /** Each of a list of objects. */
  objects(name: string): readonly Fields[] {
    return (this.list(name) ?? []).flatMap((one, index) => {
      const at = `${this.at}.${name}[${index}]`;
      if (isObject(one)) return [new Fields(one, at, this.report)];
      this.report(at, 'malformed', 'must be an object');
      return [];
    });
  }

  inner(name: string, options: { readonly isNeeded?: boolean } = {}): Fields | undefined {
    const value = this.get(name);
    if (value === undefined) return options.isNeeded ? this.wrong(name, 'is needed', 'missing') : undefined;
    if (!isObject(value)) return this.wrong(name, 'must be an object');
    return new Fields(value, `${this.at}.${name}`, this.report);
  }

  boolean(name: string): boolean | undefined {
    const value = this.get(name);
    return value === undefined || typeof value === 'boolean' ? value : this.wrong(name, 'must be true or false');
  }
}

export const WHOLE: Path = { text: '$', isContext: false, isDefinite: true, segments: [] };

export const JSONATA = 'belongs to the query language JSONata; this engine runs JSONPath';
const DISTRIBUTED = 'belongs to distributed Map; this engine runs INLINE';

/** Valid States Language, or once valid, that is refused; with why. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  Arguments: JSONATA,
  Output: JSONATA,
  Items: JSONATA,
  Assign: 'variables are not supported; carry the value in the state’s output',
  Credentials: 'a function of ours has its own rights; roles to assume are not supported',
  Iterator: 'is the old name of ItemProcessor',
  ItemReader: DISTRIBUTED,
  ItemBatcher: DISTRIBUTED,
  ResultWriter: DISTRIBUTED,
  ToleratedFailureCount: DISTRIBUTED,
  ToleratedFailureCountPath: DISTRIBUTED,
  ToleratedFailurePercentage: DISTRIBUTED,
  ToleratedFailurePercentagePath: DISTRIBUTED,
  Label: DISTRIBUTED,
};
