import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { OpenIdRecords } from '../ports/openid-records.ts';
import type { Seal } from './seal.ts';
import { sha256Of } from './secrets.ts';

/**
 * Where the OpenID provider keeps what it gives out. What opens something is stored as its hash only, and what belongs
 * to it sealed: whoever reads the table can use nothing in it.
 */
export function openIdStore(
  model: string,
  parts: { readonly records: OpenIdRecords; readonly seal: Seal; readonly now: () => number },
): Adapter {
  const { records, seal, now } = parts;
  const purpose = purposeOf(model);

  async function opened(found: Awaited<ReturnType<OpenIdRecords['find']>>): Promise<AdapterPayload | undefined> {
    const payload = found && (seal.open(purpose, found.payload) as AdapterPayload | undefined);
    if (found === undefined || payload === undefined) return undefined;
    const { consumedAtMs } = found;
    return consumedAtMs === undefined ? payload : { ...payload, consumed: Math.floor(consumedAtMs / 1000) };
  }

  return {
    async upsert(id, payload, expiresIn) {
      const { grantId, uid, accountId, clientId } = payload;
      const record = {
        model,
        idSha256: sha256Of(id),
        payload: seal.seal(purpose, payload),
        // A grant is the head of its own family.
        ...(model === 'Grant' ? { grantId: id } : grantId !== undefined && { grantId }),
        ...(uid !== undefined && { uid }),
        ...(accountId !== undefined && { accountId }),
        ...(clientId !== undefined && { clientId }),
        expiresAtMs: now() + (expiresIn ?? DAY_SECONDS) * 1000,
      };
      if (model !== REPLAYS) await records.put(record);
      // The provider looks first and writes then: of two that show the same proof at the same moment both found nothing.
      else if (!(await records.putFirst(record))) throw new errors.InvalidClientAuth('shown already');
    },
    find: async (id) => opened(await records.find(model, sha256Of(id), now())),
    findByUid: async (uid) => opened(await records.findByUid(model, uid, now())),
    findByUserCode: async () => undefined, // the device flow is not offered
    async consume(id) {
      if (await records.consume(model, sha256Of(id), now())) return;
      // Two came at the same moment with the same token: one of them is a thief, and nobody can say which. RFC 9700 4.14.2.
      const payload = await opened(await records.find(model, sha256Of(id), now()));
      if (payload?.grantId !== undefined) await records.removeGrant(payload.grantId);
      throw new errors.InvalidGrant('used already');
    },
    destroy: (id) => records.remove(model, sha256Of(id)),
    revokeByGrantId: (grantId) => records.removeGrant(grantId),
  };
}

/** For what of a record's kind is sealed. */
export const purposeOf = (model: string): string => `openid:${model}`;

/** The numbers of assertions and proofs that were shown: RFC 7523 3, RFC 9449 11.1. */
const REPLAYS = 'ReplayDetection';

/** For what the provider names no end of; it names one of everything we use. */
const DAY_SECONDS = 86_400;
