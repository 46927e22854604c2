import { describe, expect, it } from 'vitest';
import { expiryText, factorsText, scopesText, usedText } from './access-words.ts';

describe('a session or key in words', () => {
  it('says by what it was opened, and what it opens', () => {
    expect(factorsText(['password', 'totp'])).toBe('by password and code from an app');
    expect(scopesText(undefined)).toBe('Everything its owner may do');
    expect(scopesText(['alarm.read', 'wall.watch'])).toContain(';');
  });
  it('warns of an end that is near, and never says of what has ended that it will', () => {
    const now = Date.parse('2026-11-22T12:00:00Z');
    expect(expiryText('2026-12-31T12:00:00Z', now)).toMatch(/^until 31 Dec/);
    expect(expiryText('2026-11-24T11:00:00Z', now)).toBe('⚠ ends in 2 days');
    expect(expiryText('2026-11-22T11:59:00Z', now)).toBe('has ended');
  });
  it('does not call unused what was used', () => {
    expect(usedText(undefined)).toBe('not used yet');
    expect(usedText('2026-11-22T12:00:00Z')).toMatch(/^last used 22 Nov/);
  });
});
