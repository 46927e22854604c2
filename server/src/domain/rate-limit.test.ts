import { describe, expect, it } from 'vitest';
import { admit, type Bucket, fullBucket, isCrowded, isFull, type Rank, type RateLimit } from './rate-limit.ts';

const LIMIT: RateLimit = { burst: 3, perMinute: 6 };
const INTERVAL_MS = 10_000;

/** Asks one after another, and remembers the bucket. */
function gate(limit = LIMIT) {
  let bucket: Bucket = fullBucket(limit, 0);
  return {
    ask(nowMs: number, rank: Rank = 1, mustGo = false) {
      const admission = admit(bucket, limit, { nowMs, rank, mustGo });
      bucket = admission.bucket;
      return admission.kind === 'go' ? 'go' : admission.untilMs;
    },
    bucket: () => bucket,
  };
}

describe('a bucket', () => {
  it('lets a burst through, then one per interval', () => {
    const { ask } = gate();
    expect([ask(0), ask(0), ask(0), ask(0)]).toEqual(['go', 'go', 'go', INTERVAL_MS]);
    expect(ask(INTERVAL_MS)).toBe('go');
    expect(ask(INTERVAL_MS)).not.toBe('go');
  });
  it('tells those that wait different moments', () => {
    const { ask } = gate();
    for (let i = 0; i < 3; i++) ask(0);
    expect([ask(0), ask(0), ask(0)]).toEqual([INTERVAL_MS, 2 * INTERVAL_MS, 3 * INTERVAL_MS]);
  });
  it('lets a more urgent one wait for less', () => {
    const { ask } = gate();
    for (let i = 0; i < 3; i++) ask(0);
    expect([ask(0, 2), ask(0, 2), ask(0, 1), ask(0, 2)]).toEqual([
      INTERVAL_MS,
      2 * INTERVAL_MS,
      INTERVAL_MS,
      3 * INTERVAL_MS,
    ]);
  });
  it('never holds what must go, and lets the others pay for it, by at most one more burst', () => {
    const { ask } = gate();
    for (let i = 0; i < 500; i++) expect(ask(0, 0, true)).toBe('go');
    expect(ask(0, 2)).toBe(4 * INTERVAL_MS);
  });
  it('is full again after a rest, and knows whether anybody waits', () => {
    const { ask, bucket } = gate();
    for (let i = 0; i < 4; i++) ask(0);
    expect([isFull(bucket(), LIMIT, 0), isCrowded(bucket(), 0)]).toEqual([false, true]);
    expect([isFull(bucket(), LIMIT, 3 * INTERVAL_MS), isCrowded(bucket(), 3 * INTERVAL_MS)]).toEqual([true, false]);
  });
  it('takes a clock that runs backwards for no time', () => {
    const { ask } = gate();
    for (let i = 0; i < 3; i++) ask(60_000);
    expect(ask(0)).not.toBe('go');
  });
});

it('whatever comes when: no more than burst and rate, what must go goes, nothing waits for ever (200 invented days)', () => {
  const wrong: string[] = [];
  for (let day = 1; day <= 200; day++) {
    let seed = day * 7919;
    const random = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    const limit = { burst: 1 + Math.floor(random() * 6), perMinute: 1 + Math.floor(random() * 30) };
    const { ask } = gate(limit);
    const due = Array.from({ length: 60 }, () => ({
      atMs: Math.floor(random() * 120_000),
      rank: Math.floor(random() * 3) as Rank,
      mustGo: random() < 0.15,
    }));
    /** When those went that may wait. */
    const went: number[] = [];
    for (let steps = 0; due.length > 0; steps++) {
      if (steps > 5_000) {
        wrong.push(`day ${day}: ${due.length} wait for ever`);
        break;
      }
      due.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank);
      const next = due.shift() as (typeof due)[number];
      const answer = ask(next.atMs, next.rank, next.mustGo);
      if (answer === 'go') {
        if (!next.mustGo) went.push(next.atMs);
      } else {
        if (next.mustGo || answer <= next.atMs) wrong.push(`day ${day}: ${JSON.stringify(next)} → ${answer}`);
        due.push({ ...next, atMs: answer });
      }
    }
    // From one to the one after a whole burst lies at least the time in which the bucket makes one token.
    for (const [i, atMs] of went.entries()) {
      const laterMs = went[i + limit.burst];
      if (laterMs !== undefined && laterMs - atMs < 60_000 / limit.perMinute - 2) wrong.push(`day ${day}: too fast`);
    }
  }
  expect(wrong).toEqual([]);
});
