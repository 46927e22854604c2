import { describe, expect, it } from 'vitest';
import { receiptOf } from './smtp-receipt.ts';

describe('what is kept of a mail server’s answer', () => {
  it('is its words without addresses', () => {
    expect(receiptOf('250 2.0.0 Ok: queued as 4XYZ')).toBe('250 2.0.0 Ok: queued as 4XYZ');
    expect(receiptOf('250 queued for <nora@hospital.example>, thanks\n250 bye')).toBe(
      '250 queued for … thanks 250 bye',
    );
  });

  it('is read up to a bound, however much the server sends', () => {
    const asked: unknown[] = [];
    const endless = {
      slice: (...range: readonly number[]) => {
        asked.push(range);
        return 'a'.repeat((range[1] ?? 0) - (range[0] ?? 0));
      },
    };
    expect(receiptOf(endless)).toBe('');
    // Once, and no further: the rest is not looked at, so it cannot cost anything.
    expect(asked).toEqual([[0, 1_025]]);
  });

  it('has no half of an address that the bound has cut', () => {
    const words = `${'@ '.repeat(505)}queued-for-nora`;
    expect(receiptOf(`${words}-nightingale@hospital.example`)).not.toContain('nora');
  });
});
