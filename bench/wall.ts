/**
 * How much of a browser's main thread the wall takes: beds at one reading a second each, in a real Chromium.
 *
 *   node bench/wall.ts [--beds 200] [--seconds 30] [--throttle 1] [--screen 1920x1080] [--hurry 0]
 *
 * Reports, from Chromium's own counters (CDP Performance), the milliseconds of main thread per second in script, style,
 * layout and all tasks, the frames per second, and the heap before and after. The budget is 150 ms per second for 200
 * beds. The mock ward runs in this process; its work is not in the figures. `--hurry 43200` has the wall take as many
 * updates as twelve hours bring, as fast as they go, before it is measured; the heap on the way is told on stderr, and
 * every ten minutes of a long run.
 */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from '../test/e2e/browser.ts';
import { actionsOf } from '../test/e2e/web-roles.ts';
import { startMockServer } from '../web/dev/mock-server.ts';

const { values } = parseArgs({
  options: {
    beds: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    throttle: { type: 'string', default: '1' },
    screen: { type: 'string', default: '1920x1080' },
    hurry: { type: 'string', default: '0' },
  },
});
const seconds = Number(values.seconds);
const HURRIED = 600;
const TOLD_EVERY_S = 600;
const [width = 1_920, height = 1_080] = values.screen.split('x').map(Number);

execFileSync(process.execPath, [resolve(import.meta.dirname, '../scripts/build-web.ts')], { stdio: 'inherit' });
const browser = await openBrowser();
if (browser === undefined) process.exit(1);
const mock = await startMockServer({ beds: Number(values.beds), signedIn: 'physician', actionsOf });
mock.ward.showEverything(Date.now());
const page = await browser.newPage({ viewport: { width, height } });
const cdp = await page.context().newCDPSession(page);
// CPU time of the thread: on a busy machine the wall clock would count its neighbours.
await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
await cdp.send('Emulation.setCPUThrottlingRate', { rate: Number(values.throttle) });
await page.goto(`${mock.url}/wall`);
await page.waitForSelector('.tile .figure[data-freshness="live"]');
// Settled: history drawn, code compiled.
await page.waitForTimeout(10_000);

const settled = await counters();
for (let done = 0; done < Number(values.hurry); done += HURRIED) {
  await mock.hurry(HURRIED);
  await tellHeap(`${done + HURRIED} updates of each bed`);
}
const before = await counters();
for (let left = seconds; left > 0; left -= TOLD_EVERY_S) {
  await page.waitForTimeout(Math.min(left, TOLD_EVERY_S) * 1_000);
  if (left > TOLD_EVERY_S) await tellHeap(`${seconds - left + TOLD_EVERY_S} s`);
}
const after = await counters();
// Apart: asking for every frame is work of its own.
const framesPerSecond = await page.evaluate(countFrames, 5_000);
const perSecond = (name: string) => Math.round((((after[name] ?? 0) - (before[name] ?? 0)) * 1_000) / took());
const report = {
  beds: Number(values.beds),
  bedsInSight: await page.evaluate(countInSight),
  screen: values.screen,
  seconds: Math.round(took()),
  throttle: Number(values.throttle),
  mainThreadMsPerSecond: {
    allTasks: perSecond('TaskDuration'),
    script: perSecond('ScriptDuration'),
    style: perSecond('RecalcStyleDuration'),
    layout: perSecond('LayoutDuration'),
  },
  framesPerSecond: Math.round(framesPerSecond),
  heapMiB: { before: mebibytes(settled), after: mebibytes(after) },
};
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
await browser.close();
await mock.close();

async function tellHeap(when: string): Promise<void> {
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  process.stderr.write(`${when}: ${mebibytes(await counters())} MiB, ${elements} elements\n`);
}

async function counters(): Promise<Record<string, number>> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

function took(): number {
  return (after['Timestamp'] ?? 0) - (before['Timestamp'] ?? 0);
}

function mebibytes(of: Record<string, number>): number {
  return Math.round((of['JSHeapUsedSize'] ?? 0) / 104_857.6) / 10;
}

/** Runs in the page. */
function countInSight(): number {
  return [...document.querySelectorAll('.tile')].filter((tile) => tile.getBoundingClientRect().top < innerHeight)
    .length;
}

/** Runs in the page. */
function countFrames(ms: number): Promise<number> {
  return new Promise((done) => {
    const start = performance.now();
    let frames = 0;
    const count = () => {
      frames += 1;
      const spent = performance.now() - start;
      if (spent < ms) requestAnimationFrame(count);
      else done((frames * 1_000) / spent);
    };
    requestAnimationFrame(count);
  });
}
