import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import type { SecondFactors } from '../ports/second-factors.ts';
import { sha256Of } from './secrets.ts';

/** What a request brings to prove that whoever sends it holds the key its token was made for (RFC 9449). */
export interface ShownProof {
  /** The header `DPoP`; absent: there is none. */
  readonly proof: string | undefined;
  readonly token: string;
  /** Of the key that the token is bound to. */
  readonly thumbprint: string;
  readonly method: string;
  /** Under which addresses this may have been asked for: scheme, host, port, path. */
  readonly urls: readonly string[];
}

/** Of keys alone: what both sides knew would prove nothing. */
export const DPOP_ALGORITHMS = ['ES256', 'ES384', 'Ed25519', 'EdDSA'] as const;

/** As long as the provider gives those that come to it: clocks of apps are wrong by minutes. */
const AGE_MAX_MS = 5 * 60_000;
/** A proof has some 700 characters, with a larger key 1,000. */
const PROOF_MAX = 4_096;

/** True once for each proof: RFC 9449 4.3, in its order, and 11.1. */
export function createProofOfKey(options: {
  readonly store: Pick<SecondFactors, 'spend'>;
  readonly now: () => number;
}): (shown: ShownProof) => Promise<boolean> {
  const { store, now } = options;
  return async ({ proof, token, thumbprint, method, urls }) => {
    if (proof === undefined || proof.length > PROOF_MAX) return false;
    const said = await payloadOf(proof, now());
    if (said === undefined || said.thumbprint !== thumbprint) return false;
    const { jti, htm, htu, iat, ath } = said.payload as Readonly<Record<string, unknown>>;
    if (typeof jti !== 'string' || jti === '' || htm !== method || ath !== hashOf(token)) return false;
    if (!urls.some((url) => isAddress(htu, url))) return false;
    if (typeof iat !== 'number' || Math.abs(now() - iat * 1000) > AGE_MAX_MS) return false;
    return store.spend({
      sha256: sha256Of(`dpop ${thumbprint} ${jti}`),
      // It is refused for its age by then, also where its clock is ahead of ours.
      expiresAtMs: iat * 1000 + 2 * AGE_MAX_MS,
      nowMs: now(),
    });
  };
}

/** What it says, and with which key; undefined where the signature is not that of the public key it brings. */
async function payloadOf(
  proof: string,
  nowMs: number,
): Promise<{ readonly payload: JWTPayload; readonly thumbprint: string } | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...DPOP_ALGORITHMS],
      currentDate: new Date(nowMs),
    });
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}) };
  } catch {
    return undefined; // whatever it is, it proves nothing
  }
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Without query and fragment, as RFC 3986 6.2.2 and 6.2.3 make addresses equal. */
function isAddress(htu: unknown, url: string): boolean {
  const said = typeof htu === 'string' ? URL.parse(htu) : null;
  const asked = URL.parse(url);
  if (said === null || asked === null) return false;
  for (const one of [said, asked]) Object.assign(one, { search: '', hash: '' });
  return said.href === asked.href;
}
