// From a new key, or one in a file, to a key that the portal knows.

import * as api from "../api/calls.ts";
import type { Key, KeyPurpose } from "../api/shapes.ts";
import { toBase64, utf8, type Bytes } from "./base64.ts";
import { save, slug } from "./files.ts";
import { readKeyFile, writeEncrypted, writePlain } from "./keyfile.ts";
import { newKey, signerOf, wipe, type Signer } from "./keys.ts";
import { keep, unlock, type KeptKey } from "./keystore.ts";
import { ENROLMENT, signPayload } from "./signatures.ts";

/** Where the secret half is to stay. */
export type Places = { browser: boolean; encryptedFile: boolean; plainFile: boolean };

/** Makes a key and keeps its secret half where its owner wants it. That comes before enrolment: a key that is
 *  enrolled and then lost would be worse than one that is not enrolled. */
export async function makeKey(name: string, places: Places, passphrase: string): Promise<Signer> {
  const { pkcs8, spki } = await newKey();
  try {
    if (places.browser) await keep(toBase64(spki), name, pkcs8, passphrase);
    if (places.encryptedFile)
      save(`${slug(name)}.sk`, await writeEncrypted(pkcs8, passphrase), "application/x-pem-file");
    if (places.plainFile) save(`${slug(name)}${places.encryptedFile ? "-plain" : ""}.sk`, writePlain(pkcs8));
    return await signerOf(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

/** Reads a key its owner has in a file, and keeps it in this browser where a passphrase for that is given. */
export async function bringKey(
  name: string,
  file: { text: string; passphrase: string },
  browserPassphrase: string | undefined,
): Promise<Signer> {
  const pkcs8 = await readKeyFile(file.text, file.passphrase);
  try {
    const signer = await signerOf(pkcs8);
    if (browserPassphrase !== undefined) await keep(signer.publicKey, name, pkcs8, browserPassphrase);
    return signer;
  } finally {
    wipe(pkcs8);
  }
}

/** A key that can sign, out of this browser or a file. */
export async function openSigner(
  from: { kept: KeptKey; passphrase: string } | { text: string; passphrase: string },
): Promise<Signer> {
  const pkcs8: Bytes =
    "kept" in from ? await unlock(from.kept, from.passphrase) : await readKeyFile(from.text, from.passphrase);
  try {
    return await signerOf(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

/** The secret half of a key of this browser, as a file under the same passphrase. */
export async function saveKept(kept: KeptKey, passphrase: string): Promise<void> {
  const pkcs8 = await unlock(kept, passphrase);
  try {
    save(`${slug(kept.name)}.sk`, await writeEncrypted(pkcs8, passphrase), "application/x-pem-file");
  } finally {
    wipe(pkcs8);
  }
}

/** Shows the portal that whoever enrols the public half has the other, and for which purpose and portal. */
export async function enrol(name: string, purpose: KeyPurpose, signer: Signer): Promise<Key> {
  const { challenge } = await api.keyChallenge();
  const { publicKey } = signer;
  const proof = { type: "vdl-enrolment/1", origin: location.origin, challenge, purpose, public: publicKey };
  const signature = await signPayload(signer, ENROLMENT, utf8(JSON.stringify(proof)));
  return api.enrol(name, purpose, publicKey, challenge, signature);
}
