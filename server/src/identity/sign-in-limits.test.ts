import { describe, expect, it } from 'vitest';
import { type Attempt, createSignInLimits, networkOf } from './sign-in-limits.ts';

function limitsAt(start: number, countsMax?: number) {
  const clock = { nowMs: start };
  const limits = createSignInLimits({ now: () => clock.nowMs, ...(countsMax === undefined ? {} : { countsMax }) });
  const waitOf = (attempt: Attempt) => {
    const permission = limits.begin(attempt);
    return permission.kind === 'go' ? 0 : permission.retryAfterMs;
  };
  /** Guesses as fast as it is let, for `ms`; answers with how many attempts that gave. */
  const guessFor = (ms: number, attemptOf: (i: number) => Attempt) => {
    const end = clock.nowMs + ms;
    let made = 0;
    while (clock.nowMs < end) {
      const waitMs = waitOf(attemptOf(made));
      if (waitMs === 0) made++;
      clock.nowMs += waitMs;
    }
    return made;
  };
  return { clock, limits, waitOf, guessFor };
}

const START = Date.parse('2026-11-22T03:00:00Z');
const HOUR = 3_600_000;
const anna = { name: 'anna', address: '10.0.0.7' };

describe('guessing one name from one address', () => {
  it('is free five times, then costs pauses that double up to a quarter of an hour', () => {
    const { clock, waitOf } = limitsAt(START);
    const waits: number[] = [];
    for (let i = 0; i < 17; i++) {
      expect(waitOf(anna)).toBe(0);
      const waitMs = waitOf(anna);
      waits.push(waitMs);
      clock.nowMs += waitMs;
    }
    expect(waits.slice(0, 9)).toEqual([0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000].slice(0, 9));
    expect(waits.at(-1)).toBe(15 * 60_000);
  });

  it('gives little in a day', () => {
    const { guessFor } = limitsAt(START);
    expect(guessFor(24 * HOUR, () => anna)).toBeLessThan(120);
  });

  it('counts attempts that are made at the same moment', () => {
    const { waitOf } = limitsAt(START);
    const waits = Array.from({ length: 50 }, () => waitOf(anna));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(5);
  });

  it('is forgotten on success, and an hour after the last failure', () => {
    const { clock, limits, waitOf } = limitsAt(START);
    for (let i = 0; i < 4; i++) waitOf(anna);
    waitOf(anna);
    limits.succeeded(anna);
    for (let i = 0; i < 5; i++) expect(waitOf(anna)).toBe(0);
    expect(waitOf(anna)).toBe(1000);
    clock.nowMs += HOUR + 1;
    for (let i = 0; i < 5; i++) expect(waitOf(anna)).toBe(0);
  });
});

describe('somebody else’s guessing', () => {
  it('never keeps out a person at a browser that has signed in before', () => {
    const { limits, waitOf, guessFor } = limitsAt(START);
    guessFor(HOUR, () => anna);
    guessFor(HOUR, (i) => ({ name: 'anna', address: `192.0.2.${i % 250}` }));
    const known = { ...anna, browser: 'own n' };
    expect(waitOf(known)).toBe(0);
    limits.succeeded(known);
    expect(waitOf(known)).toBe(0);
  });

  it('from however many networks makes nobody else wait: its owner gets in in a new browser, mistyping once', () => {
    const { clock, limits, waitOf } = limitsAt(START);
    for (let minute = 0; minute < 60; minute++) {
      for (let i = 0; i < 100; i++) waitOf({ name: 'anna', address: `2001:db8:${(minute * 100 + i).toString(16)}::1` });
      clock.nowMs += 60_000;
    }
    expect([waitOf(anna), waitOf(anna)]).toEqual([0, 0]);
    limits.succeeded(anna);
    expect(waitOf(anna)).toBe(0);
  });

  it('leaves each of many networks two tries before the pauses begin', () => {
    const { waitOf } = limitsAt(START);
    for (let i = 0; i < 20; i++) waitOf({ name: 'anna', address: `192.0.2.${i}` });
    expect([waitOf(anna), waitOf(anna), waitOf(anna)]).toEqual([0, 0, 1000]);
    expect(waitOf({ name: 'berta', address: '10.0.0.9' })).toBe(0);
  });

  it('of everybody’s password from a browser that a colleague earned delays what that colleague earned alone', () => {
    const { guessFor, waitOf } = limitsAt(START);
    const made = guessFor(HOUR, (i) => ({ name: `user${i}`, address: `10.0.${i % 250}.7`, browser: 'of mallory' }));
    expect(made).toBeLessThan(120);
    expect(waitOf({ name: 'berta', address: '10.0.0.7', browser: 'of carla' })).toBe(0);
    expect(waitOf({ name: 'berta', address: '10.0.0.7', browser: 'own n' })).toBe(0);
  });

  it('of everybody’s password from one address delays that address by a minute at most', () => {
    const { guessFor, waitOf } = limitsAt(START);
    expect(guessFor(HOUR, (i) => ({ name: `user${i}`, address: '10.0.0.7' }))).toBeLessThan(120);
    expect(waitOf({ name: 'berta', address: '10.0.0.7' })).toBeLessThanOrEqual(60_000);
    expect(waitOf({ name: 'berta', address: '10.0.0.8' })).toBe(0);
  });

  it('is not wiped by signing in to an account of one’s own in between', () => {
    const { limits, waitOf, guessFor } = limitsAt(START);
    const own = { name: 'mallory', address: '10.0.0.7' };
    const made = guessFor(HOUR, (i) => {
      if (waitOf(own) === 0) limits.succeeded(own);
      return { name: `user${i}`, address: '10.0.0.7' };
    });
    expect(made).toBeLessThan(120);
  });
});

describe('a browser that was taken over', () => {
  it('is slowed like any other', () => {
    const { guessFor } = limitsAt(START);
    expect(guessFor(24 * HOUR, () => ({ ...anna, browser: 'own n' }))).toBeLessThan(120);
  });
});

it('an attempt that was never judged was none', () => {
  const { limits, waitOf } = limitsAt(START);
  for (let i = 0; i < 50; i++) {
    expect(waitOf(anna)).toBe(0);
    limits.takeBack(anna);
  }
});

describe('the counts', () => {
  it('are bounded, and the latest stay', () => {
    const { waitOf } = limitsAt(START, 30);
    for (let i = 0; i < 10; i++) waitOf(anna);
    for (let i = 0; i < 9; i++) waitOf({ name: `u${i}`, address: `10.0.1.${i}` });
    expect(waitOf(anna)).toBeGreaterThan(0);
  });
});

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8:0001::', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
