import type { FailState, MapState, Resulting, State, TaskState, WaitState, Working } from './definition.ts';
import { ELSEWHERE, type Fields, WHOLE } from './fields.ts';
import { isObject, type Json } from './json.ts';
import type { Path } from './path-syntax.ts';
import { readRule } from './read-choice.ts';
import { readCatch, readRetry } from './read-retry.ts';
import type { Reading } from './reading.ts';
import { readTemplate, type Template } from './template.ts';
import { parseTimestamp } from './timestamp.ts';

const COMMON = ['Type', 'Comment', 'QueryLanguage'];
const FILTERED = [...COMMON, 'InputPath', 'OutputPath'];
const RESULTING = [...FILTERED, 'Next', 'End', 'Parameters', 'ResultPath'];
const WORKING = [...RESULTING, 'ResultSelector', 'Retry', 'Catch'];

/** One state; undefined where not even its type can be told. Its problems are reported. */
export function readState(name: string, fields: Fields, reading: Reading): State | undefined {
  const type = fields.text('Type', { isNeeded: true });
  if (type === undefined) return undefined;
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) return fields.wrong('Type', `there is no state type ${type}`);
  if (fields.has('QueryLanguage') && fields.get('QueryLanguage') !== 'JSONPath')
    return fields.wrong('QueryLanguage', 'only JSONPath is supported, not JSONata', 'unsupported');
  return read(name, fields, reading);
}

const READERS: Readonly<Record<string, (name: string, fields: Fields, reading: Reading) => State | undefined>> = {
  Task: readTask,
  Wait: readWait,
  Choice(name, fields, reading) {
    fields.only([...FILTERED, 'Choices', 'Default'], ELSEWHERE);
    if (!fields.has('Choices')) fields.wrong('Choices', 'is needed', 'missing');
    const choices = fields.objects('Choices').map((one) => ({
      rule: readRule(one, ['Next', 'Comment']) ?? { kind: 'and' as const, rules: [] },
      next: reading.target(one, 'Next') ?? '',
    }));
    const otherwise = fields.has('Default') ? reading.target(fields, 'Default') : undefined;
    return { type: 'Choice', name, choices, ...filter(fields), ...(otherwise !== undefined && { otherwise }) };
  },
  Pass(name, fields, reading) {
    fields.only([...RESULTING, 'Result'], ELSEWHERE);
    const result = fields.get('Result');
    return { type: 'Pass', name, ...resulting(fields, reading), ...(result !== undefined && { result }) };
  },
  Succeed(name, fields) {
    fields.only(FILTERED, ELSEWHERE);
    return { type: 'Succeed', name, ...filter(fields) };
  },
  Fail: readFail,
  Parallel(name, fields, reading) {
    fields.only([...WORKING, 'Branches'], ELSEWHERE);
    if (!fields.has('Branches')) fields.wrong('Branches', 'is needed', 'missing');
    const branches = fields.objects('Branches').map((one) => {
      one.only(['StartAt', 'States', 'Comment'], ELSEWHERE);
      return reading.machine(one);
    });
    return { type: 'Parallel', name, branches, ...working(fields, reading) };
  },
  Map: readMap,
};

function readTask(name: string, fields: Fields, reading: Reading): TaskState {
  const timed = ['TimeoutSeconds', 'TimeoutSecondsPath', 'HeartbeatSeconds', 'HeartbeatSecondsPath'];
  fields.only([...WORKING, 'Resource', ...timed], ELSEWHERE);
  const timeoutMs = fields.seconds('TimeoutSeconds', 1);
  const heartbeatMs = fields.seconds('HeartbeatSeconds', 1);
  if (typeof timeoutMs === 'number' && typeof heartbeatMs === 'number' && heartbeatMs >= timeoutMs)
    fields.wrong('HeartbeatSeconds', 'must be smaller than TimeoutSeconds');
  const waitsForToken = fields.get('Resource') === INVOKE_AND_WAIT;
  return {
    type: 'Task',
    name,
    resource: readResource(fields, reading),
    waitsForToken,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...working(fields, reading),
  };
}

const INVOKE = 'arn:aws:states:::lambda:invoke';
const INVOKE_AND_WAIT = `${INVOKE}.waitForTaskToken`;
/** A function's name, or its ARN; a version or alias may follow. */
const FUNCTION = /^(?:arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:)?([A-Za-z0-9_-]{1,64})(?::[\w$-]+)?$/;

/** Which function of ours a Task invokes. */
function readResource(fields: Fields, reading: Reading): string {
  const resource = fields.text('Resource', { isNeeded: true });
  if (resource === undefined) return '';
  if (resource !== INVOKE && resource !== INVOKE_AND_WAIT) {
    fields.wrong('Resource', `only ${INVOKE} and ${INVOKE_AND_WAIT} are supported`, 'unsupported');
    return '';
  }
  const parameters = fields.inner('Parameters', { isNeeded: true });
  if (parameters === undefined) return '';
  parameters.only(['FunctionName', 'Payload', 'Payload.$'], {
    'FunctionName.$': 'which function is invoked must be known when the definition is loaded',
    InvocationType: 'a function is always waited for; for a later answer use .waitForTaskToken',
    Qualifier: 'functions of ours have no versions',
    ClientContext: 'functions of ours take a Payload only',
    LogType: 'functions of ours take a Payload only',
  });
  if (resource === INVOKE_AND_WAIT && !JSON.stringify(parameters.object).includes('$$.Task.Token'))
    parameters.wrong('Payload', 'must hand over $$.Task.Token: nobody could ever answer', 'missing');
  if (resource === INVOKE && JSON.stringify(parameters.object).includes('$$.Task'))
    parameters.wrong('Payload', 'there is a $$.Task only with .waitForTaskToken');
  const text = parameters.text('FunctionName', { isNeeded: true });
  const name = text === undefined ? undefined : FUNCTION.exec(text)?.[1];
  if (text !== undefined && name === undefined)
    parameters.wrong('FunctionName', 'must be the name or ARN of a function');
  if (name !== undefined) reading.resource(name, `${parameters.at}.FunctionName`);
  return name ?? '';
}

