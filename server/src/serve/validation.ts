import type { FastifyInstance, FastifySchemaCompiler, FastifyTypeProvider } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import type { FieldError } from './problem.ts';
import { withoutUnknown } from './unknown-fields.ts';

/** Input that is not what the route's schema says, with every field at fault. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly statusCode = 400;
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super(`Not as expected: ${errors.map((error) => error.field || 'the whole').join(', ')}.`);
    this.errors = errors;
  }
}

/** Handlers get the types of their schemas. */
export interface Typed extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}
export type Api = FastifyInstance<
  import('node:https').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  Typed
>;

/**
 * TypeBox judges input: one set of schemas for checking, OpenAPI and types. Each is compiled when it is first needed:
 * a start would compile hundreds, of which few are asked for within the hour.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  let check: ReturnType<typeof Compile> | undefined;
  const isText = httpPart !== 'body';
  return (input: unknown) => {
    check ??= Compile(schema);
    const value = isText ? numbersFromText(schema, input) : input;
    if (!check.Check(value)) return { error: new InvalidInput(allErrors(schema, check, value)) };
    const unreadable = unreadableIn(value);
    return unreadable.length === 0 ? { value } : { error: new InvalidInput(unreadable) };
  };
};

function allErrors(schema: TSchema, check: ReturnType<typeof Compile>, value: unknown): FieldError[] {
  const { value: rest, named, count } = withoutUnknown(schema, value);
  const unknown = named.map((field, index) => ({
    code: 'unknown-field',
    field,
    detail: index === named.length - 1 && count > named.length ? othersToo(count - named.length) : UNKNOWN,
  }));
  return [...unknown, ...fieldErrors(check.Errors(rest))].slice(0, ERRORS_MAX);
}

const UNKNOWN = 'is not known here';
const othersToo = (count: number): string =>
  `${UNKNOWN}, and neither ${count === 1 ? 'is one other' : `are ${count} others`}`;

/** Queries and paths are text: whole numbers are read where the schema wants one, and only if they are written so. */
function numbersFromText(schema: TSchema, input: unknown): unknown {
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  const read: Record<string, unknown> = { ...(input as Record<string, unknown>) };
  for (const [name, { type }] of Object.entries(properties)) {
    const text = read[name];
    if (type === 'integer' && typeof text === 'string' && /^-?\d{1,15}$/.test(text)) read[name] = Number(text);
    if (type === 'boolean' && (text === 'true' || text === 'false')) read[name] = text === 'true';
  }
  return read;
}

/**
 * NUL, which PostgreSQL keeps in no text, half a surrogate pair, which it keeps in no JSON, and what would steer the
 * terminal that shows it. Tabs and ends of lines are text.
 */
const UNREADABLE = /(?![\t\n\r])\p{Cc}|\p{Cs}/u;

/** Longer is no field a person could find. */
const FIELD_MAX = 256;

/** Without recursion: what a route takes as it is may be nested thousands deep. */
export function unreadableIn(input: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const left: [path: string, value: unknown][] = [['', input]];
  for (let next = left.pop(); next !== undefined && errors.length < ERRORS_MAX; next = left.pop()) {
    const [path, value] = next;
    if (typeof value === 'string' && UNREADABLE.test(value))
      errors.push({
        code: 'invalid-value',
        field: path.slice(0, FIELD_MAX),
        detail: 'holds control characters, or half a character',
      });
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, each] of Object.entries(value)) {
      if (UNREADABLE.test(name))
        errors.push({
          code: 'invalid-value',
          field: path.slice(0, FIELD_MAX),
          detail: 'a name in it holds control characters, or half a character',
        });
      left.push([path === '' ? name : `${path}.${name.slice(0, 64)}`, each]);
    }
  }
  return errors;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** Beyond this a list of errors helps nobody. TypeBox by itself stops at 8, and one tells of every field at once. */
const ERRORS_MAX = 50;
Settings.Set({ maxErrors: ERRORS_MAX });

/** What TypeBox found, each with its field. */
export function fieldErrors(errors: readonly SchemaError[]): FieldError[] {
  return errors
    .flatMap((error) => {
      const path = dotted(error.instancePath);
      const { requiredProperties } = error.params as { requiredProperties?: readonly string[] };
      if (error.keyword === 'required' && requiredProperties !== undefined)
        return requiredProperties.map((name) => ({
          code: 'missing',
          field: path === '' ? name : `${path}.${name}`,
          detail: 'is needed',
        }));
      // An unknown field is reported where it stands, not again on its parent.
      if (error.keyword === 'additionalProperties') return [];
      if (error.keyword === 'boolean') return [{ code: 'unknown-field', field: path, detail: UNKNOWN }];
      return [{ code: 'invalid-value', field: path, detail: error.message }];
    })
    .slice(0, ERRORS_MAX);
}

function dotted(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 64))
    .join('.');
}
