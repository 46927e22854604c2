import { describe, expect, it } from 'vitest';
import { RequestBudget } from './request-budget.ts';

describe('a budget of requests', () => {
  it('gives a minute’s worth at once, then evenly', () => {
    const budget = new RequestBudget({ perMinute: 60 });
    for (let i = 0; i < 60; i++) expect(budget.take('a', 1, 0)).toBe(0);
    expect(budget.take('a', 1, 0)).toBe(1_000);
    expect(budget.take('a', 1, 999)).toBe(1);
    expect(budget.take('a', 1, 1_000)).toBe(0);
    expect(budget.take('a', 1, 1_000)).toBe(1_000);
  });
  it('is each caller’s own', () => {
    const budget = new RequestBudget({ perMinute: 1 });
    expect(budget.take('a', 1, 0)).toBe(0);
    expect(budget.take('a', 1, 0)).toBeGreaterThan(0);
    expect(budget.take('b', 1, 0)).toBe(0);
  });
  it('takes nothing from whoever is refused', () => {
    const budget = new RequestBudget({ perMinute: 60 });
    expect(budget.take('a', 50, 0)).toBe(0);
    expect(budget.take('a', 20, 0)).toBe(10_000);
    expect(budget.take('a', 10, 0)).toBe(0);
  });
  it('is not stopped by a clock that was set back, and holds no more than a minute’s worth', () => {
    const budget = new RequestBudget({ perMinute: 2 });
    expect(budget.take('a', 2, 10 * 3_600_000)).toBe(0);
    expect(budget.take('a', 1, 0)).toBe(30_000);
    expect(budget.take('a', 1, 30_000)).toBe(0);
    expect(budget.take('a', 2, 9 * 3_600_000)).toBe(0);
    expect(budget.take('a', 1, 9 * 3_600_000)).toBe(30_000);
  });
  it('remembers so many and no more: the longest unseen gives way', () => {
    const budget = new RequestBudget({ perMinute: 1, keysMax: 2 });
    for (const key of ['a', 'b', 'a', 'c']) budget.take(key, 1, 0);
    expect(budget.take('a', 1, 0)).toBeGreaterThan(0);
    expect(budget.take('b', 1, 0)).toBe(0);
  });
});
