// Ed25519 keys in standard PEM: PKCS#8 for the secret half, SPKI for the public one.

import { Refused, base64, concat, equal, fromAnyBase64, fromBase64, fromHex, utf8 } from "./bytes.ts";
import { fingerprint } from "./digests.ts";
import { isSafeKey, isStrictSignature } from "./edwards.ts";

/** What stands before the 32 bytes; DER leaves no choice in it. */
const SPKI = fromHex("302A300506032B6570032100");
const PKCS8 = fromHex("302E020100300506032B657004220420");

const refuse = (message: string): never => {
  throw new Refused("key_file", message);
};

/** The 32 bytes of a key as it stands in an approval, if it can be relied on. */
export function keyOf(spki: string): Uint8Array | undefined {
  const bytes = behind(SPKI, fromBase64(spki) ?? new Uint8Array(0));
  return bytes !== undefined && isSafeKey(bytes) ? bytes : undefined;
}

/** The public half. Every value of this type has passed the checks of enrolment. */
export class VerifyingKey {
  readonly bytes: Uint8Array;
  private readonly key: CryptoKey;

  private constructor(bytes: Uint8Array, key: CryptoKey) {
    this.bytes = bytes;
    this.key = key;
  }

  static async fromBytes(bytes: Uint8Array): Promise<VerifyingKey> {
    if (!isSafeKey(bytes)) refuse("with this key, signatures nobody made could pass for its own");
    const key = await crypto.subtle.importKey("raw", bytes.slice(), "Ed25519", true, ["verify"]);
    return new VerifyingKey(bytes.slice(), key);
  }

  static async fromSpki(der: Uint8Array): Promise<VerifyingKey> {
    const bytes = behind(SPKI, der) ?? refuse("this is no Ed25519 verification key in SPKI form");
    return VerifyingKey.fromBytes(bytes);
  }

  /** As it stands in an approval or a policy. */
  static async fromBase64(text: string): Promise<VerifyingKey> {
    return VerifyingKey.fromSpki(fromBase64(text) ?? refuse("this is no base64"));
  }

  /** A `.pk` file. */
  static async fromPem(text: string): Promise<VerifyingKey> {
    return VerifyingKey.fromSpki(fromPem(text, "PUBLIC KEY"));
  }

  toBase64(): string {
    return base64(concat(SPKI, this.bytes));
  }

  toPem(): string {
    return toPem(concat(SPKI, this.bytes), "PUBLIC KEY");
  }

  fingerprint(): string {
    return fingerprint(this.bytes);
  }

  equals(other: VerifyingKey): boolean {
    return equal(this.bytes, other.bytes);
  }

  /** The only place where a signature is checked, and only strictly. */
  async verifies(message: Uint8Array, signature: string): Promise<boolean> {
    const bytes = fromAnyBase64(signature);
    if (bytes === undefined || !isStrictSignature(bytes)) return false;
    return crypto.subtle.verify("Ed25519", this.key, bytes.slice(), message.slice());
  }
}

/** The secret half, which WebCrypto keeps. */
export class SigningKey {
  readonly verifyingKey: VerifyingKey;
  private readonly key: CryptoKey;

  private constructor(key: CryptoKey, verifyingKey: VerifyingKey) {
    this.key = key;
    this.verifyingKey = verifyingKey;
  }

  /** From 32 bytes of true randomness. */
  static async fromSeed(seed: Uint8Array): Promise<SigningKey> {
    return SigningKey.fromPkcs8(concat(PKCS8, seed));
  }

  /** A `.sk` file. */
  static async fromPem(text: string): Promise<SigningKey> {
    return SigningKey.fromPkcs8(fromPem(text, "PRIVATE KEY"));
  }

  private static async fromPkcs8(der: Uint8Array): Promise<SigningKey> {
    behind(PKCS8, der) ?? refuse("this is no Ed25519 signing key in PKCS#8 form without password");
    // The public half is only to be had by exporting the whole key once.
    const whole = await crypto.subtle.importKey("pkcs8", der.slice(), "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", whole);
    const key = await crypto.subtle.importKey("pkcs8", der.slice(), "Ed25519", false, ["sign"]);
    const bytes = fromAnyBase64(`${x ?? ""}=`) ?? refuse("this key has no public half");
    return new SigningKey(key, await VerifyingKey.fromBytes(bytes));
  }

  /** Base64 of the signature. */
  async sign(message: Uint8Array): Promise<string> {
    return base64(new Uint8Array(await crypto.subtle.sign("Ed25519", this.key, message.slice())));
  }
}

/** A new key: the text of its `.sk` file and of its `.pk` file. */
export async function generateKey(): Promise<{ secret: string; public: string }> {
  const der = concat(PKCS8, crypto.getRandomValues(new Uint8Array(32)));
  const secret = toPem(der, "PRIVATE KEY");
  return { secret, public: (await SigningKey.fromPem(secret)).verifyingKey.toPem() };
}

/** DSSE's pre-authentication encoding: type and body cannot run into each other. */
export function pae(type: string, body: Uint8Array): Uint8Array {
  return concat(utf8(`DSSEv1 ${utf8(type).length} ${type} ${body.length} `), body);
}

function behind(prefix: Uint8Array, der: Uint8Array): Uint8Array | undefined {
  const [start, rest] = [der.subarray(0, prefix.length), der.subarray(prefix.length)];
  return equal(start, prefix) && rest.length === 32 ? rest : undefined;
}

function fromPem(text: string, label: string): Uint8Array {
  const lines = text.trim().split(/\r?\n/);
  const [first, last] = [lines.shift(), lines.pop()];
  const marked = first === `-----BEGIN ${label}-----` && last === `-----END ${label}-----`;
  if (!marked) refuse(`this is no ${label}`);
  return fromBase64(lines.join("")) ?? refuse("this is no base64");
}

function toPem(der: Uint8Array, label: string): string {
  return `-----BEGIN ${label}-----\n${base64(der)}\n-----END ${label}-----\n`;
}
