import type { AuditKeys, AuditTreeHead } from '@healthsync/contracts/audit';

/**
 * Whether the head was signed by a key of this log, and says what is shown of it (a C2SP checkpoint in a C2SP signed note,
 * Ed25519). `unknown`: this browser cannot check it.
 */
export async function holdsSignature(
  { note, size, rootHash }: Pick<AuditTreeHead, 'note' | 'size' | 'rootHash'>,
  { origin, keys }: AuditKeys,
): Promise<'holds' | 'does-not-hold' | 'unknown'> {
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [noteOrigin, noteSize, root = ''] = text.split('\n');
  const rootBytes = bytesOf(root);
  const hex = rootBytes && [...rootBytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (end < 0 || hex !== rootHash || noteSize !== String(size)) return 'does-not-hold';
  if (origin !== undefined && noteOrigin !== origin) return 'does-not-hold';
  for (const { publicKey } of keys) {
    const key = await importKey(publicKey);
    if (key === undefined) return 'unknown';
    for (const line of note.slice(end + 2).split('\n')) {
      // Four bytes that hint at the key stand before the signature.
      const signature = bytesOf(line.split(' ').at(-1) ?? '')?.slice(4);
      if (signature?.length !== ED25519_BYTES) continue;
      if (await crypto.subtle.verify('Ed25519', key, signature, new TextEncoder().encode(text))) return 'holds';
    }
  }
  return 'does-not-hold';
}

const ED25519_BYTES = 64;

/** Undefined where the browser knows no Ed25519. */
async function importKey(pem: string): Promise<CryptoKey | undefined> {
  const der = bytesOf(pem.replace(/-----[A-Z ]+-----|\s/g, ''));
  if (der === undefined) return undefined;
  return crypto.subtle.importKey('spki', der, 'Ed25519', false, ['verify']).catch(() => undefined);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
