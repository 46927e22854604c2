import type { Catcher, Retrier } from './definition.ts';

/** How a state failed: its Error Name, and words for a person. */
export interface Fault {
  readonly error: string;
  readonly cause: string;
}

/** What Retry says: the retrier to count, and how long to wait; undefined: no retrier, or it is exhausted. */
export function nextRetry(
  retriers: readonly Retrier[],
  used: readonly number[] | undefined,
  { error }: Fault,
  random: () => number,
): { readonly index: number; readonly delayMs: number } | undefined {
  // "Retriers are scanned in order", and only the first that names the error counts.
  const index = retriers.findIndex(({ errors }) => isNamed(error, errors));
  const retrier = retriers[index];
  if (retrier === undefined) return undefined;
  const count = used?.[index] ?? 0;
  if (count >= retrier.attemptsMax) return undefined;
  const grown = Math.min(retrier.intervalMs * retrier.backoffRate ** count, retrier.delayMaxMs ?? DELAY_MAX_MS);
  return { index, delayMs: Math.round(retrier.hasJitter ? grown * random() : grown) };
}

export function catcherOf(catchers: readonly Catcher[], { error }: Fault): Catcher | undefined {
  return catchers.find(({ errors }) => isNamed(error, errors));
}

/** As MaxDelaySeconds at most may say: a year. */
const DELAY_MAX_MS = 31_622_400_000;

/**
 * States Language, appendix A, with what Step Functions says of its two terminal errors: States.ALL does not name
 * States.Runtime or States.DataLimitExceeded. States.Timeout names a missed heartbeat too.
 */
function isNamed(error: string, errors: readonly string[]): boolean {
  if (error === 'States.Runtime') return false;
  if (errors.includes(error)) return true;
  if (error === 'States.DataLimitExceeded') return false;
  if (errors.includes('States.ALL')) return true;
  if (error === 'States.HeartbeatTimeout' && errors.includes('States.Timeout')) return true;
  return errors.includes('States.TaskFailed') && error !== 'States.Timeout';
}
