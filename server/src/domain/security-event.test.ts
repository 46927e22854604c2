import { describe, expect, it } from 'vitest';
import { routeOf } from './alarm-event.ts';
import type { PatientId, TenantId, UserId } from './ids.ts';
import { mayClose, type SecurityAlert } from './security-alert.ts';
import { securityEvent } from './security-event.ts';

const ALERT: SecurityAlert = {
  id: 'vip-17',
  tenantId: 'default' as TenantId,
  kind: 'vip',
  score: 75,
  severity: 'high',
  state: 'open',
  person: { name: 'nora', userId: 'u-nora' as UserId },
  patientId: 'P-SECRET' as PatientId,
  reasons: [{ code: 'vip', text: 'The patient is specially protected.' }],
  evidence: [17],
  count: 1,
  firstAtMs: 0,
  lastAtMs: 0,
};

describe('an event of a security alert', () => {
  const event = securityEvent(ALERT, 'raised');

  it('says neither who nor which patient', () => {
    expect(JSON.stringify(event)).not.toMatch(/nora|P-SECRET/);
    expect(event).toMatchObject({ alertId: 'vip-17', kind: 'vip', severity: 'high', reasons: ['vip'] });
  });

  it('goes to nobody who has not asked for it: every event is every alarm', () => {
    expect(routeOf(event, [{}, { priorities: ['high'] }, { about: ['alarm'] }])).toBeUndefined();
    expect(routeOf(event, [{}, { about: ['security-alert'] }])).toBe(1);
    expect(routeOf(event, [{ about: ['alarm', 'security-alert'], priorities: ['low', 'medium'] }])).toBeUndefined();
  });
});

describe('a security alert', () => {
  it('is closed once, and never by whom it is about', () => {
    expect(mayClose(ALERT, 'u-nora' as UserId)).toBe('own');
    expect(mayClose(ALERT, 'u-sam' as UserId)).toBe('yes');
    expect(mayClose({ ...ALERT, state: 'closed' }, 'u-sam' as UserId)).toBe('closed');
    const { person: _, ...leak } = ALERT;
    expect(mayClose(leak, 'u-nora' as UserId)).toBe('yes');
  });
});
