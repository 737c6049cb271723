// What is open for somebody, by their roles: nobody is sent to do what is done, or cannot be done yet.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Key, PolicyInfo, Role } from "../src/api/shapes.ts";
import { nextSteps, targetOf, type Facts } from "../src/state/next.ts";
import { pinnedByAll } from "../src/state/policy.ts";
import { ui } from "../src/words/ui.ts";

type Change = Partial<Record<keyof Facts, unknown>>;

const key = (purpose: Key["purpose"], spki: string = purpose): Key =>
  ({ id: spki, purpose, public: spki, name: "k", fingerprint: "", created: 0 }) as Key;
const member = (user: string, role: Role, ...keys: Key[]) => ({
  user,
  name: user,
  email: "",
  roles: [role],
  keys,
});
const list = (...keys: string[]): PolicyInfo =>
  ({
    version: 1,
    approvers: keys.map((one) => ({ key: one, name: one })),
    signatures: [],
  }) as unknown as PolicyInfo;
const HELD = list("approver", "bob");

function facts(role: Role, change: Change = {}): Facts {
  const { current } = { current: HELD as PolicyInfo | null, ...(change.policies as object) };
  const members = [member("me", role), member("bob", "approver", key("approver", "bob"))];
  return {
    user: "me",
    roles: [role],
    project: { members, policy: current, mode: "authorized" },
    policies: { current: HELD, draft: null },
    keys: [key(role as Key["purpose"])],
    requests: [],
    waiting: [],
    over: new Set(),
    tables: 1,
    ...change,
  } as unknown as Facts;
}

const step = (role: Role, change?: Change): string => nextSteps(facts(role, change))[0]?.step ?? "";
const request = (id: string, more: object = {}) =>
  ({ id, user: "chloe", state: "submitted", kind: "script", version: 2, signatures: [], ...more }) as never;
const NONE = { current: null, draft: null };

test("an approver makes a key once, and is told when there is nothing to sign", () => {
  assert.equal(step("approver", { keys: [] }), "make_key");
  assert.equal(step("approver", { keys: [key("analyst")] }), "make_key");
  assert.equal(step("approver", { keys: [{ ...key("approver"), retired: 1 }] }), "make_key");
  assert.equal(step("approver", { policies: NONE }), "wait_for_list");
  assert.equal(step("approver"), "done");
  assert.equal(step("approver", { keys: [key("approver", "eve")] }), "not_listed");
});

test("what waits for a signature is what others asked, in time, and is not signed yet by this key", () => {
  const signed = (version: number, by: string) => ({ signatures: [{ version, public: by }] });
  assert.equal(step("approver", { waiting: [request("a")] }), "sign");
  assert.equal(step("approver", { waiting: [request("a", signed(1, "approver"))] }), "sign");
  assert.equal(step("approver", { waiting: [request("a", signed(2, "bob"))] }), "sign");
  assert.equal(step("approver", { waiting: [request("a", signed(2, "approver"))] }), "done");
  assert.equal(step("approver", { waiting: [request("a", { user: "me" })] }), "done");
  assert.equal(step("approver", { waiting: [request("a")], over: new Set(["a"]) }), "done");
  const both = nextSteps(
    facts("approver", { waiting: [request("a"), request("b", signed(2, "approver"))] }),
  )[0];
  assert.deepEqual(both?.step === "sign" && both.requests.map((one) => one.id), ["a"]);
});

test("a next list of approvers is signed by those of both, once, and not after it is complete", () => {
  const draft = (more: object, ...keys: string[]) => ({
    current: HELD,
    draft: { ...list(...keys), ...more },
  });
  assert.equal(step("approver", { policies: draft({}, "bob") }), "sign_list", "who leaves signs, too");
  const eve = [key("approver", "eve")];
  assert.equal(step("approver", { keys: eve, policies: draft({}, "eve") }), "sign_list");
  assert.equal(step("approver", { keys: eve, policies: draft({}, "bob") }), "not_listed");
  const signatures = [{ public: "approver" }];
  assert.equal(step("approver", { policies: draft({ signatures }, "approver") }), "done");
  assert.equal(step("approver", { policies: draft({ complete: true }, "approver") }), "done");
});

