import { openSync, writeSync } from 'node:fs';
import type pg from 'pg';
import { connect } from '../adapters/postgres/connection.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import type { Notifier } from '../ports/notifier.ts';
import { createChannelWatch } from '../vitals/5-notify/channel-watch.ts';
import { startTeller, type Teller } from '../vitals/5-notify/teller.ts';
import { clockOf, type Life } from './test-killing.ts';
import { openTestWard, QUICK } from './test-ward.ts';

/**
 * A process of its own that runs escalations and sends their pages, and kills itself (SIGKILL) at its nth word that
 * changes the database: before it is said, or after, when nobody hears the answer. For the tests of what that leaves.
 *
 *   node test-mortal-process.ts LIFE-AS-JSON
 *
 * Every page that is sent is a line in the ledger: the other side, which the death of this one does not touch.
 */
const life = JSON.parse(process.argv[2] ?? '') as Life;
const now = clockOf(life.clock);
const ledger = openSync(life.ledger, 'a');
const deaths = openSync(life.deaths, 'a');

let isAtWork = false;
let words = 0;
function said(what: string, isAfter: boolean): void {
  if (!isAfter) words++;
  const isLast = life.diesAtWord === undefined ? words === life.diesAt : what === life.diesAtWord;
  if (!isLast || isAfter !== life.isAfter) return;
  writeSync(deaths, `${isAfter ? 'after' : 'before'} ${what}\n`);
  process.kill(process.pid, 'SIGKILL');
}

const database = connect(life.address, { connectionsMax: 6 });
database.pool.on('connect', listenTo);

/** Reading changes nothing: to die beside it is to die before the next word. */
function listenTo(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown;
  let hasWritten = false;
  client.query = ((...given: unknown[]) => {
    const [first] = given;
    const text = typeof first === 'string' ? first : (first as { readonly text: string }).text;
    if (text === 'begin') hasWritten = false;
    const [, verb, table] = /(?<!for )\b(insert into|update|delete from) (\w+)/.exec(text) ?? [];
    const what = verb !== undefined ? `${verb} ${table}` : text === 'commit' && hasWritten ? 'commit' : undefined;
    // Keeping the definitions at the start is no part of an escalation.
    if (what === undefined || !isAtWork) return query(...given);
    hasWritten = true;
    said(what, false);
    const callback = given.at(-1);
    if (typeof callback !== 'function')
      return (query(...given) as Promise<unknown>).then((answer) => {
        said(what, true);
        return answer;
      });
    return query(...given.slice(0, -1), (...answer: unknown[]) => {
      said(what, true);
      (callback as (...all: unknown[]) => void)(...answer);
    });
  }) as typeof client.query;
}

const notifier: Notifier = {
  channel: 'smtp',
  type: 'smtp',
  async send(_, { idempotencyKey }) {
    writeSync(ledger, `${idempotencyKey}\n`);
    return { kind: 'delivered' };
  },
};
let teller: Teller | undefined;
const ward = await openTestWard(database, new Listener(database), {
  times: QUICK,
  seed: false,
  now,
  onOrdered: () => teller?.wake(),
  leaseMs: 600_000,
});
teller = startTeller({
  outbox: ward.outbox,
  notifiers: [notifier],
  subscribers: async () => ({ subscriptions: [], people: new Map() }),
  policies: async () => new Map(),
  sources: { placeOf: () => ({ bed: 'W3-01' }) },
  watch: createChannelWatch({ channels: ['smtp'], systemAlarms: ward.systemAlarms, now }),
  now,
  monotonicMs: () => performance.now(),
  random: () => 0.5,
  // Of the quick clock: half a second.
  settings: { pollMs: 50, leaseMs: 2_000 },
});
isAtWork = true;
await ward.startEngine('engine-1');
