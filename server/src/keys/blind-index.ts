import { hmacSha256 } from './hmac.ts';

/**
 * Finds a sealed value again without opening any: the same text has the same index, and the index tells nothing of the
 * text to who has not the key. 16 bytes of HMAC-SHA-256 over field and normalised text; what may be guessed from it is
 * only which records share a value.
 */
export function blindIndex(indexKey: Uint8Array, field: string, text: string): Buffer {
  return hmacSha256(indexKey, `${field}\n${normalized(text)}`).subarray(0, 16);
}

/** As people write one name in several ways: `Žižka`, `ZIZKA ` and `zizka` are one. Numbers lose their separators. */
export function normalized(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
