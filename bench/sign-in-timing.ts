import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { withOpenData } from '../server/src/apps/open-data.ts';
import { startTestProgram } from '../server/src/apps/test-program.ts';
import type { UserId } from '../server/src/domain/ids.ts';
import { createPasswords } from '../server/src/identity/passwords.ts';

/**
 * What the time of a refusal tells a stranger: whether there is somebody of that name. The four kinds of refusal are
 * asked for in turn, each from an address of its own, on a connection that stands, and timed to the first byte of the
 * answer. `tells` is the probability that one of that kind takes longer than one of a name nobody has: 0.5 is nothing,
 * and within `margin` (95 %) of it nothing can be told by so many tries. Milliseconds. One JSON object on stdout.
 *
 *   node bench/sign-in-timing.ts [tries=100]
 */
const tries = Number(process.argv[2] ?? 100);
const PASSWORD = 'correct horse battery';
const KINDS = ['nobody', 'wrong', 'left', 'without'] as const;
type Kind = (typeof KINDS)[number];
/** So many names that none is made to wait for having been tried. */
const NAMES = Math.ceil(tries / 3);
let addresses = 0;

const program = await startTestProgram([]);
try {
  const passwordHash = await createPasswords().hash(PASSWORD);
  await withOpenData(program.settings, Date.now, async ({ accounts }) => {
    for (let i = 0; i < NAMES; i++) {
      const user = (kind: Kind) => ({
        id: `u-${kind}-${i}` as UserId,
        name: `${kind}-${i}`,
        displayName: kind,
        roles: ['nurse' as const],
        wardIds: [],
      });
      await accounts.putUser({ ...user('wrong'), ...(passwordHash !== undefined && { passwordHash }) });
      await accounts.putUser({ ...user('left'), disabledAtMs: 1, ...(passwordHash !== undefined && { passwordHash }) });
      await accounts.putUser(user('without'));
    }
  });
  const times = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
  for (let i = -10; i < tries; i++)
    for (const kind of KINDS) {
      const ms = await refusal(`${kind}-${(i + NAMES) % NAMES}`, kind === 'left' ? PASSWORD : 'wrong horse battery');
      if (i >= 0) times.get(kind)?.push(ms);
    }
  const nobody = times.get('nobody') ?? [];
  const told = KINDS.map((kind) => [kind, summary(times.get(kind) ?? [], nobody)]);
  process.stdout.write(`${JSON.stringify({ tries, margin: round(marginOf(tries)), ...Object.fromEntries(told) })}\n`);
} finally {
  await program.stop();
}

async function refusal(name: string, password: string): Promise<number> {
  const number = ++addresses;
  const own = `127.1.${number >> 8}.${number & 255}`;
  const below = connectTcp({ host: '127.0.0.1', port: Number(new URL(program.https).port), localAddress: own });
  const socket = connect({
    socket: below,
    servername: 'localhost',
    ca: readFileSync(join(program.settings.dataFolder, 'pki', 'server-ca.pem')),
  });
  await once(socket, 'secureConnect');
  const body = JSON.stringify({ name, password });
  const head = `POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
  const startedMs = performance.now();
  socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  const ms = performance.now() - startedMs;
  socket.destroy();
  if (!first.toString('latin1').startsWith('HTTP/1.1 401')) throw new Error(first.toString('latin1').slice(0, 40));
  return ms;
}

function summary(some: readonly number[], nobody: readonly number[]) {
  const sorted = some.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
  return { p50: at(0.5), p95: at(0.95), tells: round(probabilityOfLonger(some, nobody)) };
}

/** Mann and Whitney's U, as a share of all pairs. */
function probabilityOfLonger(some: readonly number[], others: readonly number[]): number {
  let longer = 0;
  for (const a of some) for (const b of others) longer += a > b ? 1 : a === b ? 0.5 : 0;
  return longer / (some.length * others.length);
}

/** 1.96 standard errors of that share where both are the same. */
function marginOf(n: number): number {
  return 1.96 * Math.sqrt((2 * n + 1) / (12 * n * n));
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
