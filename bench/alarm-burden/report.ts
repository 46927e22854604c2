import { ALARM_POLICY } from '../../server/src/domain/alarm-policy.ts';
import { DEFAULT_RULES } from '../../server/src/domain/rule-defaults.ts';
import type { Interval, SetFigures } from './tally.ts';

/** One data set, counted. */
export interface Part {
  readonly name: string;
  readonly patients: number;
  readonly days: number;
  readonly readings: number;
  readonly events: number;
  readonly sets: readonly (SetFigures & { readonly name: string })[];
}

/** What a person reads first: what each rule set cost, and what it missed. */
export function figuresPage(words: string, parts: readonly Part[]): string {
  return words.replace(
    /<!-- figures -->[\s\S]*<!-- \/figures -->/,
    () => `<!-- figures -->\n${[...parts.map(partText), shippedText()].join('\n\n')}\n<!-- /figures -->`,
  );
}

function partText({ name, patients, days, readings, events, sets }: Part): string {
  const rows = sets.map(
    ({ interval, ...set }) =>
      `| ${[
        set.name,
        `${decimal(set.alarmsPerDay)} ${range(interval.alarmsPerDay, decimal)}`,
        `${decimal(set.pagesPerDay)} ${range(interval.pagesPerDay, decimal)}`,
        decimal(set.againPerDay),
        `${percent(set.fewerNew)} ${range(interval.fewerNew, percent)}`,
        `${percent(set.fewerAll)} ${range(interval.fewerAll, percent)}`,
        `${set.missed} (${percent(events === 0 ? 0 : set.missed / events)})`,
        `${set.unpaged}`,
        set.delayMs === undefined
          ? '–'
          : `${span(set.delayMs.p50)} / ${span(set.delayMs.p90)} / ${span(set.delayMs.max)}`,
        `${percent(set.pagesAtEvents)} ${range(interval.pagesAtEvents, percent)}`,
      ].join(' | ')} |`,
  );
  return [
    `### ${name}`,
    `${patients.toLocaleString('en')} patients, ${Math.round(days).toLocaleString('en')} patient-days, ${readings.toLocaleString('en')} readings, ${events.toLocaleString('en')} sustained events.`,
    '',
    '| rules | alarms per patient-day | new pages per patient-day | told again per patient-day | fewer new pages | fewer pages in all | sustained events missed | without a page | delay of the page: median / p90 / longest | new pages at an event |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The rules as they were installed in this run, so that the figures can be told from those of other rules. */
function shippedText(): string {
  const rules = DEFAULT_RULES.filter(({ kind }) => kind !== 'technical');
  const { high = 0, medium = 0 } = ALARM_POLICY.news2AcknowledgementMs ?? {};
  return [
    `Installed in this run: ${rules.map(({ id, version }) => `\`${id}\` version ${version}`).join(', ')}; an acknowledged NEWS2 alarm is told again after ${span(high)} (high) or ${span(medium)} (medium).`,
  ].join('\n');
}

function range({ low, high }: Interval, show: (value: number) => string): string {
  return `(${show(low)} to ${show(high)})`;
}

function decimal(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}

function percent(value: number): string {
  const text = (100 * value).toFixed(1);
  return `${text.replace('-', '−')} %`;
}

function span(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1).replace('.0', '')} h`;
}
