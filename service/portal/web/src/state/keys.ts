// Ed25519 keys in this browser. The secret half is never sent anywhere.

import { fromAnyBase64 } from "../contract/bytes.ts";
import { equal, toBase64, type Bytes } from "./base64.ts";
import { KeyFileError } from "./keyfile.ts";

/** A key that can sign now; its secret half cannot be read out of it. */
export type Signer = { publicKey: string; sign(message: Uint8Array): Promise<Bytes> };

const ALGORITHM = { name: "Ed25519" };
/** Before the 32 bytes of a key, in SubjectPublicKeyInfo and in PKCS#8. */
const SPKI_HEAD = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PKCS8_HEAD = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/** Whether this browser knows Ed25519: Chrome and Edge from 137, Firefox from 129, Safari from 17. */
export async function ed25519Works(): Promise<boolean> {
  try {
    await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

/** A new key: PKCS#8 bytes, to be kept by its owner, and the public half (SPKI). */
export async function newKey(): Promise<{ pkcs8: Bytes; spki: Bytes }> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no key pair was made");
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { pkcs8, spki: new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)) };
}

/** The public half (SPKI) of a secret key. */
export async function publicOf(pkcs8: Bytes): Promise<Bytes> {
  const seed = pkcs8.length >= 48 && equal(pkcs8.slice(5, 14), new Uint8Array(PKCS8_HEAD.slice(5, 14)));
  if (!seed) throw new KeyFileError("not-ed25519");
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, true, ["sign"]).catch(() => {
    throw new KeyFileError("not-ed25519");
  });
  const { x } = await crypto.subtle.exportKey("jwk", key);
  // A JWK is written without the padding.
  const raw = fromAnyBase64(`${x ?? ""}=`);
  if (raw?.length !== 32) throw new KeyFileError("not-ed25519");
  return new Uint8Array([...SPKI_HEAD, ...raw]);
}

export async function signerOf(pkcs8: Bytes): Promise<Signer> {
  const publicKey = toBase64(await publicOf(pkcs8));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign(ALGORITHM, key, message.slice()));
  return { publicKey, sign };
}

/** Overwrites a secret that is no longer needed. */
export function wipe(bytes: Bytes): void {
  bytes.fill(0);
}
