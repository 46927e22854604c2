import { parseArgs } from 'node:util';
import { runStory } from './story.ts';
import { takeOverTimers } from './virtual-timers.ts';

/**
 * `node test/simulation/run.ts --seeds 10000 --from 1`: runs so many stories, one seed each, and names those that broke
 * a promise. `--seed 42 --trace` tells one of them.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1000' },
    trace: { type: 'boolean', default: false },
  },
});
takeOverTimers();
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const startedMs = performance.now();
let events = 0;
let alarms = 0;
let pages = 0;
const broken: number[] = [];
for (let seed = from; seed < from + count; seed++) {
  const story = await runStory(seed, values.trace ? { onLine: (line) => process.stdout.write(`${line}\n`) } : {});
  events += story.events;
  alarms += story.alarms;
  pages += story.pages;
  if (story.violations.length > 0) {
    broken.push(seed);
    process.stdout.write(`seed ${seed}:\n${story.violations.map((each) => `  ${each}\n`).join('')}`);
    if (broken.length >= 20) break;
  }
}
const seconds = (performance.now() - startedMs) / 1000;
process.stdout.write(
  `${JSON.stringify({ seeds: count, broken: broken.length, seconds: Number(seconds.toFixed(1)), events, alarms, pages })}\n`,
);
process.exitCode = broken.length > 0 ? 1 : 0;
