// A table in three payloads, of which no server can read its own (mpc/share/src/upload.rs).
//
// Components 0 and 1 are the keystream of a fresh seed and travel as that seed; component 2 is the planes
// combined with both, and travels whole. Server i gets components i and i + 1.

import type { Table } from "./encode.ts";
import type { Octets, Watch } from "./source.ts";
import type { Three } from "./wire.ts";

/** Sixteen random bytes each, used for this table and nothing else. */
export type Seeds = readonly [Octets, Octets];

export function freshSeeds(): Seeds {
  return [crypto.getRandomValues(new Uint8Array(16)), crypto.getRandomValues(new Uint8Array(16))];
}

/** Bytes one component may have. */
const LARGEST = 2 ** 34;
/** Masked at a time; whole blocks of the cipher. */
const PIECE = 1 << 20;
const BLOCK = 16;

const SEED = 1;
const WHOLE = 2;

/** A server's payload: component 2, if it gets it, stands between `before` and `after`. */
export interface Payload {
  readonly before: Octets;
  readonly whole: boolean;
  readonly after: Octets;
}

export function payloads(table: Table, seeds: Seeds): Three<Payload> {
  if (table.bytes > LARGEST) throw new RangeError("the table is too large for one upload");
  const seed = (number: 0 | 1): Octets => joined([length(1 + BLOCK), Uint8Array.of(SEED), seeds[number]]);
  const whole = joined([length(1 + table.bytes), Uint8Array.of(WHOLE)]);
  const nothing = new Uint8Array(0);
  return [
    { before: joined([seed(0), seed(1)]), whole: false, after: nothing },
    { before: joined([seed(1), whole]), whole: true, after: nothing },
    { before: whole, whole: true, after: seed(0) },
  ];
}

/** Bytes of a payload. */
export function payloadBytes(payload: Payload, table: Table): number {
  return payload.before.length + (payload.whole ? table.bytes : 0) + payload.after.length;
}

function length(bytes: number): Octets {
  const field = new Uint8Array(8);
  new DataView(field.buffer).setBigUint64(0, BigInt(bytes), true);
  return field;
}

export function joined(parts: readonly Uint8Array[]): Octets {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Component 2, piece by piece. */
export async function* component(table: Table, seeds: Seeds, watch?: Watch): AsyncGenerator<Octets> {
  const keys = await Promise.all(seeds.map((seed) => Keystream.of(seed)));
  let offset = 0;
  for await (const piece of evenPieces(table.pieces(watch))) {
    let masked = piece;
    for (const key of keys) masked = await key.combine(masked, offset / BLOCK);
    offset += piece.length;
    yield masked;
  }
  if (offset !== table.bytes) throw new RangeError("the table has other planes than it said");
}

/** The same bytes in pieces of one length, but for the last. */
async function* evenPieces(parts: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Octets> {
  let gathered = new Uint8Array(PIECE);
  let filled = 0;
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      const taken = Math.min(PIECE - filled, part.length - at);
      gathered.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < PIECE) continue;
      yield gathered;
      gathered = new Uint8Array(PIECE);
      filled = 0;
    }
  }
  if (filled > 0) yield gathered.subarray(0, filled);
}

/** AES-128 in counter mode; the counter starts at zero and is big-endian (mpc/share/src/keystream.rs). */
class Keystream {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async of(seed: Octets): Promise<Keystream> {
    return new Keystream(await crypto.subtle.importKey("raw", seed, "AES-CTR", false, ["encrypt"]));
  }

  /** Combines bytes with the keystream from block `first` on. */
  async combine(bytes: Octets, first: number): Promise<Octets> {
    const counter = new Uint8Array(BLOCK);
    new DataView(counter.buffer).setBigUint64(8, BigInt(first));
    return new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, this.#key, bytes),
    );
  }
}
