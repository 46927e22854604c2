import { isIPv6 } from 'node:net';

/**
 * How fast passwords may be guessed. Three counts, each with growing pauses: of one name from one address, of one
 * address over all names (one password tried on everybody), and of one name over all addresses (many machines). The
 * last two are capped low, because people share them: guessing slows others at worst, and never locks them out.
 * A browser that has signed in before is counted by itself alone: whatever others do, it does not wait.
 */
export interface SignInLimits {
  /** Counts the attempt as failed until `succeeded`, so that attempts at the same moment count as well. */
  begin(attempt: Attempt): { readonly kind: 'go' } | { readonly kind: 'wait'; readonly retryAfterMs: number };
  succeeded(attempt: Attempt): void;
}

export interface Attempt {
  readonly name: string;
  readonly address: string;
  /** Of the mark this browser got when somebody signed in to this name with it. */
  readonly browserNonce?: string;
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
  browser: { free: 5, pauseMaxMs: 15 * 60_000 },
  // A hospital's wards may share one address: at a minute's pause somebody's spraying leaves the others a way in.
  address: { free: 30, pauseMaxMs: 60_000 },
  // Many machines together get 17,000 attempts a day at one name, against passwords of 12 characters and more.
  name: { free: 20, pauseMaxMs: 5_000 },
} as const satisfies SignInBudgets;

export interface SignInBudgets {
  readonly pair: Budget;
  readonly browser: Budget;
  readonly address: Budget;
  readonly name: Budget;
}

/**
 * For codes of six digits, of which three are right at any time: whoever guesses has the password already, so waiting
 * long costs only a browser that never signed in. 100 guesses a day from anywhere find one in nine years.
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

  return {
    begin(attempt) {
      const nowMs = options.now();
      const keys = keysOf(attempt, budgets);
      const waitMs = Math.max(...keys.map(([key]) => countOf(key, nowMs).blockedUntilMs - nowMs));
      if (waitMs > 0) return { kind: 'wait', retryAfterMs: waitMs };
      for (const [key, budget] of keys) store(key, failedOnce(countOf(key, nowMs), budget, nowMs));
      return { kind: 'go' };
    },
    succeeded(attempt) {
      const nowMs = options.now();
      const [own, ...shared] = keysOf(attempt, budgets);
      store(own[0], NONE);
      // Only this attempt is taken back: with an account of one's own, the others' counts cannot be wiped.
      for (const [key, budget] of shared) store(key, takenBack(countOf(key, nowMs), budget));
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
function keysOf({ name, address, browserNonce }: Attempt, budgets: SignInBudgets): readonly [Keyed, ...Keyed[]] {
  if (browserNonce !== undefined) return [[JSON.stringify([name, 'browser', browserNonce]), budgets.browser]];
  const network = networkOf(address);
  return [
    [JSON.stringify([name, 'from', network]), budgets.pair],
    [JSON.stringify(['address', network]), budgets.address],
    [JSON.stringify(['name', name]), budgets.name],
  ];
}

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
