import { hash } from 'node:crypto';

/**
 * HMAC with SHA-256 (RFC 2104 §2) of the parts, one after the other, as UTF-8 where they are text. By two hashes in one
 * piece each: OpenSSL 3 looks for its implementation with every HMAC that is begun, which takes six times as long as the
 * HMAC itself. Keys are at most one block long, 64 bytes: ours have 32.
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  if (key.length > BLOCK_BYTES) throw new RangeError('a key longer than a block of SHA-256');
  let length = BLOCK_BYTES;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  const inner = length <= INNER.length ? INNER : Buffer.alloc(length);
  pad(inner, key, 0x36);
  let at = BLOCK_BYTES;
  for (const part of parts) {
    if (typeof part === 'string') at += inner.write(part, at);
    else {
      inner.set(part, at);
      at += part.length;
    }
  }
  pad(OUTER, key, 0x5c);
  OUTER.write(hash('sha256', inner.subarray(0, at), 'binary'), BLOCK_BYTES, 'latin1');
  const code = hash('sha256', OUTER, 'binary');
  // They are used again and again, and are not to hold what was under a key longer than needed.
  inner.fill(0, 0, at);
  OUTER.fill(0);
  return Buffer.from(code, 'latin1');
}

const BLOCK_BYTES = 64;
/** Whatever is derived or indexed is shorter; what is not gets a buffer of its own. */
const INNER = Buffer.alloc(1_024);
const OUTER = Buffer.alloc(BLOCK_BYTES + 32);

function pad(block: Buffer, key: Uint8Array, byte: number): void {
  for (let i = 0; i < BLOCK_BYTES; i++) block[i] = (key[i] ?? 0) ^ byte;
}
