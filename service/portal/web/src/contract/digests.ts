// BLAKE3, as names of documents and with a context of its own for each purpose.

import { blake3 } from "@noble/hashes/blake3.js";
import { concat, fromHex, hex, utf8 } from "./bytes.ts";

/** Names a document by its exact bytes. */
export function digest(bytes: Uint8Array): string {
  return hex(blake3(bytes));
}

export function digestWithin(context: string, ...parts: Uint8Array[]): string {
  return hex(blake3(concat(...parts), { context: utf8(context) }));
}

/** Names a run by what the three servers put into it. */
export function runId(nonces: string[]): string {
  return digestWithin("vdl 2026 run id from three nonces", ...nonces.map(fromHex));
}

/** For people to compare: 128 bits of a key's digest, in eight groups. */
export function fingerprint(key: Uint8Array): string {
  return (digest(key).slice(0, 32).match(/..../g) ?? []).join("-");
}
