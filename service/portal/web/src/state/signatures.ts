// Signatures over what this page decoded: DSSE version 1, Ed25519.

import { fromBase64, toBase64, utf8, type Bytes } from "./base64.ts";
import type { Signer } from "./keys.ts";

export const APPROVAL = "application/vnd.vdl.approval.v1+json";
export const POLICY = "application/vnd.vdl.policy.v1+json";
export const ENROLMENT = "application/vnd.vdl.enrolment.v1+json";
export const REVOCATION = "application/vnd.vdl.revocation.v1+json";

/** The bytes that are signed for a payload. */
export function framed(payloadType: string, payload: Uint8Array): Bytes {
  const head = utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payload.length} `);
  const out = new Uint8Array(head.length + payload.length);
  out.set(head);
  out.set(payload, head.length);
  return out;
}

export async function signPayload(signer: Signer, payloadType: string, payload: Uint8Array): Promise<string> {
  return toBase64(await signer.sign(framed(payloadType, payload)));
}

/** Whether a signature fits. For the reader's eyes: the servers check it by themselves, and strictly. */
export async function fits(spki: string, payloadType: string, payload: Uint8Array, signature: string): Promise<boolean> {
  const [key, octets] = [fromBase64(spki), fromBase64(signature)];
  if (key === undefined || octets === undefined) return false;
  try {
    const imported = await crypto.subtle.importKey("spki", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, octets, framed(payloadType, payload));
  } catch {
    return false;
  }
}

/** The envelope with one signature, as a file. */
export function envelope(payloadType: string, payload: Uint8Array, keyid: string, sig: string): string {
  return `${JSON.stringify({ payloadType, payload: toBase64(payload), signatures: [{ keyid, sig }] })}\n`;
}

/** An approval that nobody signed yet; `vdl approve` adds signatures to it. */
export function unsignedEnvelope(payload: Uint8Array): string {
  return `${JSON.stringify({ payloadType: APPROVAL, payload: toBase64(payload), signatures: [] })}\n`;
}
