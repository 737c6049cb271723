// Signatures over what this page decoded: DSSE version 1, Ed25519.

import { APPROVAL } from "../contract/envelope.ts";
import { pae, VerifyingKey } from "../contract/keys.ts";
import { toBase64 } from "./base64.ts";
import type { Signer } from "./keys.ts";

export { APPROVAL, POLICY, REVOCATION } from "../contract/envelope.ts";
export const ENROLMENT = "application/vnd.vdl.enrolment.v1+json";

export async function signPayload(signer: Signer, payloadType: string, payload: Uint8Array): Promise<string> {
  return toBase64(await signer.sign(pae(payloadType, payload)));
}

/** Whether a signature fits, as strictly as on the servers. */
export async function fits(
  spki: string,
  payloadType: string,
  payload: Uint8Array,
  signature: string,
): Promise<boolean> {
  const key = await VerifyingKey.fromBase64(spki).catch(() => undefined);
  return (await key?.verifies(pae(payloadType, payload), signature)) ?? false;
}

/** The envelope with one signature, as a file. */
export function envelope(payloadType: string, payload: Uint8Array, keyid: string, sig: string): string {
  return `${JSON.stringify({ payloadType, payload: toBase64(payload), signatures: [{ keyid, sig }] })}\n`;
}

/** An approval that nobody signed yet; `vdl approve` adds signatures to it. */
export function unsignedEnvelope(payload: Uint8Array): string {
  return `${JSON.stringify({ payloadType: APPROVAL, payload: toBase64(payload), signatures: [] })}\n`;
}
