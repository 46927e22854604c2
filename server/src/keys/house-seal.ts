import type { HouseSeal } from '../ports/house-seal.ts';
import { seal, unseal } from './seal.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** Each text with the data key of the house's secrets, as `sealed:` and base64url. */
export function createHouseSeal(keys: SubjectKeys): HouseSeal {
  return {
    async seal(field, text) {
      const key = await keys.forSealing(SUBJECT);
      return PREFIX + seal(key, { subject: SUBJECT, field }, Buffer.from(text)).toString('base64url');
    },
    async open(field, stored) {
      if (!stored.startsWith(PREFIX)) return stored;
      const key = await keys.forOpening(SUBJECT);
      const sealed = Buffer.from(stored.slice(PREFIX.length), 'base64url');
      return key === undefined ? undefined : unseal(key, { subject: SUBJECT, field }, sealed)?.toString();
    },
  };
}

const PREFIX = 'sealed:';
const SUBJECT = 'house:secrets';
