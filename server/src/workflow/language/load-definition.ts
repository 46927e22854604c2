import type { Definition } from './definition.ts';
import { Fields } from './fields.ts';
import { isObject, type Json } from './json.ts';
import { LIMITS } from './limits.ts';
import type { DefinitionProblem } from './problem.ts';
import { readMachine } from './read-machine.ts';

/**
 * Reads an `.asl.json`, the same file that Step Functions runs, and refuses at once whatever this engine would not run
 * just so: nothing is left to be found out when an alarm is waiting.
 *
 * - **Tasks** invoke functions: `"Resource": "arn:aws:states:::lambda:invoke"`, with the function's name, or its ARN, in
 *   `Parameters.FunctionName`. On AWS that is a Lambda function; here it is the handler registered under that name
 *   (`driver.ts`). The result is `{"Payload": …, "StatusCode": 200}` on both. With `.waitForTaskToken` the state waits
 *   until somebody completes the token that `"….$": "$$.Task.Token"` handed over, and what they give is the result.
 * - **Input and output** hold ids and settings, never a measurement, a name or anything else of a patient: operators
 *   read executions, with their history, in the app.
 * - The query language is JSONPath. JSONata, variables, distributed Map, activities, other services, and the intrinsic
 *   functions for hashing and Base64 are refused, as are fields nobody knows.
 */
export function loadDefinition(
  source: string,
  options: {
    readonly name: string;
    /** SHA-256 of the source, in hex. */
    readonly digest: string;
    /** The functions there are; absent: not checked, as for a definition that is only to be looked at. */
    readonly functions?: readonly string[];
  },
): LoadOutcome {
  const problems: DefinitionProblem[] = [];
  const report = (path: string, code: DefinitionProblem['code'], detail: string): void =>
    void problems.push({ path, code, detail });
  const parsed = parse(source, report);
  if (parsed === undefined) return { kind: 'refused', problems };

  const fields = new Fields(parsed, '$', report);
  fields.only(['Comment', 'StartAt', 'States', 'Version', 'TimeoutSeconds', 'QueryLanguage'], {});
  if (fields.has('QueryLanguage') && fields.get('QueryLanguage') !== 'JSONPath')
    fields.wrong('QueryLanguage', 'only JSONPath is supported, not JSONata', 'unsupported');
  if (fields.has('Version') && fields.get('Version') !== '1.0') fields.wrong('Version', 'must be 1.0');
  const timeout = fields.number('TimeoutSeconds', { min: 1, max: LIMITS.secondsMax, isInteger: true });
  const resources = new Set<string>();
  const machine = readMachine(fields, {
    names: new Set(),
    resource(name, at) {
      resources.add(name);
      if (options.functions?.includes(name) === false) report(at, 'not-found', `there is no function ${name}`);
    },
  });
  if (problems.length > 0) return { kind: 'refused', problems };
  return {
    kind: 'loaded',
    definition: {
      name: options.name,
      digest: options.digest,
      machine,
      keepsInput: READS_INPUT.test(source),
      resources: [...resources],
      ...(timeout !== undefined && { timeoutMs: timeout * 1_000 }),
    },
  };
}

export type LoadOutcome =
  | { readonly kind: 'loaded'; readonly definition: Definition }
  | { readonly kind: 'refused'; readonly problems: readonly DefinitionProblem[] };

/** Any path into the context object that could reach `$$.Execution.Input`. */
const READS_INPUT = /\$\$(?!\.(?:State|StateMachine|Task|Map|Execution\.(?:Id|Name|StartTime))\b)/;

function parse(source: string, report: Fields['report']): Record<string, Json> | undefined {
  const refuse = (detail: string) => void report('$', 'malformed', detail);
  if (source.length > LIMITS.definitionBytesMax) {
    refuse(`a definition has at most ${LIMITS.definitionBytesMax} characters`);
    return undefined;
  }
  try {
    const parsed = JSON.parse(source) as Json;
    if (isObject(parsed)) return parsed as Record<string, Json>;
    refuse('must be an object');
  } catch {
    refuse('is not JSON');
  }
  return undefined;
}