test("an administrator invites, waits for keys, holds the ceremony, and rests", () => {
  const alone = { members: [member("me", "administrator")], mode: "authorized" };
  const keyless = { ...alone, members: [...alone.members, member("bob", "approver")] };
  assert.equal(step("administrator", { policies: NONE, project: alone }), "invite");
  assert.equal(step("administrator", { policies: NONE, project: keyless }), "wait_for_keys");
  assert.equal(step("administrator", { policies: NONE }), "ceremony");
  assert.equal(step("administrator"), "done");
});

test("providers and analysts are not sent where they would be turned away", () => {
  const own = (state: string, kind = "upload") => [request("r", { user: "me", state, kind })];
  assert.equal(step("provider", { keys: [] }), "make_key");
  assert.equal(step("provider", { policies: NONE }), "wait_for_list");
  assert.equal(step("provider"), "ask_leave");
  assert.equal(step("provider", { requests: own("submitted") }), "wait_for_leave");
  assert.equal(step("provider", { requests: own("changes_requested") }), "answer");
  assert.equal(step("provider", { requests: own("approved") }), "upload");
  assert.equal(step("provider", { requests: own("approved"), over: new Set(["r"]) }), "ask_leave");
  assert.equal(step("provider", { requests: own("approved", "script") }), "ask_leave");
  assert.equal(step("provider", { keys: [], project: { members: [], mode: "design" } }), "upload");
  assert.equal(step("analyst", { keys: [] }), "make_key");
  assert.equal(step("analyst", { tables: 0 }), "wait_for_table");
  assert.equal(step("analyst"), "submit");
  assert.equal(step("analyst", { requests: own("changes_requested", "script") }), "answer");
  assert.equal(step("auditor", { keys: [] }), "look");
});

test("each role has one step, and each step its words in both languages", () => {
  const roles: Role[] = ["administrator", "approver", "provider", "analyst", "auditor"];
  const steps = nextSteps(facts("approver", { roles }));
  assert.deepEqual(steps.map((one) => one.role).sort(), [...roles].sort());
  for (const { next } of [ui.en.home, ui.nl.home])
    for (const said of Object.values(next.steps).flatMap((of) => Object.values(of)))
      assert.ok(said.text !== "");
});

test("what servers have pinned is told only where all three say the same", () => {
  const says = (digest: string | null) => ({ server: 0, policy: 1, policy_digest: digest, same: false });
  const of = (...servers: unknown[]) => pinnedByAll({ servers, agree: false } as never);
  assert.deepEqual(of(says("A"), says("A"), says("A")), { version: 1, digest: "A" });
  assert.equal(of(says("A"), says("A"), says("B")), undefined);
  assert.equal(of(says("A"), says("A"), says(null)), undefined);
  assert.equal(of(says("A"), says("A")), undefined);
  assert.equal(of(), undefined);
});

test("each step leads to where it is done, one request to itself, and waiting to nowhere", () => {
  const at = (role: Role, change?: Change): unknown =>
    nextSteps(facts(role, change)).map((one) => targetOf(one, "p"))[0];
  const [one, two] = [request("r1", { name: "Mean age" }), request("r2", { name: "Sum" })];
  const route = { page: "request", project: "p", id: "r1" };
  assert.deepEqual(at("approver", { waiting: [one] }), { route, name: "Mean age" });
  assert.deepEqual(at("approver", { waiting: [one, two] }), { route: { page: "requests", project: "p" } });
  assert.equal(at("approver"), undefined);
  assert.equal(at("analyst", { tables: 0 }), undefined);
  assert.deepEqual(at("analyst"), { route: { page: "new-request", project: "p", kind: "script" } });
  assert.deepEqual(at("provider"), { route: { page: "new-request", project: "p", kind: "upload" } });
  assert.deepEqual(at("analyst", { keys: [] }), { route: { page: "keys" } });
  const asked = request("r1", { user: "me", state: "changes_requested", name: "Mean age" });
  assert.deepEqual(at("analyst", { requests: [asked] }), { route, name: "Mean age" });
});
