// The approvers' list: its exact bytes, and what a next version changes.

import { digest } from "../contract/digests.ts";
import { keyOf } from "../contract/statement.ts";
import type { Member, PolicyInfo } from "../api/shapes.ts";
import { fromBase64, same, utf8, type Bytes } from "./base64.ts";

export type Group = { name: string; members: string[]; at_least: number };
export type Rule = "all" | { at_least: number } | { groups: Group[] };
export type Approver = { name: string; key: string };
export type PolicyStatement = {
  environment: string;
  version: number;
  expires?: number;
  adopt_before?: number;
  approvers: Approver[];
  rule: Rule;
  approvals_since: number;
};

/** The one way in which a policy is written. */
export function writePolicy(policy: PolicyStatement): Bytes {
  const { environment, version, expires, adopt_before, approvers, rule, approvals_since } = policy;
  return utf8(
    JSON.stringify({
      type: "vdl-policy/1",
      environment,
      version,
      ...(expires === undefined ? {} : { expires }),
      ...(adopt_before === undefined ? {} : { adopt_before }),
      approvers: approvers.map(({ name, key }) => ({ name, key })),
      rule: writeRule(rule),
      approvals_since,
    }),
  );
}

function writeRule(rule: Rule): Rule {
  if (rule === "all") return rule;
  if ("at_least" in rule) return { at_least: rule.at_least };
  return { groups: rule.groups.map(({ name, members, at_least }) => ({ name, members, at_least })) };
}

/** Decodes a policy; undefined unless its bytes are the one way in which what was read is written. */
export function readPolicy(payload: string): { policy: PolicyStatement; bytes: Bytes; digest: string } | undefined {
  const bytes = fromBase64(payload);
  if (bytes === undefined) return undefined;
  try {
    const policy = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as PolicyStatement;
    const usable = policy.approvers.every(({ name, key }) => typeof name === "string" && keyOf(key) !== undefined);
    return usable && same(writePolicy(policy), bytes) ? { policy, bytes, digest: digest(bytes) } : undefined;
  } catch {
    return undefined;
  }
}

/** One who could be an approver: a member with that role and a key of that purpose. */
export type Candidate = { user: string; name: string; key: string; fingerprint: string };

export function candidates(members: readonly Member[]): Candidate[] {
  return members
    .filter((member) => member.roles.includes("approver"))
    .flatMap((member) =>
      member.keys
        .filter((key) => key.purpose === "approver" && !key.retired)
        .map((key) => ({ user: member.user, name: member.name, key: key.public, fingerprint: key.fingerprint })),
    );
}

/** Approvers with names of their own: a second one of a name gets a number. */
export function named(chosen: readonly Candidate[]): Approver[] {
  const seen = new Map<string, number>();
  return chosen.map(({ name, key }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { name: times === 1 ? name : `${name} ${times}`, key };
  });
}

export type Turn = { approver: Approver; change: "stays" | "joins" | "leaves"; signed: boolean };

/** Everybody of both versions, who all have to sign, and what happens to them. */
export function turns(before: PolicyInfo, draft: PolicyInfo, next: PolicyStatement): Turn[] {
  const signed = new Set(draft.signatures.map((signature) => signature.public));
  const old = new Set(before.approvers.map(({ key }) => key));
  const fresh = new Set(next.approvers.map(({ key }) => key));
  const turn = (approver: Approver, change: Turn["change"]): Turn => ({ approver, change, signed: signed.has(approver.key) });
  return [
    ...next.approvers.map((approver) => turn(approver, old.has(approver.key) ? "stays" : "joins")),
    ...before.approvers.filter(({ key }) => !fresh.has(key)).map((approver) => turn(approver, "leaves")),
  ];
}
