/**
 * Alarms, pages and sustained events under several rule sets, on recorded patients and on simulated ones, through the
 * engine that judges live readings. Puts the figures into docs/alarm-burden.md, all from one run.
 *
 *   node bench/alarm-burden.ts [--data FOLDER] [--design] [--limit N] [--hours H] [--out FILE]
 *
 *   --data     the folder with the PhysioNet archives; default ../shared/data
 *   --design   the patients on whom choices were made, instead of those the report is about; writes no page
 *   --limit    as many patients of each set; to look whether it works
 *   --hours    of each simulated patient; 0 leaves them out
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PatientId } from '../server/src/domain/ids.ts';
import type { AssignedReading } from '../server/src/domain/reading.ts';
import { CHART_SETS, type ChartSet, isForDesign, readCharts } from './alarm-burden/charts.ts';
import { sustainedEvents } from './alarm-burden/events.ts';
import { figuresPage, type Part } from './alarm-burden/report.ts';
import { FOR_CHARTS, FOR_MONITORS, type RuleSet } from './alarm-burden/rule-sets.ts';
import { simulatedReadings } from './alarm-burden/simulated.ts';
import { countPatient, figuresOf, type PatientRow, patientDays, type SetFigures } from './alarm-burden/tally.ts';

const ROOT = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'data') },
    design: { type: 'boolean', default: false },
    limit: { type: 'string', default: '100000' },
    hours: { type: 'string', default: '12' },
    out: { type: 'string', default: join(ROOT, 'docs', 'alarm-burden.md') },
  },
});
/** Every tenth is one of a kind; forty patients for half a day are 1.7 million readings. */
const SIMULATED_PATIENTS = 40;

const parts: Part[] = [];
for (const set of CHART_SETS) {
  const path = join(values.data, set.file);
  if (existsSync(path)) parts.push(chartPart(set, path));
  else process.stderr.write(`${path} is not there: ${set.name} is left out\n`);
}
if (Number(values.hours) > 0) parts.push(simulatedPart(Number(values.hours)));
if (!values.design && parts.length === CHART_SETS.length + 1)
  writeFileSync(values.out, figuresPage(readFileSync(values.out, 'utf8'), parts));
process.stdout.write(`${JSON.stringify(parts, undefined, 1)}\n`);

function chartPart({ name, everyMs }: ChartSet, path: string): Part {
  const stays = readCharts(path, Number(values.limit)).filter(
    ({ patientId, readings }) => readings.length > 0 && isForDesign(patientId) === values.design,
  );
  const rows = stays.map(({ patientId, readings }) => countAll(FOR_CHARTS, patientId, readings, everyMs));
  return partOf(
    name,
    FOR_CHARTS,
    rows,
    stays.reduce((sum, { readings }) => sum + readings.length, 0),
  );
}

function simulatedPart(hours: number): Part {
  let readings = 0;
  const first = values.design ? SIMULATED_PATIENTS : 0;
  const rows = Array.from({ length: SIMULATED_PATIENTS }, (_, index) => {
    const stream = simulatedReadings(first + index, hours);
    readings += stream.length;
    return countAll(FOR_MONITORS, `sim-${index}` as PatientId, stream, 1_000);
  });
  return partOf(`Simulated, one reading a second, ${hours} h each`, FOR_MONITORS, rows, readings);
}

function countAll(
  sets: readonly RuleSet[],
  patientId: PatientId,
  readings: readonly AssignedReading[],
  everyMs: number,
): PatientRow {
  const events = sustainedEvents(readings);
  const untilMs = (readings.at(-1)?.atMs ?? 0) + everyMs;
  return {
    days: patientDays(readings, everyMs),
    events: events.length,
    of: sets.map((set) => countPatient(set, { patientId, readings, events, untilMs })),
  };
}

function partOf(name: string, sets: readonly RuleSet[], rows: readonly PatientRow[], readings: number): Part {
  const startedMs = performance.now();
  const figures = figuresOf(rows, sets.length);
  process.stderr.write(
    `${name}: ${rows.length} patients, ${Math.round(performance.now() - startedMs)} ms to resample\n`,
  );
  return {
    name,
    patients: rows.length,
    days: rows.reduce((sum, { days }) => sum + days, 0),
    readings,
    events: rows.reduce((sum, { events }) => sum + events, 0),
    sets: sets.map((set, index) => ({ ...(figures[index] as SetFigures), name: set.name })),
  };
}
