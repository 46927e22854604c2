import { SECURITY_ALERT_KINDS } from '@healthsync/contracts/security-alert';
import { describe, expect, it } from 'vitest';
import { reasonText } from './reason-text.ts';

describe('a reason', () => {
  it('names what else was noticed in words, each kind of it', () => {
    expect(reasonText({ code: 'also', text: 'Besides, within a day: unusual-hour, vip.' })).toBe(
      'Besides, within a day: “Unusual hour”, “Protected record”.',
    );
    for (const kind of SECURITY_ALERT_KINDS)
      expect(reasonText({ code: 'also', text: `Besides, within a day: ${kind}.` })).not.toContain(kind);
  });
  it('is otherwise said as it came', () => {
    const text = 'The patient was not in their care: vip, neighbour.';
    expect(reasonText({ code: 'vip', text })).toBe(text);
  });
});
