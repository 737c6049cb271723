// What is open for somebody to do in a project, by their roles: one step for each.

import type { Key, Policies, Project, RequestSummary, RequestView, Role } from "../api/shapes.ts";
import { candidates } from "./policy.ts";
import { approverKey } from "./requests.ts";

export type Facts = {
  readonly user: string;
  readonly roles: readonly Role[];
  readonly project: Project;
  readonly policies: Policies;
  /** The reader's own. */
  readonly keys: readonly Key[];
  readonly requests: readonly RequestSummary[];
  /** Of requests of others that wait for signatures: whole. */
  readonly waiting: readonly RequestView[];
  /** Ids of requests whose last day is over. */
  readonly over: ReadonlySet<string>;
  readonly tables: number;
};

export type Step =
  | { readonly role: "administrator"; readonly step: "invite" | "wait_for_keys" | "ceremony" | "done" }
  | {
      readonly role: "approver";
      readonly step: "make_key" | "wait_for_list" | "not_listed" | "sign_list" | "done";
    }
  | { readonly role: "approver"; readonly step: "sign"; readonly requests: readonly RequestView[] }
  | {
      readonly role: "provider";
      readonly step: "make_key" | "wait_for_list" | "ask_leave" | "wait_for_leave" | "upload";
    }
  | { readonly role: "analyst"; readonly step: "make_key" | "wait_for_list" | "wait_for_table" | "submit" }
  | { readonly role: "provider" | "analyst"; readonly step: "answer"; readonly request: RequestSummary }
  | { readonly role: "auditor"; readonly step: "look" };

export function nextSteps(facts: Facts): Step[] {
  const by: Record<Role, (facts: Facts) => Step> = { administrator, approver, provider, analyst, auditor };
  const order = ["approver", "administrator", "provider", "analyst", "auditor"] as const;
  return order.filter((role) => facts.roles.includes(role)).map((role) => by[role](facts));
}

const hasKey = ({ keys }: Facts, purpose: Key["purpose"]): boolean =>
  keys.some((key) => key.purpose === purpose && !key.retired);

function administrator({ project, policies }: Facts): Step {
  const role = "administrator";
  if (policies.current != null) return { role, step: project.members.length > 1 ? "done" : "invite" };
  if (candidates(project.members).length > 0) return { role, step: "ceremony" };
  const approvers = project.members.some((member) => member.roles.includes("approver"));
  return { role, step: approvers ? "wait_for_keys" : "invite" };
}

function approver(facts: Facts): Step {
  const role = "approver";
  const { project, policies, keys, user } = facts;
  if (!hasKey(facts, "approver")) return { role, step: "make_key" };
  const mine = new Set(keys.filter((key) => key.purpose === "approver").map((key) => key.public));
  const { current, draft } = policies;
  if (current == null) return { role, step: "wait_for_list" };
  const asked = draft != null && !draft.complete && [...draft.approvers, ...current.approvers];
  const signedDraft = draft?.signatures.some((signature) => mine.has(signature.public)) ?? false;
  if (asked && !signedDraft && asked.some((one) => mine.has(one.key))) return { role, step: "sign_list" };
  if (approverKey(project, keys) === undefined) return { role, step: "not_listed" };
  const requests = facts.waiting.filter(
    (request) =>
      request.user !== user &&
      request.state === "submitted" &&
      !facts.over.has(request.id) &&
      !request.signatures.some((one) => one.version === request.version && mine.has(one.public)),
  );
  return requests.length === 0 ? { role, step: "done" } : { role, step: "sign", requests };
}

/** Whoever submits: a key, a list of approvers, and what was asked of them. */
function submitter(facts: Facts, role: "provider" | "analyst", kind: "upload" | "script"): Step | undefined {
  if (!hasKey(facts, role)) return { role, step: "make_key" };
  if (facts.policies.current == null) return { role, step: "wait_for_list" };
  const request = own(facts, kind).find((one) => one.state === "changes_requested");
  return request && { role, step: "answer", request };
}

const own = ({ requests, user }: Facts, kind: "upload" | "script"): RequestSummary[] =>
  requests.filter((one) => one.user === user && one.kind === kind);

function provider(facts: Facts): Step {
  const role = "provider";
  if (facts.project.mode === "design") return { role, step: "upload" };
  const first = submitter(facts, role, "upload");
  if (first !== undefined) return first;
  const states = own(facts, "upload")
    .filter((one) => !facts.over.has(one.id))
    .map((one) => one.state);
  if (states.includes("approved")) return { role, step: "upload" };
  return { role, step: states.includes("submitted") ? "wait_for_leave" : "ask_leave" };
}

function analyst(facts: Facts): Step {
  const role = "analyst";
  return submitter(facts, role, "script") ?? { role, step: facts.tables === 0 ? "wait_for_table" : "submit" };
}

const auditor = (): Step => ({ role: "auditor", step: "look" });
