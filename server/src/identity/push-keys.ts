import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Failure } from '../ports/failure.ts';
import { writePrivateFile } from './private-files.ts';

/** Who this installation is to push services (RFC 8292). Browsers subscribe with the public half and no other. */
export interface PushKeys {
  /** Uncompressed point, base64url: what a browser wants as `applicationServerKey`. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/**
 * Opens the keys of a data folder, or makes them at first start. With other keys every browser would have to subscribe
 * anew, so a file that cannot be used is said, never replaced.
 */
export async function openPushKeys(path: string): Promise<PushKeys> {
  const stored = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unusable(path, error);
  });
  if (stored !== undefined) return keysOf(path, stored);
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writePrivateFile(path, String(made));
  return keysOf(path, String(made));
}

function keysOf(path: string, pem: string): PushKeys {
  try {
    const privateKey = createPrivateKey(pem);
    const { crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
    if (crv !== 'P-256') throw new Error('not on P-256');
    const point = [Buffer.from([4]), Buffer.from(String(x), 'base64url'), Buffer.from(String(y), 'base64url')];
    return { publicKey: Buffer.concat(point).toString('base64url'), privateKey };
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): Failure {
  return new Failure('data-folder-unusable', `The keys for web push in ${path} cannot be used.`, {
    retryable: false,
    cause,
  });
}
