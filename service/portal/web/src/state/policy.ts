// The approvers' list: its exact bytes, and what a next version changes.

import { Policy, type PolicyStatement, type Rule } from "../contract/policy.ts";
import type { Approver } from "../contract/policy.ts";
import type { Member, PolicyInfo, ServersRules } from "../api/shapes.ts";
import { fromBase64, utf8, type Bytes } from "./base64.ts";

/** The one way in which a policy is written. Whether it can be one, `Policy.readPayload` says. */
export function writePolicy(policy: Omit<PolicyStatement, "type">): Bytes {
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

/** Decodes what the portal keeps; undefined where servers would refuse it. */
export async function readPolicy(info: PolicyInfo | null | undefined): Promise<Policy | undefined> {
  const bytes = fromBase64(info?.payload ?? "");
  if (info == null || bytes === undefined) return undefined;
  return Policy.readPayload(bytes).catch(() => undefined);
}

type RuleWords = {
  rules: { all: string; atLeast: (n: number, of: number) => string };
  groupRule: (name: string, n: number, of: number) => string;
};

/** How many signatures a list asks for. */
export function ruleInWords({ statement: { rule, approvers } }: Policy, words: RuleWords): string {
  if (rule === "all") return words.rules.all;
  if ("at_least" in rule) return words.rules.atLeast(rule.at_least, approvers.length);
  return rule.groups
    .map(({ name, at_least, members }) => words.groupRule(name, at_least, members.length))
    .join("; ");
}

/** What all three servers go by, if they say so and it is the same. */
export function pinnedByAll({ servers }: ServersRules): { version: number; digest: string } | undefined {
  const [first] = servers;
  const { policy: version, policy_digest: digest } = first ?? {};
  if (servers.length !== 3 || version == null || digest == null) return undefined;
  const agreed = servers.every((server) => server.policy === version && server.policy_digest === digest);
  return agreed ? { version, digest } : undefined;
}

/** One who could be an approver: a member with that role and a key of that purpose. */
export type Candidate = { user: string; name: string; key: string; fingerprint: string };

export function candidates(members: readonly Member[]): Candidate[] {
  return members
    .filter((member) => member.roles.includes("approver"))
    .flatMap((member) =>
      member.keys
        .filter((key) => key.purpose === "approver" && !key.retired)
        .map((key) => ({
          user: member.user,
          name: member.name,
          key: key.public,
          fingerprint: key.fingerprint,
        })),
    );
}

/** Approvers under the names that a policy can hold: lower case, without accents; a second one gets a
 *  number. */
export function named(chosen: readonly Candidate[]): Approver[] {
  const seen = new Map<string, number>();
  return chosen.map(({ name: full, key }) => {
    const plain = full
      .normalize("NFKD")
      .toLowerCase()
      .replace(/\p{M}+/gu, "")
      .replace(/[^a-z0-9 _.-]+/g, "-");
    const name =
      plain
        .replace(/^[ -]+|[ -]+$/g, "")
        .slice(0, 60)
        .trim() || "approver";
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { name: times === 1 ? name : `${name} ${times}`, key };
  });
}

export type Turn = { approver: Approver; change: "stays" | "joins" | "leaves"; signed: boolean };

/** Everybody of both versions, who all have to sign, and what happens to them. */
export function turns(before: PolicyInfo, draft: PolicyInfo, next: Policy): Turn[] {
  const signed = new Set(draft.signatures.map((signature) => signature.public));
  const old = new Set(before.approvers.map(({ key }) => key));
  const fresh = new Set(next.statement.approvers.map(({ key }) => key));
  const turn = (approver: Approver, change: Turn["change"]): Turn => ({
    approver,
    change,
    signed: signed.has(approver.key),
  });
  return [
    ...next.statement.approvers.map((approver) => turn(approver, old.has(approver.key) ? "stays" : "joins")),
    ...before.approvers.filter(({ key }) => !fresh.has(key)).map((approver) => turn(approver, "leaves")),
  ];
}
