// The statement that approvers sign, and whether it holds. The script in it is carried as it stands: its
// language is read by the servers, and by `vdl explain` for people.

import { Refused } from "./bytes.js";
import { digest } from "./digests.js";
import { APPROVAL, Envelope } from "./envelope.js";
import { anything, identifier, list, object, seconds, text, truth, u32, whole } from "./form.js";
import { readJson } from "./json.js";
import { VerifyingKey } from "./keys.js";
import { type Policy, isEnvironment } from "./policy.js";
import type { Revocations } from "./revocation.js";

const UNREADABLE = "approval_unreadable";

const form = object(
  {
    type: text, script: anything, analyst: text, environment: text, not_before: seconds, policy_version: u32,
  },
  {
    expires: seconds, max_runs: whole(1, 2 ** 53), purpose: text, tables: list(identifier),
    names: list(object({ name: text }, { table: identifier, may_change: truth })), nonce: identifier,
  },
);
export type Statement = ReturnType<typeof form>;

export type Approval = {
  statement: Statement;
  analyst: VerifyingKey;
  /** Of the statement's exact bytes; names the approval. */
  digest: string;
};

/** Reads the bytes that were signed. */
export async function readStatement(payload: Uint8Array): Promise<Approval> {
  const statement = form(readJson(payload, UNREADABLE), UNREADABLE);
  const check = (holds: boolean, message: string): void => {
    if (!holds) throw new Refused(UNREADABLE, message);
  };
  check(statement.type === "vdl-approval/1", "another type");
  check(isEnvironment(statement.environment), "the environment has no name");
  const { expires, not_before, purpose } = statement;
  check(expires === undefined || expires >= not_before, "it ends before it begins");
  check(purpose === undefined || isPurpose(purpose), "a purpose has 1 to 1000 characters");
  check(isSorted(statement.tables ?? []), "the tables are sorted");
  check(isSorted((statement.names ?? []).map((rule) => rule.name)), "the names are sorted");
  for (const { table, may_change } of statement.names ?? []) {
    check((table !== undefined) !== (may_change === true), "a name means one table, or it may change");
    check(may_change !== false, "what is not so is left out");
  }
  const analyst = await VerifyingKey.fromBase64(statement.analyst).catch(() => undefined);
  if (analyst === undefined) throw new Refused(UNREADABLE, "this is no usable key of an analyst");
  return { statement, analyst, digest: digest(payload) };
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
  const approval = await readStatement(envelope.payload);
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

function isPurpose(purpose: string): boolean {
  const characters = [...purpose];
  return characters.length >= 1 && characters.length <= 1000 && !/[^\P{Cc}\n]/u.test(purpose);
}

/** By the bytes of UTF-8, as everybody else sorts; none comes twice. */
function isSorted(texts: string[]): boolean {
  const points = (text: string): number[] => [...text].map((character) => character.codePointAt(0) ?? 0);
  return texts.every((text, at) => at === 0 || isBefore(points(texts[at - 1]!), points(text)));
}

function isBefore(left: number[], right: number[]): boolean {
  const at = left.findIndex((point, at) => point !== right[at]);
  return at === -1 ? left.length < right.length : (right[at] ?? -1) > left[at]!;
}
