import type { Consent } from '@healthsync/contracts/consent';
import { describe, expect, it } from 'vitest';
import { aboutText, periodText, recordText, standingOf } from './consent-words.ts';

const CONSENT: Consent = {
  id: 'c1',
  version: 1,
  patientId: 'P1',
  purpose: 'research',
  decision: 'permit',
  state: 'active',
  standing: 'in-force',
  from: '2026-11-22T10:00:00Z',
  givenAt: '2026-11-22T10:00:00Z',
  recordedAt: '2026-11-22T10:00:00Z',
  recordedBy: 'Phil (doctor)',
};

describe('a consent in words', () => {
  it('names the party it is shared with', () => {
    expect(aboutText(CONSENT)).toBe('Research');
    expect(aboutText({ purpose: 'sharing', party: 'registry' })).toBe('Sharing with registry');
  });
  it('opens only while it is given and in force; what is over or to come opens nothing', () => {
    const effects = (['in-force', 'to-come', 'over', 'revoked'] as const).map(
      (standing) => standingOf({ standing, decision: 'permit' }).effect,
    );
    expect(effects).toEqual(['permit', undefined, undefined, 'forbid']);
  });
  it('a refusal closes while it is in force, and closes nothing once it is taken back', () => {
    expect(standingOf({ standing: 'in-force', decision: 'deny' })).toEqual({ text: '✕ refuses', effect: 'forbid' });
    expect(standingOf({ standing: 'revoked', decision: 'deny' }).effect).toBeUndefined();
  });
  it('says since when and until when, and of what was revoked, when', () => {
    expect(periodText(CONSENT)).toMatch(/^since .*, without end$/);
    expect(periodText({ ...CONSENT, standing: 'to-come', until: '2027-01-01T00:00:00Z' })).toMatch(/^from .*, until /);
    expect(periodText({ ...CONSENT, standing: 'revoked' })).toMatch(/it had held since/);
  });
  it('says who recorded it, how it came and who was there', () => {
    expect(recordText(CONSENT)).toBe('recorded by Phil (doctor)');
    expect(recordText({ ...CONSENT, source: 'form', witness: 'nia' })).toBe(
      'recorded by Phil (doctor) · signed form · nia was there',
    );
  });
});
