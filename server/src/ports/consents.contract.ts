import { beforeEach, describe, expect, it } from 'vitest';
import type { Consent } from '../domain/consent.ts';
import type { PatientId } from '../domain/ids.ts';
import { testConsent } from '../domain/test-consent.ts';
import type { Consents } from './consents.ts';

/** What every `Consents` must do. `make` answers with an empty one. */
export function consentsContract(engine: string, make: () => Promise<Consents>): void {
  describe(`${engine} for consents`, () => {
    let consents: Consents;
    beforeEach(async () => {
      consents = await make();
    });
    const named = (found: readonly Consent[]) => found.map(({ id, version }) => `${id}#${version}`);

    it('gives back what was kept, with and without a party and an end', async () => {
      const shared = testConsent({ id: 'b', purpose: 'sharing', party: 'registry', untilMs: 9_000_000 });
      expect(await consents.keep(testConsent({ id: 'a' }))).toEqual({ kind: 'kept' });
      await consents.keep(shared);
      expect(await consents.versions('a')).toEqual([testConsent({ id: 'a' })]);
      expect(await consents.versions('b')).toEqual([shared]);
      expect(await consents.versions('c')).toEqual([]);
    });
    it('keeps one version after the other, and none twice', async () => {
      await consents.keep(testConsent({ id: 'a' }));
      expect(await consents.keep(testConsent({ id: 'a' }))).toEqual({ kind: 'changed-meanwhile' });
      expect(await consents.keep(testConsent({ id: 'a', version: 3 }))).toEqual({ kind: 'changed-meanwhile' });
      expect(await consents.keep(testConsent({ id: 'a', version: 2, state: 'revoked' }))).toEqual({ kind: 'kept' });
      expect(named(await consents.versions('a'))).toEqual(['a#2', 'a#1']);
    });
    it('of two who change at once keeps one', async () => {
      await consents.keep(testConsent({ id: 'a' }));
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map((recordedAtMs) => consents.keep(testConsent({ id: 'a', version: 2, recordedAtMs }))),
      );
      expect(outcomes.filter(({ kind }) => kind === 'kept')).toHaveLength(1);
    });
    it('tells what stands: the newest versions that are in force or to come', async () => {
      await consents.keep(testConsent({ id: 'stands' }));
      await consents.keep(testConsent({ id: 'to-come', fromMs: 8_000_000 }));
      await consents.keep(testConsent({ id: 'over', untilMs: 5_000_000 }));
      await consents.keep(testConsent({ id: 'revoked' }));
      await consents.keep(testConsent({ id: 'revoked', version: 2, state: 'revoked' }));
      await consents.keep(testConsent({ id: 'another', patientId: 'P2' as PatientId }));
      const patientId = 'P1' as PatientId;
      expect(named(await consents.standing({ nowMs: 5_000_000, patientId }))).toEqual(['stands#1', 'to-come#1']);
      expect(named(await consents.standing({ nowMs: 4_999_999 }))).toEqual([
        'another#1',
        'over#1',
        'stands#1',
        'to-come#1',
      ]);
    });
    it('keeps how it came to us and who was there, of each version by itself', async () => {
      await consents.keep(testConsent({ id: 'a', source: 'form', witness: 'nia' }));
      await consents.keep(testConsent({ id: 'a', version: 2, state: 'revoked', source: 'in-person' }));
      const told = (await consents.versions('a')).map(({ source, witness }) => [source, witness]);
      expect(told).toEqual([
        ['in-person', undefined],
        ['form', 'nia'],
      ]);
    });
    it('pages through everybody’s, each in its newest version, recorded last first, and none of another organisation', async () => {
      await consents.keep(testConsent({ id: 'a', recordedAtMs: 1_000 }));
      await consents.keep(testConsent({ id: 'b', recordedAtMs: 2_000, patientId: 'P2' as PatientId }));
      await consents.keep(testConsent({ id: 'c', recordedAtMs: 2_000 }));
      await consents.keep(testConsent({ id: 'a', version: 2, recordedAtMs: 3_000 }));
      await consents.keep(testConsent({ id: 'd', tenantId: 'other' as never, recordedAtMs: 4_000 }));
      const tenantId = testConsent().tenantId;
      const first = await consents.recent({ tenantId, limit: 2 });
      expect(named(first)).toEqual(['a#2', 'b#1']);
      expect(named(await consents.recent({ tenantId, limit: 2, after: { recordedAtMs: 2_000, id: 'b' } }))).toEqual([
        'c#1',
      ]);
    });
    it('lists all of a patient, every version, newest first', async () => {
      await consents.keep(testConsent({ id: 'a', recordedAtMs: 1_000 }));
      await consents.keep(testConsent({ id: 'b', recordedAtMs: 2_000 }));
      await consents.keep(testConsent({ id: 'a', version: 2, recordedAtMs: 3_000 }));
      await consents.keep(testConsent({ id: 'c', patientId: 'P2' as PatientId }));
      expect(named(await consents.ofPatient('P1' as PatientId))).toEqual(['a#2', 'b#1', 'a#1']);
    });
  });
}
