/** One sample of a Prometheus text exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one metric; comments, other metrics and lines that are none are passed over. */
export function samplesOf(text: string, name: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return [];
    const found = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (found === null || found[1] !== name) return [];
    const labels = Object.fromEntries(
      [...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, k, v]) => [k, v]),
    );
    return [{ labels, value: Number(found[3]) }];
  });
}

export const sumOf = (samples: readonly Sample[]): number => samples.reduce((sum, { value }) => sum + value, 0);
