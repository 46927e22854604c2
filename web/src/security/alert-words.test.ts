import { SECURITY_ALERT_KINDS, type SecurityAlert } from '@healthsync/contracts/security-alert';
import { expect, it } from 'vitest';
import { auditOf, KIND_WORDS, searchOf } from './alert-words.ts';

it('every kind of alert is called something', () => {
  expect(Object.keys(KIND_WORDS).sort()).toEqual([...SECURITY_ALERT_KINDS].sort());
});

it('a filter asks for what it says, and for nothing it leaves open', () => {
  expect(searchOf({ state: 'unsettled', kind: '', severity: '', person: ' ' }, '')).toBe('state=unsettled&limit=25');
  expect(searchOf({ state: 'closed', kind: 'vip', severity: 'high', person: 'nora' }, 'c')).toBe(
    'state=closed&limit=25&kind=vip&severity=high&person=nora&cursor=c',
  );
});

it('an alert leads to the hour before and after it in the audit, by id', () => {
  const alert = {
    person: { name: 'nora', userId: 'u1' },
    firstAt: '2026-11-22T03:00:00Z',
    lastAt: '2026-11-22T03:10:00Z',
  };
  expect(auditOf(alert as SecurityAlert)).toEqual({
    person: 'u1',
    from: '2026-11-22T02:00:00.000Z',
    to: '2026-11-22T04:10:00.000Z',
  });
});
