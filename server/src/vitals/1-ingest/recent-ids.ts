/**
 * The last ids of one device, as bytes: ten thousand devices hold hundreds of thousands of them for half a minute each,
 * and as strings every one would be copied by the garbage collector on its way to old age.
 */
export class RecentIds {
  readonly #hashes: Int32Array;
  /** 0: nothing there. Ids are ASCII by their parser, so that a character is a byte. */
  readonly #lengths: Uint8Array;
  #slotBytes = 24;
  #bytes: Uint8Array;
  #next = 0;

  constructor(count: number) {
    this.#hashes = new Int32Array(count);
    this.#lengths = new Uint8Array(count);
    this.#bytes = new Uint8Array(count * this.#slotBytes);
  }

  has(id: string): boolean {
    const hash = hashOf(id);
    for (let slot = 0; slot < this.#hashes.length; slot++)
      if (this.#hashes[slot] === hash && this.#isAt(slot, id)) return true;
    return false;
  }

  /** In the place of the oldest. An id that is no id of ours (empty, longer than 255) is not remembered. */
  add(id: string): void {
    if (id.length === 0 || id.length > 255) return;
    if (id.length > this.#slotBytes) this.#widen(id.length);
    const slot = this.#next;
    this.#next = (slot + 1) % this.#hashes.length;
    this.#hashes[slot] = hashOf(id);
    this.#lengths[slot] = id.length;
    const start = slot * this.#slotBytes;
    for (let i = 0; i < id.length; i++) this.#bytes[start + i] = id.charCodeAt(i);
  }

  #isAt(slot: number, id: string): boolean {
    if (this.#lengths[slot] !== id.length) return false;
    const start = slot * this.#slotBytes;
    for (let i = 0; i < id.length; i++) if (this.#bytes[start + i] !== id.charCodeAt(i)) return false;
    return true;
  }

  #widen(slotBytes: number): void {
    const wider = new Uint8Array(this.#hashes.length * slotBytes);
    for (let slot = 0; slot < this.#hashes.length; slot++)
      wider.set(this.#bytes.subarray(slot * this.#slotBytes, (slot + 1) * this.#slotBytes), slot * slotBytes);
    this.#bytes = wider;
    this.#slotBytes = slotBytes;
  }
}

/** FNV-1a, 32 bits: only says where to look. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash | 0;
}
