// Bits of a column, one plane per bit position, as the servers keep them (mpc/share/src/planes.rs).
//
// Plane j holds bit j (least significant first) of every row; row r is bit r % 64 of word r / 64 of its
// plane. Planes lie one after the other, and the plane of a nullable column that says which values are there
// comes last. Words are little-endian, so an array of 32-bit words has their bytes on any machine that runs
// a browser.

/** 32-bit words of one plane. */
export function strideOf(rows: number): number {
  return 2 * Math.ceil(rows / 64);
}

/** Rows that are turned at a time. */
const BLOCK = 32;

/** Some planes of a column, by their number: from the first one up to, and without, the last. */
export interface PlaneRange {
  readonly from: number;
  readonly to: number;
}

/** Makes planes, all or some, of rows that come one by one; there are at most `capacity` of them. */
export class PlaneWriter {
  /** Of the row that comes next: word `w` is at `32 * w + place`. Holds zeros until somebody writes. */
  readonly block: Uint32Array<ArrayBuffer>;
  readonly #width: number;
  readonly #range: PlaneRange;
  readonly #stride: number;
  #planes: Uint32Array<ArrayBuffer>;
  #valid = 0;
  #rows = 0;

  /** Plane `width` is the one that says which values are there. */
  constructor(capacity: number, width: number, range: PlaneRange) {
    this.#width = width;
    this.#range = range;
    this.#stride = strideOf(capacity);
    this.#planes = new Uint32Array(this.#stride * (range.to - range.from));
    this.block = new Uint32Array(BLOCK * Math.ceil(width / BLOCK));
  }

  /** Where in its block the next row is. */
  get place(): number {
    return this.#rows % BLOCK;
  }

  /** Forgets what was written of the next row. */
  clear(): void {
    for (let at = this.place; at < this.block.length; at += BLOCK) this.block[at] = 0;
  }

  /** Keeps the next row. */
  advance(valid: boolean): void {
    if (valid) this.#valid |= 1 << this.place;
    this.#rows += 1;
    if (this.place === 0) this.#flush(this.#rows / BLOCK - 1);
  }

  /** The planes, of as many rows as came. The writer is used up. */
  finish(): Uint32Array<ArrayBuffer> {
    if (this.place !== 0) this.#flush(Math.floor(this.#rows / BLOCK));
    const [planes, stride] = [this.#planes, strideOf(this.#rows)];
    this.#planes = new Uint32Array(0);
    if (stride === this.#stride) return planes;
    // Fewer rows came than there was room for: every plane moves down.
    const count = this.#range.to - this.#range.from;
    for (let plane = 1; plane < count; plane += 1) {
      planes.copyWithin(plane * stride, plane * this.#stride, plane * this.#stride + stride);
    }
    return planes.subarray(0, count * stride);
  }

  #flush(number: number): void {
    const { from, to } = this.#range;
    for (let start = 0; start < this.block.length; start += BLOCK) {
      const [first, end] = [Math.max(from, start), Math.min(to, start + BLOCK, this.#width)];
      if (first >= end) continue;
      const block = this.block.subarray(start, start + BLOCK);
      turn(block);
      for (let plane = first; plane < end; plane += 1) {
        this.#planes[(plane - from) * this.#stride + number] = block[plane - start] ?? 0;
      }
    }
    if (to > this.#width) this.#planes[(this.#width - from) * this.#stride + number] = this.#valid;
    this.block.fill(0);
    this.#valid = 0;
  }
}

/** Transposes 32 x 32 bits by halving blocks (Warren, Hacker's Delight 7-3). */
function turn(block: Uint32Array): void {
  let mask = 0x0000ffff;
  for (let half = 16; half > 0; half >>>= 1) {
    for (let k = 0; k < BLOCK; k = (k + half + 1) & ~half) {
      const [low, high] = [block[k] ?? 0, block[k + half] ?? 0];
      const swapped = ((low >>> half) ^ high) & mask;
      block[k] = low ^ (swapped << half);
      block[k + half] = high ^ swapped;
    }
    mask ^= mask << (half >>> 1);
  }
}

/**
 * Writes a text as contract/command/src/encoding.rs does: the first character is the most significant,
 * shorter texts end in zero characters. The row must be zero before.
 */
export function writeText(
  text: string,
  length: number,
  bits: number,
  block: Uint32Array,
  place: number,
): void {
  let at = length * bits;
  for (let unit = 0; unit < text.length; unit += 1) {
    const code = text.codePointAt(unit) ?? 0;
    if (code > 0xffff) unit += 1;
    at -= bits;
    const [word, shift] = [(at >>> 5) * BLOCK + place, at & 31];
    block[word] = (block[word] ?? 0) | (code << shift);
    if (shift + bits > 32) block[word + BLOCK] = (block[word + BLOCK] ?? 0) | (code >>> (32 - shift));
  }
}

/** Writes an offset that a `number` holds exactly. */
export function writeNumber(offset: number, block: Uint32Array, place: number): void {
  block[place] = offset;
  if (block.length > BLOCK) block[BLOCK + place] = Math.floor(offset / 4_294_967_296);
}

/** Writes an offset of any width. */
export function writeWide(offset: bigint, block: Uint32Array, place: number): void {
  let rest = offset;
  for (let at = place; at < block.length; at += BLOCK) {
    block[at] = Number(rest & 0xffff_ffffn);
    rest >>= 32n;
  }
}
