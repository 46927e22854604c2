import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { atMostEvery } from './at-most-every.ts';

describe('a call that is paced', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('comes at once, and then once for all who wanted it meanwhile', () => {
    const call = vi.fn();
    const paced = atMostEvery(100, call);
    paced();
    expect(call).toHaveBeenCalledTimes(1);
    paced();
    paced();
    vi.advanceTimersByTime(99);
    expect(call).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(call).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(1_000);
    expect(call).toHaveBeenCalledTimes(2);
    paced();
    expect(call).toHaveBeenCalledTimes(3);
    paced.stop();
  });

  it('that throws has been called, and the next comes all the same', () => {
    const call = vi.fn(() => {
      throw new Error('broken');
    });
    const paced = atMostEvery(100, call);
    expect(paced).toThrow('broken');
    vi.advanceTimersByTime(100);
    expect(paced).toThrow('broken');
    expect(call).toHaveBeenCalledTimes(2);
    paced.stop();
  });

  it('comes no more once it is stopped', () => {
    const call = vi.fn();
    const paced = atMostEvery(100, call);
    paced();
    paced();
    paced.stop();
    paced();
    vi.advanceTimersByTime(1_000);
    paced();
    expect(call).toHaveBeenCalledTimes(1);
  });
});
