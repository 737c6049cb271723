// Whose signatures are needed, from which version on, until when; and how one policy follows another.

import { Refused, utf8 } from "./bytes.js";
import { digest } from "./digests.js";
import { Envelope, POLICY } from "./envelope.js";
import { type Form, list, object, oneOf, seconds, text, u32 } from "./form.js";
import { readJson, writeJson } from "./json.js";
import { VerifyingKey } from "./keys.js";
import type { Revocations } from "./revocation.js";

const UNREADABLE = "policy_unreadable";
const MOST_APPROVERS = 32;

type Group = { name: string; members: string[]; at_least: number };
export type Rule = "all" | { at_least: number } | { groups: Group[] };
export type Approver = { name: string; key: string };
/** A policy as it is written. */
export type PolicyStatement = {
  type: string;
  environment: string;
  version: number;
  expires?: number;
  adopt_before?: number;
  approvers: Approver[];
  rule: Rule;
  approvals_since: number;
};

const group = object({ name: text, members: list(text), at_least: u32 });
const limited = oneOf({ at_least: u32, groups: list(group) });
const rule: Form<Rule> = (value, code) => {
  if (value === "all") return value;
  const [kind, inside] = limited(value, code);
  return kind === "at_least" ? { at_least: inside } : { groups: inside };
};
const form = object(
  {
    type: text, environment: text, version: u32, approvers: list(object({ name: text, key: text })), rule,
    approvals_since: u32,
  },
  { expires: seconds, adopt_before: seconds },
);

function check(holds: boolean, message: string): void {
  if (!holds) throw new Refused(UNREADABLE, message);
}

/** An environment has a name of 1 to 200 bytes. */
export const isEnvironment = (name: string): boolean => name !== "" && utf8(name).length <= 200;
const isName = (name: string): boolean => /^[a-z0-9 _.-]{1,64}$/.test(name) && name.trim() === name;
const isPossible = (least: number, of: number): boolean => least >= 1 && least <= of;

/** A checked policy. Equal statements have equal digests, however they were spaced. */
export class Policy {
  private constructor(
    readonly statement: PolicyStatement,
    /** Of the approvers, in their order. */
    readonly keys: VerifyingKey[],
    readonly digest: string,
  ) {}

  /** A policy as it is pinned, or in its envelope; believed by nobody yet. */
  static async read(bytes: Uint8Array): Promise<Policy> {
    const json = readJson(bytes, UNREADABLE);
    const inEnvelope = json !== null && typeof json === "object" && "payloadType" in json;
    return Policy.readPayload(inEnvelope ? Envelope.open(bytes, POLICY).payload : bytes);
  }

  static async readPayload(payload: Uint8Array): Promise<Policy> {
    const statement = form(readJson(payload, UNREADABLE), UNREADABLE);
    check(statement.type === "vdl-policy/1", "another type");
    check(isEnvironment(statement.environment), "the environment has no name");
    check(statement.version >= 1, "versions count from 1");
    check(isPossible(statement.approvals_since, statement.version), "approvals_since");
    const keys = await enrol(statement.approvers);
    checkRule(statement);
    return new Policy(statement, keys, digest(utf8(compact(statement))));
  }

  /** The text that is signed. */
  toPayload(): Uint8Array {
    return utf8(compact(this.statement));
  }

  approverNamed(name: string): VerifyingKey | undefined {
    return this.keys[this.statement.approvers.findIndex((approver) => approver.name === name)];
  }

  /** The next policy: signed by everybody of this one and of that one, in time, not cancelled. */
  async succeed(bytes: Uint8Array, revocations: Revocations, now: number): Promise<Policy> {
    const envelope = Envelope.open(bytes, POLICY);
    await this.checkSignedByAll(envelope);
    const next = await Policy.readPayload(envelope.payload);
    if (next.statement.environment !== this.statement.environment) {
      throw new Refused("wrong_environment", next.statement.environment);
    }
    if (next.statement.version !== this.statement.version + 1) {
      throw new Refused("policy_not_next", `version ${next.statement.version}`);
    }
    await next.checkSignedByAll(envelope);
    const until = next.statement.adopt_before;
    check(until !== undefined, "a policy that follows another says until when it may be taken over");
    if (now > until!) throw new Refused("policy_expired", "too late to be taken over");
    next.checkTime(now);
    if (revocations.policy(next.digest)) throw new Refused("revoked", `the policy ${next.digest}`);
    return next;
  }

