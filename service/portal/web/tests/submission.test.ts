// What leaves the browser for approvers to sign, and a portal that keeps something else.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Key, Project, RequestView } from "../src/api/shapes.ts";
import { fromBase64 } from "../src/contract/bytes.ts";
import { readStatement } from "../src/contract/statement.ts";
import { emptyDraft } from "../src/state/draft.ts";
import { altered } from "../src/state/sent.ts";
import { usualRules } from "../src/state/rules.ts";
import {
  isComplete,
  keysFor,
  payloadFor,
  sendNew,
  sendVersion,
  takeScript,
} from "../src/state/submission.ts";
import { bytesOf, textOf } from "./vectors.ts";

const draft = () => ({ ...emptyDraft(textOf("keys/analyst.pk").split("\n")[1] ?? ""), purpose: "a test" });
const project = { environment: "production", policy: { version: 3 } } as Project;
const file = (name: string) => new File([bytesOf("scripts/risky.json").slice()], name);

function store() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
}

/** A portal that keeps what `keeps` makes of what it got, and answers that it has version `claims`. */
function portal(keeps: (payload: string) => string, claims?: number) {
  const sent: { payload: string }[] = [];
  const kept = { id: "r", version: 1, versions: [] as { version: number; payload: string }[] };
  const take = async (_id: string, body: { payload: string }) => {
    sent.push(body);
    kept.version = kept.versions.length + 1;
    kept.versions.push({ version: kept.version, payload: keeps(body.payload) });
    return { id: "r", version: claims ?? kept.version };
  };
  const oneRequest = async () => structuredClone(kept);
  return { sent, kept: kept as unknown as RequestView, calls: { submit: take, resubmit: take, oneRequest } as never };
}

test("what the portal keeps otherwise is said, and what it keeps as it was sent is not", async () => {
  const { script } = await takeScript(file("a.json"), []);
  const filled = { ...draft(), names: [{ name: "survey", may_change: false }] };
  const [payload, other] = [1, 2].map(() => payloadFor(project, script, filled));
  assert.ok(payload !== undefined && other !== undefined && payload !== other);
  const send = (at: ReturnType<typeof portal>, where: ReturnType<typeof store>) =>
    sendNew("p", { kind: "script", name: " mean ", payload }, { note: "" }, at.calls, where);
  const honest = portal((same) => same);
  assert.deepEqual(await send(honest, store()), { id: "r", altered: false });
  assert.deepEqual(honest.sent, [{ kind: "script", name: "mean", payload }]);
  for (const keeps of [() => other, () => "", () => "!"]) {
    const where = store();
    const liar = portal(keeps);
    assert.deepEqual(await send(liar, where), { id: "r", altered: true });
    assert.notEqual(altered(liar.kept, where), undefined, "and its page goes on saying so");
  }
});

test("a portal that names another version than it shows is found out as well", async () => {
  const { script } = await takeScript(file("a.json"), []);
  const filled = { ...draft(), names: [{ name: "survey", may_change: false }] };
  const [first, second, other] = [1, 2, 3].map(() => payloadFor(project, script, filled));
  assert.ok(first !== undefined && second !== undefined && other !== undefined);
  const where = store();
  const liar = portal((payload) => (payload === second ? other : payload), 7);
  const words = { note: " better ", dummyOutput: " 3 " };
  const made = await sendNew("p", { kind: "script", name: "x", payload: first }, words, liar.calls, where);
  assert.deepEqual(made, { id: "r", altered: false });
  assert.deepEqual(liar.sent[0], { kind: "script", name: "x", payload: first, note: "better", dummy_output: "3" });
  assert.ok((await sendVersion(liar.kept, second, { note: "" }, liar.calls, where)).altered);
  assert.notEqual(altered(liar.kept, where), undefined);
});

test("a script is read from its file, under its own name, and keeps what was said of its names", async () => {
  const survey = { name: "survey", table: "07".repeat(32), may_change: false };
  const { script, title, names } = await takeScript(file("of spring.json"), [survey]);
  assert.equal(title, script.name ?? "of spring");
  assert.deepEqual(names, [survey]);
  const statement = readStatement(fromBase64(payloadFor(project, script, { ...draft(), names })) ?? new Uint8Array());
  assert.deepEqual([statement.environment, statement.policy_version], ["production", 3]);
  assert.deepEqual(statement.names, [survey]);
  await assert.rejects(takeScript(new File(["{}"], "b.json"), []));
});

test("nothing is asked without a purpose, with rules that servers refuse, or for a key that does not fit", () => {
  assert.ok(isComplete(draft(), usualRules()));
  assert.ok(!isComplete({ ...draft(), purpose: " " }, usualRules()));
  assert.ok(!isComplete(draft(), { ...usualRules(), minimum: "1" }));
  const keys = ["analyst", "provider", "approver"].map((purpose) => ({ purpose }) as Key);
  const all = [...keys, { purpose: "analyst", retired: 1 } as Key];
  assert.deepEqual(keysFor("script", all), [keys[0]]);
  for (const kind of ["upload", "deletion"] as const) assert.deepEqual(keysFor(kind, all), [keys[1]]);
});
