import type { Metric, Registry } from 'prom-client';

/**
 * Counters, histograms and gauges for the hot path: recording is an array increment, rendering is prom-client's.
 * prom-client's own histogram hashes its labels on every observation, which at tens of thousands of readings a second
 * is work the entry does not have.
 */
export type Count = (by: number, ...labels: string[]) => void;
export type Observe = (value: number, ...labels: string[]) => void;

/** Series per metric. Label values come from closed lists; the bound keeps a mistake from growing without end. */
export const SERIES_MAX = 200;
const OTHER = 'other';

export function counter(registry: Registry, name: string, help: string, labels: readonly string[] = []): Count {
  const series = new Map<string, { readonly labels: Labels; value: number }>();
  if (labels.length === 0) series.set('', { labels: {}, value: 0 });
  register(registry, name, help, 'counter', () => [...series.values()]);
  return (by, ...values) => {
    find(series, labels, values, (named) => ({ labels: named, value: 0 })).value += by;
  };
}

/** `bounds` are the upper edges of the buckets, ascending; everything above falls into `+Inf`. */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  bounds: readonly number[],
  labels: readonly string[] = [],
): Observe {
  const series = new Map<string, Distribution>();
  if (labels.length === 0) series.set('', distribution({}, bounds));
  register(registry, name, help, 'histogram', () => [...series.values()].flatMap((one) => render(name, one, bounds)));
  return (value, ...values) => {
    const one = find(series, labels, values, (named) => distribution(named, bounds));
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    one.counts[bucket] = (one.counts[bucket] as number) + 1;
    one.sum += value;
  };
}

/** Read when scraped. A reading that throws shows as absent: metrics must answer when something is broken. */
export function gauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | Readonly<Record<string, number>>,
  label = 'name',
): void {
  register(registry, name, help, 'gauge', () => {
    try {
      const now = read();
      if (typeof now === 'number') return [{ labels: {}, value: now }];
      return Object.entries(now)
        .slice(0, SERIES_MAX)
        .map(([key, value]) => ({ labels: { [label]: key }, value }));
    } catch {
      return [];
    }
  });
}

type Labels = Record<string, string>;
interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}
interface Distribution {
  readonly labels: Labels;
  readonly counts: Float64Array;
  sum: number;
}

function distribution(labels: Labels, bounds: readonly number[]): Distribution {
  return { labels, counts: new Float64Array(bounds.length + 1), sum: 0 };
}

/** Prometheus wants each bucket to hold everything up to its edge. */
function render(name: string, one: Distribution, bounds: readonly number[]): Sample[] {
  let total = 0;
  const buckets = Array.from(one.counts, (count, index): Sample => {
    total += count;
    const le = index < bounds.length ? String(bounds[index]) : '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...one.labels, le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: one.labels, value: one.sum },
    { metricName: `${name}_count`, labels: one.labels, value: total },
  ];
}

function find<S>(series: Map<string, S>, names: readonly string[], values: string[], make: (labels: Labels) => S): S {
  const key = values.length === 1 ? (values[0] as string) : values.join('\n');
  const known = series.get(key);
  if (known !== undefined) return known;
  const isFull = series.size >= SERIES_MAX;
  const labels = Object.fromEntries(names.map((name, index) => [name, isFull ? OTHER : (values[index] ?? '')]));
  const slot = isFull ? OTHER : key;
  const made = series.get(slot) ?? make(labels);
  series.set(slot, made);
  return made;
}

function register(registry: Registry, name: string, help: string, type: string, values: () => Sample[]): void {
  const metric = { name, help, type, get: async () => ({ name, help, type, values: values(), aggregator: 'sum' }) };
  registry.registerMetric(metric as unknown as Metric);
}
