import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Consent } from '../../domain/consent.ts';
import { testConsent } from '../../domain/test-consent.ts';
import { fhirConsent } from './consent.ts';
import { parseConsent } from './parse-consent.ts';

const T = Date.parse('2026-11-22T03:00:00Z');

const consent = (change: Partial<Consent> = {}): Consent =>
  testConsent({ id: 'c1', version: 3, fromMs: T, givenAtMs: T, recordedAtMs: T, ...change });
const parsed = (resource: unknown) => parseConsent(JSON.parse(JSON.stringify(resource)), T);
const elements = (resource: unknown) => {
  const outcome = parsed(resource);
  return outcome.kind === 'refused' ? outcome.problems.map(({ element }) => element) : [];
};
/** A copy with something else at a path. */
function changed(path: string, value: unknown, from: unknown = fhirConsent(consent())): Record<string, unknown> {
  const copy = JSON.parse(JSON.stringify(from));
  const parts = path.split('.');
  const last = parts.pop() as string;
  // biome-ignore lint/suspicious/noExplicitAny: walks down whatever is there
  const at = parts.reduce((node: any, part) => node[part], copy);
  at[last] = value;
  return copy;
}

describe('a consent as FHIR R4', () => {
  it('has what R4 demands, and opts out of everything else', () => {
    const resource = fhirConsent(consent({ purpose: 'sharing', party: 'registry', untilMs: T + 1_000 }));
    // 1..1 status, scope; 1..* category; ppc-1: a policy or a policyRule; ppc-2: a patient for privacy.
    expect(resource).toEqual({
      resourceType: 'Consent',
      id: 'c1',
      meta: { versionId: '3', lastUpdated: '2026-11-22T03:00:00.000Z' },
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IDSCL' }] }],
      patient: { reference: 'Patient/P1' },
      dateTime: '2026-11-22T03:00:00.000Z',
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      provision: {
        period: { start: '2026-11-22T03:00:00.000Z', end: '2026-11-22T03:00:00.999Z' },
        provision: [
          {
            type: 'permit',
            action: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'disclose' }] }],
            actor: [
              {
                role: {
                  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
                },
                reference: { identifier: { system: 'urn:healthsync:user-name', value: 'registry' } },
              },
            ],
          },
        ],
      },
    });
  });
  it('whatever is recorded comes back as it was', () => {
    const anyConsent = fc
      .record({
        purpose: fc.constantFrom('treatment' as const, 'research' as const, 'sharing' as const),
        decision: fc.constantFrom('permit' as const, 'deny' as const),
        fromMs: fc.integer({ min: 0, max: 4e12 }),
        length: fc.option(fc.integer({ min: 1, max: 1e11 }), { nil: undefined }),
        givenAtMs: fc.integer({ min: 0, max: T }),
        how: fc.constantFrom({}, { source: 'form' as const, witness: 'nia' }, { source: 'in-person' as const }),
      })
      .map(({ length, how, ...rest }) =>
        consent({
          ...rest,
          ...how,
          ...(length !== undefined && { untilMs: rest.fromMs + length }),
          ...(rest.purpose === 'sharing' && { party: 'registry' }),
        }),
      );
    fc.assert(
      fc.property(anyConsent, (kept) => {
        const { patientId, purpose, party, decision, fromMs, untilMs, givenAtMs, source, witness } = kept;
        expect(parsed(fhirConsent(kept))).toEqual({
          kind: 'consent',
          status: 'active',
          consent: {
            patientId,
            purpose,
            decision,
            fromMs,
            givenAtMs,
            ...(party !== undefined && { party }),
            ...(untilMs !== undefined && { untilMs }),
            ...(source !== undefined && { source }),
            ...(witness !== undefined && { witness }),
          },
        });
      }),
    );
  });
});

