// Whether an approval holds: what servers check when a run starts, in their order.

import { Refused } from "./bytes.ts";
import { digest } from "./digests.ts";
import { APPROVAL, Envelope } from "./envelope.ts";
import { VerifyingKey } from "./keys.ts";
import type { Policy } from "./policy.ts";
import type { Revocations } from "./revocation.ts";
import { readStatement } from "./statement.ts";
import type { Statement } from "./statement.ts";

export type Approval = {
  readonly statement: Statement;
  readonly analyst: VerifyingKey;
  /** Of the statement's exact bytes; names the approval. */
  readonly digest: string;
};

/** Reads the bytes that were signed; believed by nobody yet. */
export async function readApproval(payload: Uint8Array): Promise<Approval> {
  const statement = readStatement(payload);
  return { statement, analyst: await VerifyingKey.fromBase64(statement.analyst), digest: digest(payload) };
}

/** In the order of a server: the form, whose signatures, and only then what was signed. */
export async function verifyApproval(
  bytes: Uint8Array,
  policy: Policy,
  revocations: Revocations,
  now: number,
): Promise<Approval> {
  const envelope = Envelope.open(bytes, APPROVAL);
  await policy.checkRule(envelope, revocations);
  const approval = await readApproval(envelope.payload);
  const { statement, analyst } = approval;
  if (statement.environment !== policy.statement.environment) {
    throw new Refused("wrong_environment", statement.environment);
  }
  policy.checkCovers(statement.policy_version);
  policy.checkTime(now);
  if (now < statement.not_before) throw new Refused("approval_not_yet_valid", "too early");
  if (now > (statement.expires ?? Infinity)) throw new Refused("approval_expired", "too late");
  if (revocations.approval(approval.digest)) throw new Refused("revoked", `the approval ${approval.digest}`);
  if (revocations.analyst(analyst)) throw new Refused("revoked", `the analyst ${analyst.fingerprint()}`);
  return approval;
}
