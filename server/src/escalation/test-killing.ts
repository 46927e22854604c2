import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections, DatabaseAddress } from '../adapters/postgres/connection.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import type { AlarmId, PatientId } from '../domain/ids.ts';
import { openTestWard, QUICK } from './test-ward.ts';

/** What one process is told of its life. */
export interface Life {
  readonly address: DatabaseAddress;
  readonly clock: QuickClock;
  readonly ledger: string;
  readonly deaths: string;
  /** Which of its words that change the database is its last, and whether it is heard. */
  readonly diesAt: number;
  /** The first of these instead, such as `insert into delivery`. */
  readonly diesAtWord?: string;
  readonly isAfter: boolean;
}

/** Shared by all processes of a test: everything happens four times as fast. */
interface QuickClock {
  readonly fromMs: number;
  readonly speed: number;
}

export function clockOf({ fromMs, speed }: QuickClock): () => number {
  return () => Math.round(fromMs + (Date.now() - fromMs) * speed);
}

interface KillingReport {
  readonly kills: number;
  readonly escalations: number;
  /** Each kill counted for every escalation that was open then. */
  readonly interrupted: number;
  readonly pages: number;
  /** Sent again under the key of the first: the other side knows it. */
  readonly repeatedUnderTheirKey: number;
  /** `before insert into delivery` → how often a process died there. */
  readonly deaths: Readonly<Record<string, number>>;
  /** What must not be; empty. */
  readonly wrong: readonly string[];
}

const EVERYBODY = ['chris', 'dora', 'nia', 'olga', 'otto'];
const FIRST_TIME = [
  'nurse.1 nia',
  'charge-nurse-and-doctor.1 chris',
  'charge-nurse-and-doctor.1 dora',
  'on-call.1 otto',
];

/**
 * Opens escalations, a few at a time, and has the process that runs them killed at one word after the other until they
 * are over; some are taken between two lives. Then asks what the other side received and what the tables say.
 */
