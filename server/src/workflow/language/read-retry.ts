import type { Catcher, Retrier } from './definition.ts';
import { ELSEWHERE, type Fields } from './fields.ts';
import { LIMITS } from './limits.ts';

/** States Language, "Errors": retriers, with the defaults of "Retrying after error". */
export function readRetry(fields: Fields): readonly Retrier[] {
  if (!fields.has('Retry')) return [];
  const retriers = emptiable(fields, 'Retry');
  return retriers.map((one, index): Retrier => {
    one.only(
      ['Comment', 'ErrorEquals', 'IntervalSeconds', 'MaxAttempts', 'BackoffRate', 'MaxDelaySeconds', 'JitterStrategy'],
      ELSEWHERE,
    );
    const seconds = one.number('IntervalSeconds', { min: 1, max: LIMITS.secondsMax, isInteger: true }) ?? 1;
    const delayMax = one.number('MaxDelaySeconds', { min: 1, max: 31_622_400, isInteger: true });
    if (delayMax !== undefined && delayMax <= seconds)
      one.wrong('MaxDelaySeconds', 'must be greater than IntervalSeconds');
    const jitter = one.get('JitterStrategy') ?? 'NONE';
    if (jitter !== 'NONE' && jitter !== 'FULL') one.wrong('JitterStrategy', 'must be FULL or NONE');
    return {
      errors: readErrors(one, index === retriers.length - 1),
      intervalMs: seconds * 1_000,
      attemptsMax: one.number('MaxAttempts', { min: 0, max: LIMITS.secondsMax, isInteger: true }) ?? 3,
      backoffRate: one.number('BackoffRate', { min: 1, max: 1_000, isInteger: false }) ?? 2,
      hasJitter: jitter === 'FULL',
      ...(delayMax !== undefined && { delayMaxMs: delayMax * 1_000 }),
    };
  });
}

/** "Fallback states". */
export function readCatch(
  fields: Fields,
  target: (of: Fields, name: string) => string | undefined,
): readonly Catcher[] {
  if (!fields.has('Catch')) return [];
  const catchers = emptiable(fields, 'Catch');
  return catchers.map((one, index): Catcher => {
    one.only(['Comment', 'ErrorEquals', 'Next', 'ResultPath'], ELSEWHERE);
    return {
      errors: readErrors(one, index === catchers.length - 1),
      next: target(one, 'Next') ?? '',
      resultPath: one.pathOrNull('ResultPath', 'result'),
    };
  });
}

/** An empty list is allowed, and says nothing. */
function emptiable(fields: Fields, name: string): readonly Fields[] {
  const value = fields.get(name);
  return Array.isArray(value) && value.length === 0 ? [] : fields.objects(name);
}

function readErrors(fields: Fields, isLast: boolean): readonly string[] {
  const errors = fields.list('ErrorEquals') ?? [];
  if (!fields.has('ErrorEquals')) fields.wrong('ErrorEquals', 'is needed', 'missing');
  if (!errors.every((error) => typeof error === 'string')) fields.wrong('ErrorEquals', 'must be a list of error names');
  else if (errors.includes('States.ALL') && (errors.length > 1 || !isLast))
    fields.wrong('ErrorEquals', 'States.ALL must stand alone, and last');
  for (const error of errors)
    if (typeof error === 'string' && error.startsWith('States.') && !KNOWN.includes(error))
      fields.wrong('ErrorEquals', `${error} is no error of the States Language`);
  return errors as readonly string[];
}

/** Names that begin with `States.` are reserved. */
const KNOWN = [
  'States.ALL',
  'States.HeartbeatTimeout',
  'States.Timeout',
  'States.TaskFailed',
  'States.Permissions',
  'States.ResultPathMatchFailure',
  'States.ParameterPathFailure',
  'States.BranchFailed',
  'States.NoChoiceMatched',
  'States.IntrinsicFailure',
  'States.ExceedToleratedFailureThreshold',
  'States.ItemReaderFailed',
  'States.ResultWriterFailed',
  'States.DataLimitExceeded',
  'States.Runtime',
];
