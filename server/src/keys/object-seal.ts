import { createCipheriv, hash, type KeyObject, randomBytes } from 'node:crypto';
import { expandKey, openGcm, TAG_BYTES } from './gcm.ts';
import { seal, unseal } from './seal.ts';

/**
 * Encrypts a file as it is written, however long it becomes, with a key of its own that is sealed with the data key of
 * whom it is about: once that is erased, no copy of the file opens any more.
 *
 *   8 bytes `HSOBJ 1\n`, u16 length and whose it is (`patient:P1`), u16 length and the object's key, sealed (`seal.ts`)
 *   then chunks of 64 KiB, the last one shorter or empty, each with 16 bytes of tag
 *
 * STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance,
 * 2015) over AES-256-GCM, as age writes it: the nonce is the number of the chunk (11 bytes, big-endian) and whether it is
 * the last one (1 byte). So a chunk that is missing, moved or comes twice, and an end that is cut off, do not open.
 * key = HKDF-Expand with SHA-256 of the object's key and `healthsync object 1\n` + SHA-256 of all before the chunks.
 */
export interface ObjectSealer {
  /** What is to be written for it, which may be nothing yet. */
  update(bytes: Uint8Array): Buffer;
  /** The rest. Without it the object does not open. */
  end(): Buffer;
}

export function createObjectSealer(owner: { readonly subject: string; readonly dataKey: Uint8Array }): ObjectSealer {
  const objectKey = randomBytes(32);
  const head = headOf(owner.subject, seal(owner.dataKey, placeOf(owner.subject), objectKey));
  const key = chunkKey(objectKey, head);
  let waiting: Buffer[] = [];
  let length = 0;
  let count = 0;
  let out: Buffer[] = [head];

  function write(chunk: Buffer, isLast: boolean): void {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(count++, isLast));
    out.push(cipher.update(chunk), cipher.final(), cipher.getAuthTag());
  }

  function taken(): Buffer {
    const bytes = Buffer.concat(out);
    out = [];
    return bytes;
  }

  return {
    update(bytes) {
      waiting.push(Buffer.from(bytes));
      length += bytes.length;
      if (length > CHUNK_BYTES) {
        let rest = Buffer.concat(waiting);
        // A full one is kept back: it may be the last.
        for (; rest.length > CHUNK_BYTES; rest = rest.subarray(CHUNK_BYTES))
          write(rest.subarray(0, CHUNK_BYTES), false);
        waiting = [rest];
        length = rest.length;
      }
      return taken();
    },
    end() {
      write(Buffer.concat(waiting), true);
      return taken();
    },
  };
}

export type OpenedObject =
  | { readonly kind: 'chunk'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly why: 'not-an-object' | 'key-gone' | 'altered' | 'cut-off' };

/**
 * Gives back what was sealed, a chunk at a time, each only once it is known to be whole and in its place. Whoever reads on
 * to the end without a refusal has everything; before that, the end may still be missing.
 */
export async function* openObject(
  source: AsyncIterable<Uint8Array>,
  keyOf: (subject: string) => Promise<Uint8Array | undefined>,
): AsyncGenerator<OpenedObject> {
  const input = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let isOver = false;
  const fill = async (length: number): Promise<void> => {
    while (held.length < length && !isOver) {
      const next = await input.next();
      if (next.done === true) isOver = true;
      else held = Buffer.concat([held, next.value]);
    }
  };

  await fill(HEAD_MAX);
  const head = readHead(held);
  if (head === undefined) return yield { kind: 'refused', why: 'not-an-object' };
  const dataKey = await keyOf(head.subject);
  if (dataKey === undefined) return yield { kind: 'refused', why: 'key-gone' };
  const objectKey = unseal(dataKey, placeOf(head.subject), head.sealedKey);
  if (objectKey === undefined) return yield { kind: 'refused', why: 'altered' };
  const key = chunkKey(objectKey, head.bytes);
  held = held.subarray(head.bytes.length);

  for (let count = 0; ; count++) {
    await fill(CHUNK_BYTES + TAG_BYTES + 1);
    const isLast = isOver && held.length <= CHUNK_BYTES + TAG_BYTES;
    const chunk = held.subarray(0, CHUNK_BYTES + TAG_BYTES);
    const bytes = openGcm({ key, nonce: nonceOf(count, isLast) }, chunk);
    if (bytes === undefined) {
      const isCut = isLast && openGcm({ key, nonce: nonceOf(count, false) }, chunk) !== undefined;
      return yield { kind: 'refused', why: isCut || chunk.length < TAG_BYTES ? 'cut-off' : 'altered' };
    }
    yield { kind: 'chunk', bytes };
    if (isLast) return;
    held = held.subarray(CHUNK_BYTES + TAG_BYTES);
  }
}

const MAGIC = Buffer.from('HSOBJ 1\n', 'latin1');
const CHUNK_BYTES = 64 * 1024;
/** An id has at most 255 characters, a sealed key 77 bytes. */
const HEAD_MAX = 1024;

const placeOf = (subject: string) => ({ subject, field: 'object.key' });

function headOf(subject: string, sealedKey: Buffer): Buffer {
  const name = Buffer.from(subject);
  return Buffer.concat([MAGIC, lengthOf(name), name, lengthOf(sealedKey), sealedKey]);
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return length;
}

function readHead(held: Buffer) {
  const parts: Buffer[] = [];
  let at = MAGIC.length;
  if (!MAGIC.equals(held.subarray(0, at))) return undefined;
  for (let part = 0; part < 2; part++) {
    if (held.length < at + 2) return undefined;
    const end = at + 2 + held.readUInt16LE(at);
    if (held.length < end) return undefined;
    parts.push(held.subarray(at + 2, end));
    at = end;
  }
  const [subject, sealedKey] = parts as [Buffer, Buffer];
  return { subject: subject.toString(), sealedKey, bytes: held.subarray(0, at) };
}

function chunkKey(objectKey: Uint8Array, head: Buffer): KeyObject {
  return expandKey(objectKey, 'healthsync object 1\n', hash('sha256', head, 'buffer'));
}

/** 2^48 chunks are more than any disk holds. */
function nonceOf(count: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(count, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
