// Sealed parcels: what the portal relays and cannot read (docs/protocols.md). HPKE base mode with X25519,
// HKDF-SHA256 and AES-256-GCM; many frames of one context, so that no parcel has to be in memory whole.

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, type SenderContext } from "@hpke/core";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Octets } from "./source.ts";
import { joined } from "./split.ts";
import { Garbled, type Route } from "./wire.ts";

const INFO = octets("vdl sealed request 1");
const ANSWER = octets("vdl sealed answer 1");
const MORE = octets("more");
const LAST = octets("last");

/** Plaintext of one frame, at most. */
export const FRAME = 1 << 20;
const KEY = 32;
const NONCE = 16;
const TAG = 16;
const LENGTH = 4;

function octets(text: string): Octets {
  return new TextEncoder().encode(text);
}

/** Bytes of the parcel of a route and a body of so many bytes. */
export function parcelBytes(route: Route, body: number): number {
  const plain = 1 + octets(route).length + body;
  return KEY + plain + Math.max(1, Math.ceil(plain / FRAME)) * (LENGTH + TAG);
}

/** A server's public sealing key, from its base64; `null` where it is none. */
export function readSealKey(text: string): Octets | null {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Makes one parcel, a frame at a time, and opens the answer to it. */
export class Sealer {
  readonly #context: SenderContext;
  readonly #enc: Octets;
  readonly #emit: (bytes: Octets) => Promise<void>;
  #frame: Octets = new Uint8Array(FRAME);
  #filled = 0;
  #begun = false;

  constructor(context: SenderContext, emit: (bytes: Octets) => Promise<void>) {
    this.#context = context;
    this.#enc = new Uint8Array(context.enc);
    this.#emit = emit;
  }

  /** `emit` gets the parcel's bytes in order. `ephemeral` is for vectors: nobody else may choose it. */
  static async to(
    key: Octets,
    route: Route,
    emit: (bytes: Octets) => Promise<void>,
    ephemeral?: Octets,
  ): Promise<Sealer> {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes256Gcm(),
    });
    const recipientPublicKey = await suite.kem.deserializePublicKey(key);
    const parameters = { recipientPublicKey, info: INFO };
    const fixed = ephemeral === undefined ? {} : { ekm: ephemeral };
    const sealer = new Sealer(await suite.createSenderContext({ ...parameters, ...fixed }), emit);
    await sealer.write(joined([Uint8Array.of(octets(route).length), octets(route)]));
    return sealer;
  }

  /** More of the body. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      // A full frame waits until something follows it: the last one says that it is the last.
      if (this.#filled === FRAME) await this.#seal(MORE);
      const taken = Math.min(FRAME - this.#filled, bytes.length - at);
      this.#frame.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
    }
  }

  /** The body is complete. */
  async end(): Promise<void> {
    await this.#seal(LAST);
    this.#frame = new Uint8Array(0);
  }

  async #seal(aad: Octets): Promise<void> {
    const plain = this.#frame.slice(0, this.#filled);
    this.#filled = 0;
    const sealed = new Uint8Array(await this.#context.seal(plain, aad));
    const length = new Uint8Array(LENGTH);
    new DataView(length.buffer).setUint32(0, sealed.length, true);
    const start = this.#begun ? [] : [this.#enc];
    this.#begun = true;
    await this.#emit(joined([...start, length, sealed]));
  }

  /** Opens the server's answer: its HTTP status and its body. */
  async openAnswer(answer: Uint8Array): Promise<{ status: number; body: Octets }> {
    if (answer.length < NONCE + TAG + 2) throw new Garbled("a sealed answer that is cut");
    const nonce = answer.slice(0, NONCE);
    const secret = new Uint8Array(await this.#context.export(ANSWER, KEY));
    const { key, iv } = answerKey(secret, this.#enc, nonce);
    const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    let plain: Octets;
    try {
      const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, imported, answer.slice(NONCE));
      plain = new Uint8Array(opened);
    } catch {
      throw new Garbled("a sealed answer that is not this server's, or was altered");
    }
    return { status: new DataView(plain.buffer).getUint16(0, true), body: plain.subarray(2) };
  }
}

/** As RFC 9458, section 4.4. */
function answerKey(secret: Octets, enc: Octets, nonce: Octets): { key: Octets; iv: Octets } {
  const prk = extract(sha256, secret, joined([enc, nonce]));
  const derive = (info: string, bytes: number): Octets =>
    new Uint8Array(expand(sha256, prk, octets(info), bytes));
  return { key: derive("key", 32), iv: derive("nonce", 12) };
}

/** A small parcel, whole, and what opens its answer. */
export async function seal(
  key: Octets,
  route: Route,
  body: Uint8Array,
): Promise<{ parcel: Octets; sealer: Sealer }> {
  const parts: Octets[] = [];
  const sealer = await Sealer.to(key, route, (bytes) => Promise.resolve(void parts.push(bytes)));
  await sealer.write(body);
  await sealer.end();
  return { parcel: joined(parts), sealer };
}
