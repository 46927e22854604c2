import { describe, expect, it } from 'vitest';
import type { PatientId } from '../domain/ids.ts';
import { inScope, scopesAtFhir } from './scopes.ts';

const READ = { interaction: 'Consent.r', action: 'consent.read' } as const;
const opens = (scopes: readonly string[] | undefined, launchPatientId?: PatientId) =>
  inScope(
    scopesAtFhir({ ...(scopes && { scopes }), ...(launchPatientId && { launchPatientId }) }, READ),
    'consent.read',
  );

describe('at the FHIR interface', () => {
  it.each([
    'user/Consent.r',
    'user/Consent.rs',
    'user/Consent.read',
    'user/*.cruds',
    'system/Consent.crus',
    'consent.*',
  ])('%s reads a consent', (scope) => expect(opens(['openid', scope])).toBe(true));
  it.each(['user/Consent.s', 'user/Consent.write', 'user/AuditEvent.rs', 'Consent.r', 'alarm.*', 'openid'])(
    '%s does not',
    (scope) => expect(opens([scope])).toBe(false),
  );
  it('what is of one patient opens nothing without one', () => {
    expect(opens(['patient/Consent.rs'])).toBe(false);
    expect(opens(['patient/Consent.rs'], 'P' as PatientId)).toBe(true);
  });
  it('no scopes narrow nothing', () => {
    expect(opens(undefined)).toBe(true);
    expect(opens([])).toBe(false);
  });
  it('elsewhere they open nothing', () => expect(inScope(['user/*.cruds'], 'consent.read')).toBe(false));
});
