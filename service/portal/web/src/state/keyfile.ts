// Key files as `vdl keygen` and `openssl pkey` write them: PEM, PKCS#8, plain or under a passphrase (RFC
// 5958, PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC).

import { equal, fromPem, toPem, utf8, type Bytes } from "./base64.ts";
import { inside, NULL, OCTETS, OID, read, readInteger, SEQUENCE, write, writeInteger } from "./der.ts";

/** What OWASP asks of PBKDF2-HMAC-SHA-256 at the least. */
export const ROUNDS = 600_000;
/** More would only let a file keep the page busy. */
const MOST_ROUNDS = 10_000_000;

const PBES2 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const HMAC_SHA256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const AES_256_CBC = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

export type KeyFileProblem =
  "no-key-file" | "passphrase-needed" | "wrong-passphrase" | "unknown-encryption" | "not-ed25519";

export class KeyFileError extends Error {
  readonly problem: KeyFileProblem;
  constructor(problem: KeyFileProblem) {
    super(problem);
    this.problem = problem;
  }
}

/** A `.sk` as `vdl` reads it. Whoever has the file has the key. */
export const writePlain = (pkcs8: Bytes): string => toPem("PRIVATE KEY", pkcs8);

/** A `.pk`. */
export const writePublic = (spki: Bytes): string => toPem("PUBLIC KEY", spki);

/** The same under a passphrase: `openssl pkey -in FILE -out plain.sk` takes it off again. */
export async function writeEncrypted(pkcs8: Bytes, passphrase: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const key = await keyFrom(passphrase, salt, ROUNDS, "AES-CBC");
  const data = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, pkcs8));
  const hash = write(SEQUENCE, oid(HMAC_SHA256), write(NULL));
  const derivation = write(
    SEQUENCE,
    oid(PBKDF2),
    write(SEQUENCE, write(OCTETS, salt), writeInteger(ROUNDS), hash),
  );
  const cipher = write(SEQUENCE, oid(AES_256_CBC), write(OCTETS, iv));
  const algorithm = write(SEQUENCE, oid(PBES2), write(SEQUENCE, derivation, cipher));
  return toPem("ENCRYPTED PRIVATE KEY", write(SEQUENCE, algorithm, write(OCTETS, data)));
}

/** The PKCS#8 bytes in a key file. Throws a `KeyFileError` that says what is the matter. */
export async function readKeyFile(text: string, passphrase: string): Promise<Bytes> {
  const pem = fromPem(text);
  if (pem?.label === "PRIVATE KEY") return pem.bytes;
  if (pem?.label !== "ENCRYPTED PRIVATE KEY") throw new KeyFileError("no-key-file");
  if (passphrase === "") throw new KeyFileError("passphrase-needed");
  const { salt, rounds, iv, data } = readPbes2(pem.bytes);
  const key = await keyFrom(passphrase, salt, rounds, "AES-CBC");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, key, data));
  } catch {
    throw new KeyFileError("wrong-passphrase");
  }
}

/** An AES-256 key out of a passphrase. */
export async function keyFrom(
  passphrase: string,
  salt: Bytes,
  iterations: number,
  name: "AES-CBC" | "AES-GCM",
): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey("raw", utf8(passphrase.normalize("NFC")), "PBKDF2", false, [
    "deriveKey",
  ]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(derivation, secret, { name, length: 256 }, false, ["encrypt", "decrypt"]);
}

function readPbes2(bytes: Bytes): { salt: Bytes; rounds: number; iv: Bytes; data: Bytes } {
  const [algorithm, data] = inside(read(bytes)?.[0]) ?? [];
  const [scheme, parameters] = inside(algorithm) ?? [];
  const [derivation, cipher] = inside(parameters) ?? [];
  const [derivationName, derivationParameters] = inside(derivation) ?? [];
  const [salt, rounds, ...rest] = inside(derivationParameters) ?? [];
  const [cipherName, iv] = inside(cipher) ?? [];
  const hash = inside(rest.find((node) => node.tag === SEQUENCE))?.[0];
  const known =
    is(scheme, PBES2) && is(derivationName, PBKDF2) && is(hash, HMAC_SHA256) && is(cipherName, AES_256_CBC);
  const iterations = readInteger(rounds);
  if (!known || salt?.tag !== OCTETS || iv?.tag !== OCTETS || data?.tag !== OCTETS) {
    throw new KeyFileError("unknown-encryption");
  }
  if (iterations === undefined || iterations < 1 || iterations > MOST_ROUNDS || iv.content.length !== 16) {
    throw new KeyFileError("unknown-encryption");
  }
  return { salt: salt.content, rounds: iterations, iv: iv.content, data: data.content };
}

const oid = (numbers: number[]): Bytes => write(OID, new Uint8Array(numbers));

const is = (node: { tag: number; content: Bytes } | undefined, numbers: number[]): boolean =>
  node?.tag === OID && equal(node.content, new Uint8Array(numbers));