describe('what another system sends', () => {
  const short = (policy: string, provision: object) =>
    changed('provision', provision, changed('policyRule.coding.0.code', policy));
  const purpose = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }];

  it('may say it in the short form, without an exception', () => {
    expect(parsed(short('OPTIN', { type: 'permit', purpose }))).toMatchObject({ consent: { decision: 'permit' } });
    expect(parsed(short('OPTIN', { purpose }))).toMatchObject({ consent: { decision: 'permit' } });
    expect(parsed(short('OPTOUT', { purpose }))).toMatchObject({ consent: { decision: 'deny' } });
  });
  it('does not open everything but something', () => {
    expect(elements(short('OPTIN', { type: 'deny', purpose }))).toEqual(['Consent.policyRule']);
    expect(elements(changed('policyRule.coding.0.code', 'OPTIN'))).toEqual(['Consent.policyRule']);
  });
  it.each([
    ['modifierExtension', [{ url: 'x' }], 'Consent.modifierExtension'],
    ['implicitRules', 'x', 'Consent.implicitRules'],
    ['verification', [], 'Consent.verification'],
    ['extension', [{ url: 'x' }], 'Consent.extension[0]'],
    ['sourceAttachment', { title: 'scan.pdf' }, 'Consent.sourceAttachment.title'],
    ['status', 'proposed', 'Consent.status'],
    ['policyRule', undefined, 'Consent.policyRule'],
    ['category', [], 'Consent.category'],
    ['scope.coding.0.code', 'adr', 'Consent.scope'],
    ['patient', { reference: 'Group/1' }, 'Consent.patient.reference'],
    ['dateTime', '2026-11-22', 'Consent.dateTime'],
    ['provision.period.start', '2026-11', 'Consent.provision.period.start'],
    ['provision.securityLabel', [], 'Consent.provision.securityLabel'],
    ['provision.provision.0.type', undefined, 'Consent.provision.provision[0].type'],
    ['provision.provision.0.class', [], 'Consent.provision.provision[0].class'],
    ['provision.provision.0.code', [], 'Consent.provision.provision[0].code'],
    ['provision.provision.0.dataPeriod', {}, 'Consent.provision.provision[0].dataPeriod'],
    ['provision.provision.0.provision', [], 'Consent.provision.provision[0].provision'],
    ['provision.provision.1', {}, 'Consent.provision.provision[1]'],
    ['provision.provision.0.purpose.0.code', 'HMARKT', 'Consent.provision.provision[0].purpose[0]'],
    ['provision.modifierExtension', [{ url: 'x' }], 'Consent.provision.modifierExtension'],
    ['provision.provision.0.modifierExtension', [], 'Consent.provision.provision[0].modifierExtension'],
    ['provision.provision.0.extension', [], 'Consent.provision.provision[0].extension'],
    ['provision.provision.0._type', { id: 'x' }, 'Consent.provision.provision[0]._type'],
    ['provision.provision.0.purpose.0.extension', [], 'Consent.provision.provision[0].purpose[0].extension'],
    ['provision.period._end', { extension: [] }, 'Consent.provision.period._end'],
    ['provision.period', [], 'Consent.provision.period'],
    ['provision.period.start', '2026-02-30T00:00:00Z', 'Consent.provision.period.start'],
    ['provision.period.start', '2026-02-01T24:00:00Z', 'Consent.provision.period.start'],
    ['policyRule.extension', [], 'Consent.policyRule.extension'],
    ['policyRule.coding.1', { code: 'OPTIN' }, 'Consent.policyRule.coding[1]'],
    ['scope.coding.0.extension', [], 'Consent.scope.coding[0].extension'],
    ['patient', { reference: 'Patient/P1', identifier: { value: 'P2' } }, 'Consent.patient.identifier'],
    ['meta.extension', [], 'Consent.meta.extension'],
    ['contained', [], 'Consent.contained'],
    ['sourceReference', { reference: 'Consent/1' }, 'Consent.sourceReference'],
    ['policy', [{ uri: 'urn:x' }], 'Consent.policy'],
    ['organization', [], 'Consent.organization'],
    ['performer', [], 'Consent.performer'],
    ['_status', {}, 'Consent._status'],
    ['provision.provision.0.purpose.1', { code: 'TREAT' }, 'Consent.provision.provision[0].purpose[1]'],
  ])('is refused for %s = %j, with the element named', (path, value, element) => {
    expect(elements(changed(path, value))).toEqual([element]);
  });
  it('names who is shared with once', () => {
    const actor = 'provision.provision.0.actor.0';
    const shared = fhirConsent(consent({ purpose: 'sharing', party: 'registry' }));
    const path = 'Consent.provision.provision[0].actor[0]';
    for (const [at, value, element] of [
      ['modifierExtension', [], 'modifierExtension'],
      ['reference.reference', 'Organization/1', 'reference.reference'],
      ['reference.identifier.period', {}, 'reference.identifier.period'],
      ['reference.identifier.system', 'urn:other', 'reference.identifier'],
    ] as const)
      expect(elements(changed(`${actor}.${at}`, value, shared))).toEqual([`${path}.${element}`]);
  });
  it('names all that is wrong at once, and survives whatever it is', () => {
    expect(elements({ resourceType: 'Consent' })).toEqual([
      'Consent.status',
      'Consent.patient.reference',
      'Consent.policyRule',
      'Consent.provision',
    ]);
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('provision', 'scope', 'patient', 'policyRule'), (value, path) => {
        expect(['consent', 'refused']).toContain(parsed(changed(path, value)).kind);
        expect(parsed(value).kind).toBe('refused');
      }),
    );
  });
  it('ends with its last moment, to the precision it is given in', () => {
    const ends = (end: string) => {
      const outcome = parsed(changed('provision.period.end', end));
      return outcome.kind === 'consent' && outcome.consent.untilMs;
    };
    expect(ends('2027-01-01T00:00:00+01:00')).toBe(Date.parse('2026-12-31T23:00:01Z'));
    expect(ends('2027-01-01T00:00:00.250Z')).toBe(Date.parse('2027-01-01T00:00:00.251Z'));
  });
});
