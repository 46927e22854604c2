import { isIPv6 } from 'node:net';

/**
 * How fast passwords may be guessed. Counted are: one name from one network, one network over all names (one password
 * tried on everybody), and one name over all networks (many machines). The first costs growing pauses. The second is
 * capped low, because people share networks. The third makes nobody wait, for whoever made a name wait would keep its
 * owner out: it leaves each network fewer tries before the pauses begin. A browser from which somebody of ours has signed
 * in is counted by itself: whatever strangers do, it does not wait.
 */
export interface SignInLimits {
  /** Counts the attempt as failed until `succeeded`, so that attempts at the same moment count as well. */
  begin(attempt: Attempt): { readonly kind: 'go' } | { readonly kind: 'wait'; readonly retryAfterMs: number };
  succeeded(attempt: Attempt): void;
  /** How many were wrong lately where this one is counted, itself included until it has succeeded. */
  failures(attempt: Attempt): number;
  /** It was never judged: as if it had not been. */
  takeBack(attempt: Attempt): void;
}

export interface Attempt {
  readonly name: string;
  readonly address: string;
  /** How this browser is counted by the mark it got when somebody signed in there (`createBrowserMarks`). */
  readonly browser?: string;
}

export interface Budget {
  /** Failures without a pause. */
  readonly free: number;
  /** The pause doubles with each further failure, from 1 s up to this. */
  readonly pauseMaxMs: number;
}

const BUDGETS = {
  // A person mistypes two or three times; who guesses gets 100 attempts a day.
  pair: { free: 5, pauseMaxMs: 15 * 60_000 },
  // Its owner, in a new browser and at home, may mistype once while others guess.
  pairWhileMany: { free: 2, pauseMaxMs: 15 * 60_000 },
  browser: { free: 5, pauseMaxMs: 15 * 60_000 },
  // A hospital's wards may share one address: at a minute's pause somebody's spraying leaves the others a way in.
  address: { free: 30, pauseMaxMs: 60_000 },
  // A thousand networks together get some 100,000 attempts a day at one name, against passwords of 12 characters and more
  // that are in no list of guesses (`passwords.ts`). A bound for all together would be one that strangers can use up.
  name: { free: 20, pauseMaxMs: 0 },
} as const satisfies SignInBudgets;

export interface SignInBudgets {
  readonly pair: Budget;
  /** Of a name that has been tried beyond what is free for it. */
  readonly pairWhileMany?: Budget;
  readonly browser: Budget;
  readonly address: Budget;
  readonly name: Budget;
}

/**
 * For codes of six digits, of which three are right at any time: whoever guesses has the password already, so a bound for
 * all together is needed, and can be used up only by who has it. It costs only a browser where nobody of ours ever signed
 * in, and there a passkey or a recovery code does not wait. 100 guesses a day from anywhere find one in nine years.
 */
export const CODE_BUDGETS: SignInBudgets = { ...BUDGETS, name: { free: 10, pauseMaxMs: 15 * 60_000 } };

/** Counts are forgotten after an hour without failure. */
const FORGET_MS = 3_600_000;
/** About 3 MB. To push a count out takes as many attempts from as many addresses, each of which waits. */
const COUNTS_MAX = 20_000;

export function createSignInLimits(options: {
  readonly now: () => number;
  readonly countsMax?: number;
  readonly budgets?: SignInBudgets;
}): SignInLimits {
  const budgets = options.budgets ?? BUDGETS;
  const countsMax = options.countsMax ?? COUNTS_MAX;
  const counts = new Map<string, Count>();

  function countOf(key: string, nowMs: number): Count {
    const count = counts.get(key);
    // Also what lies that far ahead: a clock that was set back must keep nobody out until it comes there again.
    return count === undefined || Math.abs(nowMs - count.lastMs) > FORGET_MS ? NONE : count;
  }

  function store(key: string, count: Count): void {
    counts.delete(key); // the least recently touched comes first, and goes first
    if (count.failures === 0) return;
    counts.set(key, count);
    if (counts.size > countsMax) counts.delete(counts.keys().next().value as string);
  }

  function keysFor(attempt: Attempt, nowMs: number) {
    const isTriedByMany = countOf(nameKey(attempt.name), nowMs).failures >= budgets.name.free;
    return keysOf(attempt, isTriedByMany ? { ...budgets, pair: budgets.pairWhileMany ?? budgets.pair } : budgets);
  }

  return {
    begin(attempt) {
      const nowMs = options.now();
      const keys = keysFor(attempt, nowMs);
      const waitMs = Math.max(...keys.map(([key]) => countOf(key, nowMs).blockedUntilMs - nowMs));
      if (waitMs > 0) return { kind: 'wait', retryAfterMs: waitMs };
      for (const [key, budget] of keys) store(key, failedOnce(countOf(key, nowMs), budget, nowMs));
      return { kind: 'go' };
    },
    succeeded(attempt) {
      const nowMs = options.now();
      const [own, ...shared] = keysFor(attempt, nowMs);
      store(own[0], NONE);
      // Only this attempt is taken back: with an account of one's own, the others' counts cannot be wiped.
      for (const [key, budget] of shared) store(key, takenBack(countOf(key, nowMs), budget));
    },
    failures(attempt) {
      const nowMs = options.now();
      const counted = keysFor(attempt, nowMs).filter(([key]) => key !== addressKey(attempt.address));
      return Math.max(...counted.map(([key]) => countOf(key, nowMs).failures));
    },
    takeBack(attempt) {
      const nowMs = options.now();
      for (const [key, budget] of keysFor(attempt, nowMs)) store(key, takenBack(countOf(key, nowMs), budget));
    },
  };
}

interface Count {
  readonly failures: number;
  readonly lastMs: number;
  readonly blockedUntilMs: number;
}

const NONE: Count = { failures: 0, lastMs: 0, blockedUntilMs: 0 };

function failedOnce(count: Count, budget: Budget, nowMs: number): Count {
  const failures = count.failures + 1;
  const over = failures - budget.free;
  const pauseMs = over < 0 ? 0 : Math.min(1000 * 2 ** Math.min(over, 30), budget.pauseMaxMs);
  return { failures, lastMs: nowMs, blockedUntilMs: nowMs + pauseMs };
}

function takenBack(count: Count, budget: Budget): Count {
  const failures = Math.max(0, count.failures - 1);
  return { ...count, failures, blockedUntilMs: failures < budget.free ? 0 : count.blockedUntilMs };
}

type Keyed = readonly [key: string, budget: Budget];

/** The attempt's own count first. JSON keeps a crafted name from imitating another key. */
function keysOf({ name, address, browser }: Attempt, budgets: SignInBudgets): readonly [Keyed, ...Keyed[]] {
  if (browser !== undefined) {
    const own: Keyed = [JSON.stringify([name, 'browser', browser]), budgets.browser];
    // Whoever earned it for their own account may not try one password on everybody's: over all names it is an address.
    return browser.startsWith(OTHERS_MARK) ? [own, [JSON.stringify(['browser', browser]), budgets.address]] : [own];
  }
  return [
    [JSON.stringify([name, 'from', networkOf(address)]), budgets.pair],
    [addressKey(address), budgets.address],
    [nameKey(name), budgets.name],
  ];
}

/** As `createBrowserMarks` says of a browser where somebody else has signed in. */
export const OTHERS_MARK = 'of ';

const addressKey = (address: string): string => JSON.stringify(['address', networkOf(address)]);
const nameKey = (name: string): string => JSON.stringify(['name', name]);

/** An IPv6 site has 2^64 addresses to try from: its /64 counts as one. IPv4 in IPv6 clothes counts as IPv4. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
