import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { LogKey, LogKeys } from '../../../ports/log-keys.ts';
import { BLOCK_BODY, blockKeyIdAt, TAG_BYTES, writeBlockHead } from './format.ts';

/**
 * Encrypts the records of a group write, a block of them at a time (`format.ts` has its bytes), with AES-256-GCM.
 *
 *   key    HKDF-Expand (RFC 5869, 2.3) with SHA-256 of the log key and `healthsync log 1\n` + salt, 32 bytes
 *   salt   16 random bytes, new each time a segment is begun or gone on with: no two lives of a file, and no two
 *          processes that write at the same place of it, ever have a key in common
 *   nonce  0, and the number of the block under that salt: what is written again is the same bytes, and not sealed again
 *   AAD    number of the segment, place in it, and the block's head: moved, a block does not open
 *
 * Headers of segments are not secret and carry a proof instead: who changes one makes readers skip what it holds.
 */
export class BlockSeal {
  readonly #keys: LogKeys;
  /** Undefined where it was destroyed. A segment has one, and a day of them few. */
  readonly #held = new Map<string, Uint8Array | undefined>();
  /** The last block's: blocks that follow each other mostly have the same. */
  #last: { readonly reference: Buffer; readonly key: KeyObject } | undefined;

  constructor(keys: LogKeys) {
    this.#keys = keys;
  }

  /** What is opened at a start, before anything is written. */
  begin(newest: Parameters<LogKeys['begin']>[0]): Promise<void> {
    return this.#keys.begin(newest);
  }

  /** To seal a new segment with. */
  forNew(): Sealer {
    const current = this.#keys.current();
    this.#held.set(current.id, current.key);
    return sealerOf(current);
  }

  /** To go on with a segment of before; undefined where its key was destroyed. */
  async forOld(keyId: string | undefined): Promise<Sealer | undefined> {
    if (keyId === undefined) return undefined;
    await this.load(keyId);
    const key = this.#held.get(keyId);
    return key && sealerOf({ id: keyId, key });
  }

  /** Whether the header of a segment is as we wrote it. One whose key is not there is nobody's. */
  async isHeaderOurs(keyId: string, proved: Buffer, proof: Buffer): Promise<boolean> {
    await this.load(keyId);
    const key = this.#held.get(keyId);
    return key !== undefined && timingSafeEqual(proofOf(key, proved), proof);
  }

  /** Gets the key with this id, where `open` said that it is not at hand. */
  async load(keyId: string): Promise<void> {
    if (!this.#held.has(keyId)) this.#held.set(keyId, await this.#keys.find(keyId));
  }

  /** Destroys the keys that none of these segments needs any more. */
  async keepOnly(keyIds: ReadonlySet<string>): Promise<void> {
    for (const id of [...this.#held.keys()]) {
      if (keyIds.has(id) || id === this.#keys.current().id) continue;
      await this.#keys.destroy(id);
      this.#held.get(id)?.fill(0);
      this.#held.delete(id);
      this.#last = undefined;
    }
  }

  /** The key that was at hand for the next segment is let go, if there was none. */
  async end(keyIds: ReadonlySet<string>): Promise<void> {
    const { id } = this.#keys.current();
    if (!keyIds.has(id)) await this.#keys.destroy(id);
  }

  /** The records of the block that stands from `start` to `end`, if it was sealed for this very place. */
  open(buffer: Buffer, start: number, end: number, place: BlockPlace): OpenedBlock {
    const keyId = blockKeyIdAt(buffer, start);
    if (!this.#held.has(keyId)) return { kind: 'key-not-loaded', keyId };
    const logKey = this.#held.get(keyId);
    if (logKey === undefined) return { kind: 'key-gone' };
    if (end - start < BLOCK_BODY + TAG_BYTES) return { kind: 'forged' };
    const key = this.#derived(logKey, buffer.subarray(start + 8, start + 8 + REFERENCE_BYTES));
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(buffer, start));
    decipher.setAAD(aadOf(buffer, start, place));
    decipher.setAuthTag(buffer.subarray(end - TAG_BYTES, end));
    const records = decipher.update(buffer.subarray(start + BLOCK_BODY, end - TAG_BYTES));
    try {
      decipher.final();
      return { kind: 'opened', records };
    } catch {
      return { kind: 'forged' };
    }
  }

  #derived(logKey: Uint8Array, reference: Buffer): KeyObject {
    if (this.#last?.reference.equals(reference)) return this.#last.key;
    const key = blockKey(logKey, reference.subarray(KEY_ID_BYTES));
    this.#last = { reference: Buffer.from(reference), key };
    return key;
  }
}

/** Seals the blocks of one segment, for as long as one process writes it. */
export interface Sealer {
  readonly keyId: string;
  /** For the header of a segment. */
  prove(bytes: Buffer): Buffer;
  /** In place: the records stand from `start + BLOCK_BODY`, and after them there is room for the tag, up to `end`. */
  seal(buffer: Buffer, start: number, end: number, place: BlockPlace): void;
}

export interface BlockPlace {
  readonly segment: number;
  /** Of the block's first byte, in the segment's file. */
  readonly position: number;
}

export type OpenedBlock =
  | { readonly kind: 'opened'; readonly records: Buffer }
  /** `load` it, and ask again. */
  | { readonly kind: 'key-not-loaded'; readonly keyId: string }
  | { readonly kind: 'key-gone' }
  /** Its checksum is right and its seal is not: somebody changed or moved it. */
  | { readonly kind: 'forged' };

const KEY_ID_BYTES = 8;
const SALT_BYTES = 16;
const REFERENCE_BYTES = KEY_ID_BYTES + SALT_BYTES;
const NONCE_BYTES = 12;
const AAD_BYTES = 12 + BLOCK_BODY - 4;

function sealerOf({ id, key: logKey }: LogKey): Sealer {
  const salt = randomBytes(SALT_BYTES);
  const reference = Buffer.concat([Buffer.from(id, 'hex'), salt]);
  const key = blockKey(logKey, salt);
  let count = 0;
  return {
    keyId: id,
    prove: (bytes) => proofOf(logKey, bytes),
    seal(buffer, start, end, place) {
      // A u32 counts them: a segment has far fewer pages than that.
      writeBlockHead(buffer, start, { end, reference, count: count++ });
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(buffer, start));
      cipher.setAAD(aadOf(buffer, start, place));
      cipher.update(buffer.subarray(start + BLOCK_BODY, end - TAG_BYTES)).copy(buffer, start + BLOCK_BODY);
      cipher.final();
      cipher.getAuthTag().copy(buffer, end - TAG_BYTES);
    },
  };
}

function proofOf(logKey: Uint8Array, bytes: Buffer): Buffer {
  return createHmac('sha256', logKey).update('healthsync log header 1\n').update(bytes).digest().subarray(0, 16);
}

function blockKey(logKey: Uint8Array, salt: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', logKey).update('healthsync log 1\n').update(salt).update(ONE).digest());
}
/** The counter of HKDF-Expand: there is but one block. */
const ONE = Buffer.of(1);

function nonceOf(buffer: Buffer, start: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  buffer.copy(nonce, NONCE_BYTES - 4, start + BLOCK_BODY - 4, start + BLOCK_BODY);
  return nonce;
}

/** All of the head but its checksum. */
function aadOf(buffer: Buffer, start: number, { segment, position }: BlockPlace): Buffer {
  const aad = Buffer.allocUnsafe(AAD_BYTES);
  aad.writeUInt32LE(segment, 0);
  aad.writeDoubleLE(position, 4);
  buffer.copy(aad, 12, start + 4, start + BLOCK_BODY);
  return aad;
}
