// Keys kept in this browser, under a passphrase (PBKDF2, AES-256-GCM). What is stored is useless without it.

import { keyFrom, KeyFileError, ROUNDS } from "./keyfile.ts";
import { utf8, type Bytes } from "./base64.ts";

export type KeptKey = {
  /** SPKI in base64: which key it is. */
  publicKey: string;
  name: string;
  salt: Bytes;
  iv: Bytes;
  rounds: number;
  wrapped: Bytes;
};

const DATABASE = "vdl-keys";
const STORE = "keys";

export async function keep(publicKey: string, name: string, pkcs8: Bytes, passphrase: string): Promise<void> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await keyFrom(passphrase, salt, ROUNDS, "AES-GCM");
  const sealed = { name: "AES-GCM", iv, additionalData: utf8(publicKey) };
  const wrapped = new Uint8Array(await crypto.subtle.encrypt(sealed, key, pkcs8));
  const kept: KeptKey = { publicKey, name, salt, iv, rounds: ROUNDS, wrapped };
  await within("readwrite", (store) => store.put(kept));
}

/** All of them, still under their passphrases. */
export async function keptKeys(): Promise<KeptKey[]> {
  return within("readonly", (store) => store.getAll() as IDBRequest<KeptKey[]>);
}

/** The PKCS#8 bytes. */
export async function unlock(kept: KeptKey, passphrase: string): Promise<Bytes> {
  const key = await keyFrom(passphrase, kept.salt, kept.rounds, "AES-GCM");
  const sealed = { name: "AES-GCM", iv: kept.iv, additionalData: utf8(kept.publicKey) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(sealed, key, kept.wrapped));
  } catch {
    throw new KeyFileError("wrong-passphrase");
  }
}

export async function forget(publicKey: string): Promise<void> {
  await within("readwrite", (store) => store.delete(publicKey));
}

async function within<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error ?? new Error("the browser kept nothing"));
      transaction.onabort = transaction.onerror;
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "publicKey" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("this browser keeps nothing"));
  });
}
