// Taking back an approval, or the trust in a key: an approver signs it, and the portal brings it to the three
// servers.

import { writeRevocation, type Revoked } from "../contract/revocation.ts";
import { toBase64, utf8 } from "./base64.ts";
import { now } from "./format.ts";
import type { Signer } from "./keys.ts";
import { envelope, REVOCATION, signPayload } from "./signatures.ts";

/** The file that servers take, signed. */
export async function signRevocation(
  signer: Signer,
  what: { environment: string; policyVersion: number; revokes: Revoked; reason: string },
  keyid: string,
): Promise<string> {
  const reason = what.reason.trim();
  const payload = writeRevocation({
    type: "vdl-revocation/1",
    environment: what.environment,
    policy_version: what.policyVersion,
    revokes: what.revokes,
    ...(reason === "" ? {} : { reason }),
    time: now(),
  });
  return envelope(REVOCATION, payload, keyid, await signPayload(signer, REVOCATION, payload));
}

export const asBase64 = (text: string): string => toBase64(utf8(text));
