import { randomBytes } from 'node:crypto';
import { createHouseSeal } from './house-seal.ts';
import { createPatientIdentities } from './patient-identities.ts';
import { createPatientSeal } from './patient-seal.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** Identities under keys that live as long as the test. */
export const testIdentities = () => createPatientIdentities(testSubjectKeys());

/** The same for what people write. */
export const testSeal = () => createPatientSeal(testSubjectKeys());

/** The same for secrets of the house. */
export const testHouseSeal = () => createHouseSeal(testSubjectKeys());

export function testSubjectKeys(): SubjectKeys {
  const keys = new Map<string, Uint8Array>();
  return {
    async forSealing(subject) {
      const key = keys.get(subject) ?? randomBytes(32);
      keys.set(subject, key);
      return key;
    },
    forOpening: async (subject) => keys.get(subject),
    async erase(subject) {
      keys.delete(subject);
      return { atMs: 0 };
    },
    async discard(subject) {
      keys.delete(subject);
    },
    rotate: async () => ({ kek: 'test', rewrapped: 0 }),
    rewrapAll: async () => 0,
  };
}
