import * as crypto from 'node:crypto';
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { isGuessable } from './guessable.ts';

/** Hashes and checks passwords, few at a time: each costs some 20 MiB and most of a core for a while. */
export interface Passwords {
  /** A PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`; undefined when too many wait already. */
  hash(password: string): Promise<string | undefined>;
  /**
   * Takes as long for `undefined` (no such user, or one without a password) as for a wrong password. Who comes `first`,
   * from a browser that is known, does not stand behind strangers, however many they are.
   */
  verify(password: string, stored: string | undefined, turn?: 'first' | 'in-order'): Promise<PasswordVerdict>;
}

export type PasswordVerdict =
  /** `rehash`: stored under older parameters; store a new hash now that the password is at hand. */
  { readonly kind: 'right'; readonly rehash: boolean } | { readonly kind: 'wrong' } | { readonly kind: 'busy' };

export interface ScryptCost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

export interface Argon2Cost {
  /** Memory in KiB, passes, lanes. */
  readonly m: number;
  readonly t: number;
  readonly p: number;
}

type Cost = ScryptCost | Argon2Cost;

/** OWASP's Password Storage Cheat Sheet: Argon2id first, with at least these; scrypt, here its 32 MiB, where there is none. */
const ARGON2: Argon2Cost = { m: 19_456, t: 2, p: 1 };
const SCRYPT: ScryptCost = { ln: 15, r: 8, p: 3 };

/** Node has Argon2 since 24.7; it is asked for by name, so that an older one still loads this file. */
const hasArgon2 = typeof crypto.argon2 === 'function';

export function createPasswords(
  options: {
    readonly cost?: Cost;
    /** At once. One: the thread pool that hashes also writes the log, and there may be two cores. */
    readonly concurrent?: number;
    /** Waiting besides. 32 sign-ins take some seconds; whoever comes then is told to try again. */
    readonly waitingMax?: number;
  } = {},
): Passwords {
  const cost = options.cost ?? (hasArgon2 ? ARGON2 : SCRYPT);
  const slots = createSlots(options.concurrent ?? 1, options.waitingMax ?? 32);
  const decoy: Stored = { cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await slots.run(() => derive(password, salt, cost));
      return hash === undefined ? undefined : phcOf({ cost, salt, hash });
    },
    async verify(password, text, turn) {
      const stored = text === undefined ? undefined : parsePhc(text);
      const against = stored ?? decoy;
      const hash = await slots.run(() => derive(password, against.salt, against.cost), turn);
      if (hash === undefined) return { kind: 'busy' };
      const isRight = timingSafeEqual(hash, against.hash) && stored !== undefined;
      return isRight ? { kind: 'right', rehash: !isSameCost(stored.cost, cost) } : { kind: 'wrong' };
    },
  };
}

export type PasswordProblem = 'too-short' | 'too-long' | 'contains-name' | 'repeated' | 'guessable';

/** What is wrong with a new password. Length counts, composition does not (NIST SP 800-63B §5.1.1.2). */
export function passwordProblem(password: string, name: string): PasswordProblem | undefined {
  const normal = password.normalize('NFKC');
  const length = [...normal].length;
  if (length < PASSWORD_LENGTH.min) return 'too-short';
  if (length > PASSWORD_LENGTH.max) return 'too-long';
  if (new Set(normal).size < DISTINCT_CHARACTERS_MIN) return 'repeated';
  // A short name may stand in a good passphrase by chance.
  return name.length >= 4 && normal.toLowerCase().includes(name.toLowerCase()) ? 'contains-name' : undefined;
}

/** All of that, and whether it is guessed easily, which takes some ten milliseconds: not for whoever just comes along. */
export async function passwordFault(password: string, name: string): Promise<PasswordProblem | undefined> {
  return passwordProblem(password, name) ?? ((await isGuessable(password, [name])) ? 'guessable' : undefined);
}

export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;

/** `aaaaaaaaaaaa` and `abababababab` are long, and still nothing. */
const DISTINCT_CHARACTERS_MIN = 5;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

interface Stored {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  // The same characters typed on two keyboards may come composed or decomposed (NFKC, SP 800-63B §5.1.1.2).
  const normal = password.normalize('NFKC');
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, hash: Buffer) => (error === null ? resolve(hash) : reject(error));
    if ('ln' in cost) {
      const { ln, r, p } = cost;
      const N = 2 ** ln;
      // 128·N·r bytes and a little: Node refuses more than `maxmem`.
      scrypt(normal, salt, HASH_BYTES, { N, r, p, maxmem: 128 * r * (N + p + 2) }, done);
    } else {
      const { m, t, p } = cost;
      const parameters = { message: normal, nonce: salt, parallelism: p, tagLength: HASH_BYTES, memory: m, passes: t };
      crypto.argon2('argon2id', parameters, done);
    }
  });
}

function phcOf({ cost, salt, hash }: Stored): string {
  const scheme =
    'ln' in cost ? `scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}` : `argon2id$v=19$m=${cost.m},t=${cost.t},p=${cost.p}`;
  return `$${scheme}$${base64(salt)}$${base64(hash)}`;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

const TAIL = '\\$([A-Za-z0-9+/]{22})\\$([A-Za-z0-9+/]{43})$';
const SCRYPT_PHC = new RegExp(`^\\$scrypt\\$ln=(\\d{1,2}),r=(\\d{1,2}),p=(\\d{1,2})${TAIL}`);
const ARGON2_PHC = new RegExp(`^\\$argon2id\\$v=19\\$m=(\\d{2,7}),t=(\\d{1,2}),p=(\\d{1,2})${TAIL}`);
/** A stored cost beyond this is not ours; obeying it would take 1 GiB. */
const LN_MAX = 18;
const KIB_MAX = 1_048_576;

function parsePhc(text: string): Stored | undefined {
  const cost = scryptCostOf(text) ?? argon2CostOf(text);
  const [, salt, hash] = /\$([^$]+)\$([^$]+)$/.exec(text) ?? [];
  if (cost === undefined || salt === undefined || hash === undefined) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function scryptCostOf(text: string): ScryptCost | undefined {
  const [, ln, r, p] = SCRYPT_PHC.exec(text) ?? [];
  return ln === undefined || Number(ln) < 1 || Number(ln) > LN_MAX
    ? undefined
    : { ln: Number(ln), r: Number(r), p: Number(p) };
}

function argon2CostOf(text: string): Argon2Cost | undefined {
  const [, m, t, p] = ARGON2_PHC.exec(text) ?? [];
  if (m === undefined || !hasArgon2 || Number(p) < 1 || Number(t) < 1) return undefined;
  return Number(m) < 8 * Number(p) || Number(m) > KIB_MAX ? undefined : { m: Number(m), t: Number(t), p: Number(p) };
}

const isSameCost = (a: Cost, b: Cost): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Runs at most `concurrent` at once, lets `waitingMax` more of each kind wait in order, and turns the rest away. */
function createSlots(concurrent: number, waitingMax: number) {
  const first: (() => void)[] = [];
  const inOrder: (() => void)[] = [];
  let running = 0;
  return {
    async run<T>(work: () => Promise<T>, turn: 'first' | 'in-order' = 'in-order'): Promise<T | undefined> {
      if (running >= concurrent) {
        const waiting = turn === 'first' ? first : inOrder;
        if (waiting.length >= waitingMax) return undefined;
        await new Promise<void>((resolve) => waiting.push(resolve)); // whoever ends hands its slot on
      } else {
        running++;
      }
      try {
        return await work();
      } finally {
        const next = first.shift() ?? inOrder.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
