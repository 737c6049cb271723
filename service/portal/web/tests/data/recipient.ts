// A server's side of a sealed parcel, for tests: opens what the page sealed and seals answers.

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { joined } from "../../src/data/split.ts";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

export interface Opened {
  readonly route: string;
  readonly body: Uint8Array;
  /** Plaintext bytes of each frame. */
  readonly frames: readonly number[];
  answer(status: number, body: Uint8Array, nonce?: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

export class Recipient {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #suite: CipherSuite;
  readonly #pair: CryptoKeyPair;

  constructor(suite: CipherSuite, pair: CryptoKeyPair, publicKey: Uint8Array<ArrayBuffer>) {
    [this.#suite, this.#pair, this.publicKey] = [suite, pair, publicKey];
  }

  /** The key pair that RFC 9180 derives from these bytes. */
  static async from(seed: Uint8Array): Promise<Recipient> {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes256Gcm(),
    });
    const pair = await suite.kem.deriveKeyPair(seed);
    const key = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey));
    return new Recipient(suite, pair, key);
  }

  async open(parcel: Uint8Array): Promise<Opened> {
    const enc = parcel.slice(0, 32);
    const context = await this.#suite.createRecipientContext({
      recipientKey: this.#pair.privateKey,
      enc,
      info: utf8("vdl sealed request 1"),
    });
    const parts: Uint8Array[] = [];
    for (let at = 32; at < parcel.length; ) {
      const length = new DataView(parcel.buffer, parcel.byteOffset).getUint32(at, true);
      const end = at + 4 + length;
      const aad = utf8(end === parcel.length ? "last" : "more");
      parts.push(new Uint8Array(await context.open(parcel.slice(at + 4, end), aad)));
      at = end;
    }
    const plain = joined(parts);
    const path = plain[0] ?? 0;
    const fresh = (): Uint8Array => crypto.getRandomValues(new Uint8Array(16));
    const answer: Opened["answer"] = async (status, body, nonce = fresh()) => {
      const secret = new Uint8Array(await context.export(utf8("vdl sealed answer 1"), 32));
      const prk = extract(sha256, secret, joined([enc, nonce]));
      const raw = new Uint8Array(expand(sha256, prk, utf8("key"), 32));
      const iv = new Uint8Array(expand(sha256, prk, utf8("nonce"), 12));
      const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
      const clear = joined([Uint8Array.of(status & 255, status >> 8), body]);
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, clear);
      return joined([nonce, new Uint8Array(sealed)]);
    };
    return {
      route: new TextDecoder().decode(plain.slice(1, 1 + path)),
      body: plain.slice(1 + path),
      frames: parts.map((part) => part.length),
      answer,
    };
  }
}