function readWait(name: string, fields: Fields, reading: Reading): WaitState | undefined {
  const kinds = ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'];
  fields.only([...FILTERED, 'Next', 'End', ...kinds], ELSEWHERE);
  fields.atMostOne(...kinds);
  const until = readUntil(fields);
  if (!kinds.some((kind) => fields.has(kind))) fields.wrong('', `one of ${kinds.join(', ')} is needed`, 'missing');
  return {
    type: 'Wait',
    name,
    until: until ?? { kind: 'timestamp', atMs: 0 },
    ...filter(fields),
    next: reading.next(fields),
  };
}

function readUntil(fields: Fields): WaitState['until'] | undefined {
  const ms = fields.seconds('Seconds', 0);
  if (ms !== undefined) return { kind: 'duration', ms };
  const path = fields.has('TimestampPath') ? fields.reference('TimestampPath') : undefined;
  if (path !== undefined) return { kind: 'timestamp-path', path };
  const timestamp = fields.get('Timestamp');
  if (timestamp === undefined) return undefined;
  const atMs = parseTimestamp(timestamp);
  return atMs === undefined ? fields.wrong('Timestamp', TIMESTAMP_EXPECTED) : { kind: 'timestamp', atMs };
}

const TIMESTAMP_EXPECTED = 'must be a timestamp such as 2026-11-22T01:02:03Z';

function readFail(name: string, fields: Fields): FailState {
  fields.only([...COMMON, 'Error', 'ErrorPath', 'Cause', 'CausePath'], ELSEWHERE);
  fields.atMostOne('Error', 'ErrorPath');
  fields.atMostOne('Cause', 'CausePath');
  for (const path of ['ErrorPath', 'CausePath'])
    if (typeof fields.get(path) === 'string' && !(fields.get(path) as string).startsWith('$'))
      return fields.wrong(path, 'intrinsic functions are not supported here', 'unsupported') ?? { type: 'Fail', name };
  const error = fields.has('ErrorPath') ? fields.reference('ErrorPath') : fields.text('Error');
  const cause = fields.has('CausePath') ? fields.reference('CausePath') : fields.text('Cause');
  return { type: 'Fail', name, ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

function readMap(name: string, fields: Fields, reading: Reading): MapState {
  const more = ['ItemsPath', 'ItemSelector', 'ItemProcessor', 'MaxConcurrency', 'MaxConcurrencyPath'];
  fields.only([...WORKING.filter((field) => field !== 'Parameters'), ...more], {
    ...ELSEWHERE,
    Parameters: 'is the old name of ItemSelector',
  });
  const processor = fields.inner('ItemProcessor', { isNeeded: true });
  if (processor !== undefined) checkProcessor(processor);
  fields.atMostOne('MaxConcurrency', 'MaxConcurrencyPath');
  const concurrency = fields.has('MaxConcurrencyPath')
    ? fields.reference('MaxConcurrencyPath')
    : fields.number('MaxConcurrency', { min: 0, max: 10_000, isInteger: true });
  const selector = templateOf(fields, 'ItemSelector');
  return {
    type: 'Map',
    name,
    itemsPath: fields.has('ItemsPath') ? (fields.reference('ItemsPath') ?? WHOLE) : WHOLE,
    processor: processor === undefined ? { startAt: '', states: new Map() } : reading.machine(processor),
    concurrencyMax: concurrency ?? 0,
    ...(selector !== undefined && { itemSelector: selector }),
    ...working(fields, reading),
  };
}

function checkProcessor(processor: Fields): void {
  processor.only(['StartAt', 'States', 'ProcessorConfig', 'Comment'], ELSEWHERE);
  const config = processor.inner('ProcessorConfig');
  config?.only(['Mode'], { ExecutionType: 'belongs to distributed Map; this engine runs INLINE' });
  const mode = config?.get('Mode');
  if (mode !== undefined && mode !== 'INLINE') config?.wrong('Mode', 'only INLINE is supported', 'unsupported');
}

function filter(fields: Fields): { readonly inputPath: Path | undefined; readonly outputPath: Path | undefined } {
  return { inputPath: fields.pathOrNull('InputPath'), outputPath: fields.pathOrNull('OutputPath') };
}

type Fresh<T> = Omit<T, 'name' | 'type'>;

function resulting(fields: Fields, reading: Reading): Fresh<Resulting> {
  const parameters = templateOf(fields, 'Parameters');
  return {
    ...filter(fields),
    resultPath: fields.pathOrNull('ResultPath', 'result'),
    next: reading.next(fields),
    ...(parameters !== undefined && { parameters }),
  };
}

function working(fields: Fields, reading: Reading): Fresh<Working> {
  const selector = templateOf(fields, 'ResultSelector');
  if (selector !== undefined && !isObject(fields.get('ResultSelector')))
    fields.wrong('ResultSelector', 'must be an object');
  return {
    ...resulting(fields, reading),
    retry: readRetry(fields),
    catch: readCatch(fields, reading.target),
    ...(selector !== undefined && { resultSelector: selector }),
  };
}

function templateOf(fields: Fields, name: string): Template | undefined {
  const value: Json | undefined = fields.get(name);
  return value === undefined ? undefined : readTemplate(value, `${fields.at}.${name}`, fields.report);
}