export async function killAtEveryTransition(parts: {
  readonly database: Connections & { readonly address: DatabaseAddress };
  readonly folder: string;
  readonly kills: number;
  readonly together: number;
  /** Words of which each is to be somebody's last: those that were not yet have the first life of each few escalations. */
  readonly lastWords?: readonly string[];
  /** No new ones after this long. */
  readonly forMs?: number;
}): Promise<KillingReport> {
  const { database, folder, together } = parts;
  const clock: QuickClock = { fromMs: Date.now(), speed: 4 };
  const now = clockOf(clock);
  const ward = await openTestWard(database, new Listener(database), { times: QUICK, now });
  const files = { ledger: join(folder, 'ledger'), deaths: join(folder, 'deaths') };
  const wrong: string[] = [];
  let [kills, escalations, interrupted, word] = [0, 0, 0, 0];

  const untilMs = performance.now() + (parts.forMs ?? Number.POSITIVE_INFINITY);
  while (kills < parts.kills && performance.now() < untilMs) {
    const ids: AlarmId[] = [];
    for (let n = 0; n < together; n++)
      ids.push(
        await ward.condition('began', {
          alarmId: `K${escalations + n}`,
          patientId: `P${escalations + n}` as PatientId,
        }),
      );
    escalations += together;
    const taken = new Map<AlarmId, readonly string[]>();
    for (let lives = 0; (await openOnes()) > 0 || (await waiting()) > 0; lives++) {
      const isLast = lives > LIVES_MAX;
      interrupted += await openOnes();
      word = (word % WORDS) + 1;
      const wanted = lives === 0 ? parts.lastWords?.find((each) => !hasDiedAt(each)) : undefined;
      const died = await live({
        diesAt: isLast ? Number.MAX_SAFE_INTEGER : word,
        ...(wanted !== undefined && { diesAtWord: wanted }),
        isAfter: kills % 2 === 1,
      });
      if (died) kills++;
      else if (wanted !== undefined) throw new Error(`nobody says ${wanted}`);
      // Nobody runs now: whoever is told of it after this was told in vain.
      const id = ids[lives];
      if (lives % 3 === 2 && id !== undefined && (await isOpen(id))) {
        await ward.alarms.acknowledge({ id, by: 'Nia', atMs: now() });
        taken.set(id, await received(id));
      }
    }
    for (const id of ids) wrong.push(...(await faultsOf(id, taken.get(id))));
  }
  const lines = linesOf(files.ledger);
  const deaths: Record<string, number> = {};
  for (const each of linesOf(files.deaths)) deaths[each] = (deaths[each] ?? 0) + 1;
  const pages = new Set(lines).size;
  return { kills, escalations, interrupted, pages, repeatedUnderTheirKey: lines.length - pages, deaths, wrong };

  /** Until it dies, or nothing is left to do. True: it died. */
  async function live(end: Pick<Life, 'diesAt' | 'diesAtWord' | 'isAfter'>): Promise<boolean> {
    const told: Life = { address: database.address, clock, ...files, ...end };
    const program = join(import.meta.dirname, 'test-mortal-process.ts');
    const child = spawn(process.execPath, [program, JSON.stringify(told)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Most of such a life is its birth.
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
    });
    const exited = once(child, 'exit').then(() => 'dead' as const);
    try {
      for (;;) {
        const what = await Promise.race([exited, sleep(40).then(() => 'alive' as const)]);
        if (what === 'dead') {
          if (child.signalCode !== 'SIGKILL') throw new Error(`it ended with ${child.exitCode}`);
          return true;
        }
        if ((await openOnes()) === 0 && (await waiting()) === 0) return false;
      }
    } finally {
      await killed(child, exited);
    }
  }

  function hasDiedAt(what: string): boolean {
    return linesOf(files.deaths).some((line) => line.endsWith(what));
  }

  async function openOnes(): Promise<number> {
    return await count(`select count(*)::int as n from workflow_execution where status = 'RUNNING'`);
  }

  async function waiting(): Promise<number> {
    return await count(`select count(*)::int as n from delivery where state = 'pending'`);
  }

  async function count(sql: string): Promise<number> {
    const { rows } = await database.pool.query<{ n: number }>(sql);
    return rows[0]?.n ?? 0;
  }

  async function isOpen(id: AlarmId): Promise<boolean> {
    return (await ward.escalations.rounds(id)).some(({ end }) => end === undefined);
  }

  /** What the other side has of this alarm: each page once, in the order in which it came first. */
  async function received(id: AlarmId): Promise<readonly string[]> {
    const known = new Map((await ordered(id)).map((each) => [each.id, each.what]));
    return [...new Set(linesOf(files.ledger))].flatMap((key) => known.get(key) ?? []);
  }

  async function ordered(id: AlarmId) {
    const { rows } = await database.pool.query<{
      id: string;
      key: string;
      recipient: string;
      state: string;
      detail: string;
    }>(
      'select id, dedupe_key as key, recipient, state, last_detail as detail from delivery where alarm_id = $1 order by sequence',
      [id],
    );
    return rows.map(({ key, recipient, ...row }) => ({
      ...row,
      what: `${key.split(':')[2]} ${recipient.split('@', 1)[0]}`,
    }));
  }

  async function faultsOf(id: AlarmId, whenTaken: readonly string[] | undefined): Promise<readonly string[]> {
    const pages = await received(id);
    const found: string[] = [];
    const [round, ...more] = await ward.escalations.rounds(id);
    if (new Set(pages).size < pages.length) found.push(`${id}: paged twice: ${pages}`);
    if (more.length > 0) found.push(`${id}: ${more.length + 1} rounds`);
    if (whenTaken !== undefined) {
      if (round?.end !== 'acknowledged') found.push(`${id}: taken, and ended as ${round?.end}`);
      if (String(pages) !== String(whenTaken)) found.push(`${id}: paged after it was taken: ${pages}`);
      return found;
    }
    const run = round === undefined ? undefined : await ward.workflow.find(`${round.definition}:${id}.1`);
    if (round?.end !== 'exhausted') found.push(`${id}: ended as ${round?.end}, ${run?.status} ${run?.error}`);
    // In the order in which they were to be told: a page that is on its way when its process dies waits for its lease to
    // end, and later ones pass it.
    const steps = new Set((await ordered(id)).map(({ what }) => what.split('.')[0]));
    if (String([...steps]) !== 'nurse,charge-nurse-and-doctor,on-call,everyone')
      found.push(`${id}: told in the order ${[...steps]}`);
    for (const page of FIRST_TIME) if (!pages.includes(page)) found.push(`${id}: not told: ${page}`);
    // The first telling of everybody falls to the second where its time passed while no engine was there.
    if (!pages.some((page) => /^everyone\.\d+ olga$/.test(page))) found.push(`${id}: not told: everyone olga`);
    for (const { what, state, detail } of await ordered(id)) {
      // Who was told of this alarm within the minute is not told again: steps of a second are that short.
      const isTold = state === 'delivered' ? pages.includes(what) : detail === 'told-already';
      if (!isTold) found.push(`${id}: ${what} is ${state}, ${detail}`);
    }
    const last = (await ordered(id))
      .filter(({ what }) => what.startsWith('everyone'))
      .map(({ what }) => what.split(' ')[1]);
    for (const who of EVERYBODY) if (!last.includes(who)) found.push(`${id}: not told when everybody was: ${who}`);
    return found;
  }
}

/** Few, so that it dies often: each life begins where the one before it ended, and so each word is somebody's last. */
const WORDS = 16;
/** Then the rest is left to end in peace. */
const LIVES_MAX = 100;

async function killed(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // nothing yet
  }
}