  checkTime(now: number): void {
    const { expires } = this.statement;
    if (expires !== undefined && now > expires) throw new Refused("policy_expired", "the policy has ended");
  }

  /** Whether an approval that was given under `version` holds under this policy. */
  checkCovers(version: number): void {
    if (version < this.statement.approvals_since || version > this.statement.version) {
      throw new Refused("wrong_policy", `approved under version ${version}`);
    }
  }

  /** Whether enough approvers signed. A revoked key counts as one that did not. */
  async checkRule(envelope: Envelope, revocations: Revocations): Promise<void> {
    const signed = new Set<string>();
    for (const [at, key] of this.keys.entries()) {
      const counts = !revocations.approver(key) && (await envelope.isSignedBy(key));
      if (counts) signed.add(this.statement.approvers[at]!.name);
    }
    const there = [...signed].join(", ") || "nobody";
    if (!this.isMet(signed)) throw new Refused("approver_missing", `signed: ${there}`);
  }

  private isMet(signed: Set<string>): boolean {
    const { rule } = this.statement;
    if (rule === "all") return signed.size === this.keys.length;
    if ("at_least" in rule) return signed.size >= rule.at_least;
    const count = (group: Group): number => group.members.filter((name) => signed.has(name)).length;
    return rule.groups.every((group) => count(group) >= group.at_least);
  }

  private async checkSignedByAll(envelope: Envelope): Promise<void> {
    for (const [at, key] of this.keys.entries()) {
      if (await envelope.isSignedBy(key)) continue;
      throw new Refused("policy_unsigned", `missing: ${this.statement.approvers[at]!.name}`);
    }
  }
}

async function enrol(approvers: Approver[]): Promise<VerifyingKey[]> {
  if (approvers.length === 0) throw new Refused("approvers_misconfigured", "a policy has approvers");
  check(approvers.length <= MOST_APPROVERS, "too many approvers");
  const keys: VerifyingKey[] = [];
  const names = new Set<string>();
  for (const { name, key } of approvers) {
    check(isName(name) && !names.has(name), "names are plain, and none comes twice");
    const read = await VerifyingKey.fromBase64(key).catch(() => undefined);
    if (read === undefined) throw new Refused(UNREADABLE, "this is no usable key");
    const again = keys.some((known) => known.equals(read));
    if (again) throw new Refused("approvers_misconfigured", "a key comes twice");
    names.add(name);
    keys.push(read);
  }
  return keys;
}

function checkRule({ rule, approvers }: PolicyStatement): void {
  if (rule === "all") return;
  if ("at_least" in rule) return check(isPossible(rule.at_least, approvers.length), "an impossible rule");
  for (const { name, members, at_least } of rule.groups) {
    check(isName(name) && isPossible(at_least, members.length), "an impossible group");
  }
  const grouped = rule.groups.flatMap((group) => group.members).sort();
  const all = approvers.map((approver) => approver.name).sort();
  const same = grouped.length === all.length && grouped.every((name, at) => name === all[at]);
  check(same, "everybody stands in one group, and in no other");
}

/** One line, keys in the order of docs/authorization.md. */
function compact(statement: PolicyStatement): string {
  const { type, environment, version, expires, adopt_before, approvers, rule, approvals_since } = statement;
  const inOrder = ({ name, members, at_least }: Group) => ({ name, members, at_least });
  return writeJson({
    type, environment, version, expires, adopt_before,
    approvers: approvers.map(({ name, key }) => ({ name, key })),
    rule: rule !== "all" && "groups" in rule ? { groups: rule.groups.map(inOrder) } : rule,
    approvals_since,
  });
}
