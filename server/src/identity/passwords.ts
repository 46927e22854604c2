import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Hashes and checks passwords, few at a time: each costs 32 MiB and most of a core for a while. */
export interface Passwords {
  /** A PHC string, `$scrypt$ln=15,r=8,p=3$salt$hash`; undefined when too many wait already. */
  hash(password: string): Promise<string | undefined>;
  /** Takes as long for `undefined` (no such user, or one without a password) as for a wrong password. */
  verify(password: string, stored: string | undefined): Promise<PasswordVerdict>;
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

/**
 * One of the equal choices of OWASP's Password Storage Cheat Sheet (N=2^15, r=8, p=3): 32 MiB instead of the 128 MiB of
 * N=2^17, since it runs beside the readings.
 */
const COST: ScryptCost = { ln: 15, r: 8, p: 3 };

export function createPasswords(
  options: {
    readonly cost?: ScryptCost;
    /** At once. One: the thread pool that hashes also writes the log, and there may be two cores. */
    readonly concurrent?: number;
    /** Waiting besides. 32 sign-ins take some seconds; whoever comes then is told to try again. */
    readonly waitingMax?: number;
  } = {},
): Passwords {
  const cost = options.cost ?? COST;
  const slots = createSlots(options.concurrent ?? 1, options.waitingMax ?? 32);
  const decoy: Stored = { cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await slots.run(() => derive(password, salt, cost));
      return hash === undefined ? undefined : phcOf({ cost, salt, hash });
    },
    async verify(password, text) {
      const stored = text === undefined ? undefined : parsePhc(text);
      const against = stored ?? decoy;
      const hash = await slots.run(() => derive(password, against.salt, against.cost));
      if (hash === undefined) return { kind: 'busy' };
      const isRight = timingSafeEqual(hash, against.hash) && stored !== undefined;
      return isRight ? { kind: 'right', rehash: !isSameCost(stored.cost, cost) } : { kind: 'wrong' };
    },
  };
}

export type PasswordProblem = 'too-short' | 'too-long' | 'contains-name' | 'repeated';

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

export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;

/** `aaaaaaaaaaaa` and `abababababab` are long, and still nothing. */
const DISTINCT_CHARACTERS_MIN = 5;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

interface Stored {
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function derive(password: string, salt: Buffer, { ln, r, p }: ScryptCost): Promise<Buffer> {
  const N = 2 ** ln;
  // The same characters typed on two keyboards may come composed or decomposed (NFKC, SP 800-63B §5.1.1.2).
  const normal = password.normalize('NFKC');
  return new Promise((resolve, reject) => {
    // 128·N·r bytes and a little: Node refuses more than `maxmem`.
    scrypt(normal, salt, HASH_BYTES, { N, r, p, maxmem: 128 * r * (N + p + 2) }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

const phcOf = ({ cost: { ln, r, p }, salt, hash }: Stored): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(hash)}`;

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;
/** A stored cost beyond this is not ours; obeying it would take 1 GiB. */
const LN_MAX = 18;

function parsePhc(text: string): Stored | undefined {
  const [, ln, r, p, salt, hash] = PHC.exec(text) ?? [];
  if (salt === undefined || hash === undefined || Number(ln) < 1 || Number(ln) > LN_MAX) return undefined;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

const isSameCost = (a: ScryptCost, b: ScryptCost): boolean => a.ln === b.ln && a.r === b.r && a.p === b.p;

/** Runs at most `concurrent` at once, lets `waitingMax` more wait in order, and turns the rest away. */
function createSlots(concurrent: number, waitingMax: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run<T>(work: () => Promise<T>): Promise<T | undefined> {
      if (running >= concurrent) {
        if (waiting.length >= waitingMax) return undefined;
        await new Promise<void>((resolve) => waiting.push(resolve)); // whoever ends hands its slot on
      } else {
        running++;
      }
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
