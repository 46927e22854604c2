import { seal, unseal } from '../keys/seal.ts';

/**
 * Text that only this installation can read or make: for what must lie with others for a while (a challenge with the
 * browser) or in the database (the secret of one-time passwords). Sealed as everything is (`keys/seal.ts`), with the
 * purpose as its place, so that nothing sealed for one use opens another.
 */
export interface Seal {
  seal(purpose: string, data: object): string;
  /** Undefined for anything that was not sealed here for this purpose. */
  open(purpose: string, text: string): unknown;
}

export function createSeal(key: Uint8Array): Seal {
  const placeOf = (purpose: string) => ({ subject: 'house:identity', field: purpose });
  return {
    seal: (purpose, data) => seal(key, placeOf(purpose), Buffer.from(JSON.stringify(data))).toString('base64url'),
    open(purpose, text) {
      if (text.length > TEXT_MAX || !/^[A-Za-z0-9_-]{40,}$/.test(text)) return undefined;
      const data = unseal(key, placeOf(purpose), Buffer.from(text, 'base64url'));
      return data === undefined ? undefined : JSON.parse(data.toString('utf8'));
    },
  };
}

/** Ours have some hundred characters; what is much longer is not worth decrypting. */
const TEXT_MAX = 8192;
