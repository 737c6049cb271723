// Whose signatures are needed, from which version on, until when; and how one policy follows another.

import { Refused, utf8 } from "./bytes.ts";
import { digest } from "./digests.ts";
import { Envelope, POLICY } from "./envelope.ts";
import { i64, isObject, list, optional, readStrict, struct, text, u32, writeStrict } from "./codec.ts";
import type { Codec } from "./codec.ts";
import { readJson } from "./json.ts";
import { VerifyingKey } from "./keys.ts";
import type { Revocations } from "./revocation.ts";

const UNREADABLE = "policy_unreadable";
const MOST_APPROVERS = 32;

type Group = { readonly name: string; readonly members: string[]; readonly at_least: number };
export type Rule = "all" | { readonly at_least: number } | { readonly groups: Group[] };
export type Approver = { readonly name: string; readonly key: string };
/** A policy as it is written. */
export type PolicyStatement = {
  readonly type: string;
  readonly environment: string;
  readonly version: number;
  readonly expires?: number;
  readonly adopt_before?: number;
  readonly approvers: Approver[];
  readonly rule: Rule;
  readonly approvals_since: number;
};

const group = struct<Group>({ name: text, members: list(text), at_least: u32 });
const atLeast = struct({ at_least: u32 });
const groups = struct({ groups: list(group) });

const rule: Codec<Rule> = {
  read: (value, place) => {
    if (value === "all") return value;
    return isObject(value) && "groups" in value ? groups.read(value, place) : atLeast.read(value, place);
  },
  write: (rule) => (rule === "all" ? rule : "groups" in rule ? groups.write(rule) : atLeast.write(rule)),
};

const statementCodec = struct<PolicyStatement>({
  type: text,
  environment: text,
  version: u32,
  expires: optional(i64),
  adopt_before: optional(i64),
  approvers: list(struct<Approver>({ name: text, key: text })),
  rule,
  approvals_since: u32,
});

function check(holds: boolean, message: string): void {
  if (!holds) throw new Refused(UNREADABLE, message);
}

/** An environment has a name of 1 to 200 bytes. */
export const isEnvironment = (name: string): boolean => name !== "" && utf8(name).length <= 200;
const isName = (name: string): boolean => /^[a-z0-9 _.-]{1,64}$/.test(name) && name.trim() === name;
const isPossible = (least: number, of: number): boolean => least >= 1 && least <= of;

/** A checked policy. Equal statements have equal digests, however they were spaced. */
export class Policy {
  readonly statement: PolicyStatement;
  /** Of the approvers, in their order. */
  readonly keys: VerifyingKey[];
  readonly digest: string;

  private constructor(statement: PolicyStatement, keys: VerifyingKey[], digest: string) {
    this.statement = statement;
    this.keys = keys;
    this.digest = digest;
  }

  /** A policy as it is pinned, or in its envelope; believed by nobody yet. */
  static async read(bytes: Uint8Array): Promise<Policy> {
    const json = readJson(bytes, UNREADABLE);
    const inEnvelope = isObject(json) && "payloadType" in json;
    return Policy.readPayload(inEnvelope ? Envelope.open(bytes, POLICY).payload : bytes);
  }

  static async readPayload(payload: Uint8Array): Promise<Policy> {
    const statement = readStrict(statementCodec, payload, UNREADABLE);
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
const compact = (statement: PolicyStatement): string =>
  writeStrict(statementCodec, statement, UNREADABLE, false);
