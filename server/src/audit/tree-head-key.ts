import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { headText, type ParsedNote, parseNote, signedNote, type TreeHead } from '../domain/audit-head.ts';
import { type AcceptedRestore, restoreText } from '../domain/audit-restore.ts';
import { writePrivateFile } from '../identity/private-files.ts';
import { Failure } from '../ports/failure.ts';

/** With what this installation signs the heads of its audit log: Ed25519 (RFC 8032). */
export interface TreeHeadKey {
  readonly publicKey: KeyObject;
  /** The signed text of a head. */
  sign(head: TreeHead): string;
  /** That the log goes on from a backup rightly: the signature, base64, with the same hint at the key as a head's. */
  signRestore(restore: AcceptedRestore): string;
  /** For what waits outside the log, where nothing is signed: made from the same key, 32 bytes. */
  secretFor(use: string): Uint8Array;
}

/**
 * Opens the key of a data folder, or makes it at first start. A file that cannot be used is said, never replaced: with
 * another key nobody could tell our heads from forged ones.
 */
export async function openTreeHeadKey(path: string): Promise<TreeHeadKey> {
  const stored = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unusable(path, error);
  });
  if (stored !== undefined) return keyOf(path, stored);
  const made = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writePrivateFile(path, String(made));
  return keyOf(path, String(made));
}

/** A key that is forgotten with the process, for tests and benchmarks. */
export function newTreeHeadKey(): TreeHeadKey {
  return signing(generateKeyPairSync('ed25519').privateKey);
}

function keyOf(path: string, pem: string): TreeHeadKey {
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('not Ed25519');
    return signing(privateKey);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function signing(privateKey: KeyObject): TreeHeadKey {
  const publicKey = createPublicKey(privateKey);
  return {
    publicKey,
    sign(head) {
      const text = headText(head);
      return signedNote(text, [{ name: head.origin, base64: signatureOf(head.origin, text) }]);
    },
    signRestore: (restore) => signatureOf(restore.origin, restoreText(restore)),
    secretFor: (use) =>
      createHmac('sha256', privateKey.export({ type: 'pkcs8', format: 'der' }))
        .update(`healthsync audit ${use}\n`)
        .digest(),
  };

  function signatureOf(origin: string, text: string): string {
    return Buffer.concat([keyHint(origin, publicKey), sign(null, Buffer.from(text), privateKey)]).toString('base64');
  }
}

/** The four bytes of C2SP signed-note: SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), the first of it. */
function keyHint(name: string, publicKey: KeyObject): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n\x01`), rawKey(publicKey)]), 'buffer').subarray(0, 4);
}

export function keyIdOf(origin: string, publicKey: KeyObject): string {
  return keyHint(origin, publicKey).toString('hex');
}

/** As C2SP signed-note writes a key for its verifiers: `<name>+<hint>+<base64 of 0x01 and the key>`. */
export function verifierKey(origin: string, publicKey: KeyObject): string {
  const key = Buffer.concat([Buffer.of(1), rawKey(publicKey)]).toString('base64');
  return `${origin}+${keyIdOf(origin, publicKey)}+${key}`;
}

function rawKey(publicKey: KeyObject): Buffer {
  return Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
}

export type NoteVerdict =
  | { readonly kind: 'signed'; readonly note: ParsedNote; readonly keyId: string }
  | { readonly kind: 'not-a-head' }
  /** Signed by nobody we know, or changed since. */
  | { readonly kind: 'not-signed'; readonly note: ParsedNote };

/** Whether one of these keys signed exactly this. */
export function verifyNote(text: string, keys: readonly KeyObject[]): NoteVerdict {
  const note = parseNote(text);
  if (note === undefined) return { kind: 'not-a-head' };
  for (const { name, base64 } of note.signatures) {
    if (name !== note.head.origin) continue;
    const keyId = signedBy(keys, { name, text: note.text, base64 });
    if (keyId !== undefined) return { kind: 'signed', note, keyId };
  }
  return { kind: 'not-signed', note };
}

/** Whether one of these keys signed that this restore was accepted. */
export function isRestoreSigned(restore: AcceptedRestore, base64: string, keys: readonly KeyObject[]): boolean {
  return signedBy(keys, { name: restore.origin, text: restoreText(restore), base64 }) !== undefined;
}

/** By which of them, as its hint says; undefined: by none. */
function signedBy(
  keys: readonly KeyObject[],
  { name, text, base64 }: { readonly name: string; readonly text: string; readonly base64: string },
): string | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 68) return undefined;
  const hint = bytes.subarray(0, 4);
  const isIt = (key: KeyObject) =>
    keyHint(name, key).equals(hint) && verify(null, Buffer.from(text), key, bytes.subarray(4));
  return keys.some(isIt) ? hint.toString('hex') : undefined;
}

function unusable(path: string, cause: unknown): Failure {
  return new Failure('data-folder-unusable', `The key of the audit log in ${path} cannot be used.`, {
    retryable: false,
    cause,
  });
}
