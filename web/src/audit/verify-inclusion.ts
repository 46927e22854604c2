import type { AuditProof } from '@healthsync/contracts/audit';

/**
 * Whether the entry is in the log whose root was signed, worked out in this browser: the server is not asked to vouch for
 * itself. RFC 6962 §2.1.1; the walk is that of RFC 9162 §2.1.3.2.
 */
export async function holdsInclusion({ position, entry, leafHash, path, head }: AuditProof): Promise<boolean> {
  let hash = fromHex(leafHash);
  if (entry !== undefined && toHex(await sha256(LEAF, new TextEncoder().encode(entry))) !== leafHash) return false;
  // Positions pass 2^32: halved, not shifted.
  let node = position;
  let last = head.size - 1;
  if (node > last) return false;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = await sha256(NODE, fromHex(sibling), hash);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else hash = await sha256(NODE, hash, fromHex(sibling));
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && toHex(hash) === head.rootHash;
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

async function sha256(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}

const toHex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
