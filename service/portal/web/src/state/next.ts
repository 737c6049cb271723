// What is open for somebody to do in a project, by their roles: one step for each.

import * as api from "../api/calls.ts";
import type {
  Key,
  Membership,
  Policies,
  Project,
  RequestSummary,
  RequestView,
  Role,
} from "../api/shapes.ts";
import { candidates } from "./policy.ts";
import { approverKey } from "./requests.ts";
import type { Route } from "./routes.ts";

/** Requests that are looked into for a missing signature; there is more to read first than so many. */
const MOST = 20;

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

/** Which requests are over, as far as it was learnt. */
type Ends = {
  learn(requests: readonly RequestSummary[]): Promise<void>;
  isOver(request: RequestSummary): boolean;
};

export async function factsOf({ id, roles }: Membership, user: string, ends: Ends): Promise<Facts> {
  const [project, policies, keys, requests, tables] = await Promise.all([
    api.oneProject(id),
    api.policies(id),
    api.keys(),
    api.requests(id),
    api.tables(id),
  ]);
  const others = requests.filter((one) => one.user !== user && one.state === "submitted").slice(0, MOST);
  const [waiting] = await Promise.all([
    roles.includes("approver") ? Promise.all(others.map((one) => api.oneRequest(one.id))) : [],
    ends.learn(requests.filter((one) => one.user === user || others.includes(one))),
  ]);
  const over = new Set(requests.filter((one) => ends.isOver(one)).map((one) => one.id));
  return { user, roles, project, policies, keys, requests, waiting, over, tables: tables.length };
}

/** Where it is done, and what it is about. Nowhere, where there is nothing to do but wait. */
export function targetOf(step: Step, project: string): { route: Route; name?: string } | undefined {
  if (step.step === "sign") {
    const [first, second] = step.requests;
    if (first === undefined || second !== undefined) return { route: { page: "requests", project } };
    return { route: { page: "request", project, id: first.id }, name: first.name };
  }
  if (step.step === "answer")
    return { route: { page: "request", project, id: step.request.id }, name: step.request.name };
  const routes: Partial<Record<Step["step"], Route>> = {
    invite: { page: "members", project },
    wait_for_keys: { page: "members", project },
    ceremony: { page: "policy", project },
    make_key: { page: "keys" },
    not_listed: { page: "policy", project },
    sign_list: { page: "policy", project },
    ask_leave: { page: "new-request", project, kind: "upload" },
    upload: { page: "upload", project },
    submit: { page: "new-request", project, kind: "script" },
    look: { page: "journal", project },
  };
  const route = routes[step.step];
  return route && { route };
}

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
