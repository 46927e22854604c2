import type { Cause } from './alarm.ts';
import { roundToChart } from './news2.ts';
import type { LimitRule } from './rule.ts';
import { VITALS } from './vital.ts';

/** A limit's two edges: where its condition begins, and where it ends again. */
type Edges = Pick<LimitRule, 'comparison' | 'limit' | 'clearAt'>;

/** The value as measured is compared, not the rounded one: 84.9 % is below 85 %. */
export function isBeyond({ comparison, limit }: Edges, value: number): boolean {
  return comparison === 'above' ? value > limit : value < limit;
}

/** Well again. Between the limit and `clearAt` a value is neither beyond nor within. */
export function isWithin({ comparison, limit, clearAt = limit }: Edges, value: number): boolean {
  return comparison === 'above' ? value <= clearAt : value >= clearAt;
}

export function limitCause(
  rule: Pick<LimitRule, 'vital' | 'comparison' | 'limit'>,
  value: number,
): Omit<Cause, 'reasons'> {
  const { vital, comparison, limit } = rule;
  return { vital, value, comparison, limit, text: limitText(rule, value) };
}

export function limitText(rule: Pick<LimitRule, 'vital' | 'comparison' | 'limit'>, value: number): string {
  const sign = rule.comparison === 'above' ? '>' : '<';
  return `${VITALS[rule.vital].label} ${shown(rule, value)} ${sign} ${rule.limit}`;
}

/** At chart precision, unless that would read `85 < 85`: then with as many decimals as tell the two apart. */
function shown(rule: Pick<LimitRule, 'vital' | 'comparison' | 'limit'>, value: number): string {
  const { decimals } = VITALS[rule.vital];
  const rounded = roundToChart(rule.vital, value);
  if (isBeyond(rule, rounded)) return rounded.toFixed(decimals);
  const finer = [1, 2, 3].map((more) => value.toFixed(decimals + more));
  return finer.find((text) => isBeyond(rule, Number(text))) ?? String(value);
}
