import type { HouseSeal } from '../ports/house-seal.ts';
import { seal, unseal } from './seal.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** Each text with the data key of the house's secrets, as `sealed:` and base64url. */
export function createHouseSeal(keys: SubjectKeys): HouseSeal {
  async function sealBytes(field: string, bytes: Uint8Array): Promise<Buffer> {
    return seal(await keys.forSealing(SUBJECT), { subject: SUBJECT, field }, bytes);
  }
  async function openBytes(field: string, sealed: Uint8Array): Promise<Buffer | undefined> {
    const key = await keys.forOpening(SUBJECT);
    return key === undefined ? undefined : unseal(key, { subject: SUBJECT, field }, sealed);
  }
  return {
    sealBytes,
    openBytes,
    seal: async (field, text) => PREFIX + (await sealBytes(field, Buffer.from(text))).toString('base64url'),
    async open(field, stored) {
      if (!stored.startsWith(PREFIX)) return stored;
      return (await openBytes(field, Buffer.from(stored.slice(PREFIX.length), 'base64url')))?.toString();
    },
  };
}

const PREFIX = 'sealed:';
const SUBJECT = 'house:secrets';
