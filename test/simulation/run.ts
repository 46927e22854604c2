import { parseArgs } from 'node:util';
import { PLANTED } from './planted.ts';
import { runStory } from './story.ts';
import { takeOverTimers } from './virtual-timers.ts';

/**
 * The simulator as a program, since it takes over the timers of its process:
 *
 *   node test/simulation/run.ts --from 1 --seeds 10000     so many stories, one for each seed; names those that broke a promise
 *   node test/simulation/run.ts --seed 42 --trace          tells one of them, the same every time
 *   node test/simulation/run.ts --planted                  plants each known bug, and says which seed found it
 *
 * One line of JSON for each story that broke a promise (or bug that was planted), and one at the end.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1000' },
    trace: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    /** Only the planted bug whose name holds this. */
    only: { type: 'string', default: '' },
  },
});
/** A broken promise breaks many: the first few tell enough. */
const BROKEN_MAX = 20;

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const onLine = (line: string) => void process.stdout.write(`${line}\n`);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

takeOverTimers();
if (values.planted) await plantAll();
else await runAll();

async function runAll(): Promise<void> {
  const startedMs = performance.now();
  const sum = { events: 0, alarms: 0, pages: 0, lives: 0, lastedSeconds: 0 };
  let broken = 0;
  let ran = 0;
  for (let seed = from; seed < from + count && broken < BROKEN_MAX; seed++, ran++) {
    const story = await runStory(seed, values.trace ? { onLine } : {});
    for (const name of ['events', 'alarms', 'pages', 'lives', 'lastedSeconds'] as const) sum[name] += story[name];
    if (story.violations.length === 0) continue;
    broken++;
    say({ seed, violations: story.violations });
  }
  // What a story tells must be the same every time: how long it took is not part of it.
  say({ seeds: ran, broken, ...sum, ...(values.trace ? {} : timeTaken(startedMs)) });
  process.exitCode = broken > 0 ? 1 : 0;
}

function timeTaken(startedMs: number) {
  const { user, system } = process.cpuUsage();
  const shown = (ms: number) => Number((ms / 1_000).toFixed(1));
  return { seconds: shown(performance.now() - startedMs), cpuSeconds: shown((user + system) / 1_000) };
}

async function plantAll(): Promise<void> {
  let missed = 0;
  for (const planted of PLANTED.filter(({ name }) => name.includes(values.only))) {
    let found: { readonly seed: number; readonly violations: readonly string[] } | undefined;
    for (let seed = from; seed < from + count && found === undefined; seed++) {
      const { violations } = await runStory(seed, { planted, ...(values.trace ? { onLine } : {}) });
      if (violations.length > 0) found = { seed, violations };
    }
    if (found === undefined) missed++;
    say({ planted: planted.name, seed: found?.seed ?? null, violation: found?.violations[0] ?? null });
  }
  process.exitCode = missed > 0 ? 1 : 0;
}
