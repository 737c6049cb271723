// The file as it lies on the provider's disk, read a piece at a time.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** Bytes in memory of their own, as the browser's cryptography wants them. */
export type Octets = Uint8Array<ArrayBuffer>;

/** What of a `Blob` or `File` is needed here. */
export interface Source {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** Bytes read at a time: large enough to be quick, small beside what a tab may take. */
export const PIECE = 1 << 19;

/** Told how many bytes of the file have been read. A long job asks `cancelled` between pieces. */
export interface Watch {
  progress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

/** The bytes of a file, piece by piece. */
export async function* pieces(source: Source, watch?: Watch): AsyncGenerator<Octets> {
  for (let at = 0; at < source.size; at += PIECE) {
    watch?.signal?.throwIfAborted();
    const end = Math.min(source.size, at + PIECE);
    const piece = new Uint8Array(await source.slice(at, end).arrayBuffer());
    if (piece.length !== end - at) throw new SourceChanged();
    yield piece;
    watch?.progress?.(end, source.size);
  }
}

/** The file was altered, moved or taken away while it was being read. */
export class SourceChanged extends Error {
  constructor() {
    super("the file changed while it was being read");
  }
}

/** What the first bytes say: a byte-order mark, or every other byte being zero. */
export function encodingOf(head: Uint8Array): { encoding: Encoding; mark: number } {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: "utf-8", mark: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", mark: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: "utf-16be", mark: 2 };
  const sample = head.subarray(0, 4096 & ~1);
  let [even, odd] = [0, 0];
  sample.forEach((byte, at) => {
    if (byte === 0) at % 2 === 0 ? (even += 1) : (odd += 1);
  });
  if (odd > sample.length / 8 && even === 0) return { encoding: "utf-16le", mark: 0 };
  if (even > sample.length / 8 && odd === 0) return { encoding: "utf-16be", mark: 0 };
  return { encoding: "utf-8", mark: 0 };
}

/** Text of pieces that may end within a character. Throws a `TypeError` where the bytes are no such text. */
export interface Decoder {
  decode(piece: Octets): string;
  end(): string;
}

export function decoderOf(encoding: Encoding): Decoder {
  if (encoding === "windows-1252") return { decode: windows1252, end: () => "" };
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return { decode: (piece) => decoder.decode(piece, { stream: true }), end: () => decoder.decode() };
}

/** What the bytes 0x80 to 0x9f mean; the others, and those without a meaning, are their own number. */
const UPPER =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";
const MEANING = Uint16Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 && byte < 0xa0 ? UPPER.charCodeAt(byte - 0x80) : byte,
);

function windows1252(piece: Octets): string {
  const units = new Uint16Array(piece.length);
  for (let at = 0; at < piece.length; at += 1) units[at] = MEANING[piece[at] ?? 0] ?? 0;
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(units);
}

/** SHA-256 of bytes that come piece by piece, in lower-case hexadecimal. */
export class FileDigest {
  readonly #hash = sha256.create();

  add(piece: Uint8Array): void {
    this.#hash.update(piece);
  }

  hex(): string {
    return bytesToHex(this.#hash.digest());
  }
}
