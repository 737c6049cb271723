// What the page works out by itself, apart from its looks.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PolicyInfo, RequestView } from "../src/api/shapes.ts";
import { digest } from "../src/contract/digests.ts";
import { Policy } from "../src/contract/policy.ts";
import { readScript } from "../src/contract/script.ts";
import { toBase64, utf8 } from "../src/state/base64.ts";
import { checkJournal } from "../src/state/chain.ts";
import { emptyDraft, FIRST, meantBy, payloadOf, ruleOf, rulesFor, WHICHEVER } from "../src/state/draft.ts";
import { endOf, mayBeOver, shownState } from "../src/state/expiry.ts";
import { safeFileName, slug } from "../src/state/files.ts";
import { flowOf } from "../src/state/flow.ts";
import { firstSecond, lastSecond, longDay } from "../src/state/format.ts";
import { KeyFileError, readKeyFile, writeEncrypted, writePlain, writePublic } from "../src/state/keyfile.ts";
import { newKey, publicOf, signerOf } from "../src/state/keys.ts";
import { newSecretProblem } from "../src/state/passwords.ts";
import { named, readPolicy, writePolicy } from "../src/state/policy.ts";
import { askedOf, isAsked, raised, readRules, rulesOf, tellRules, usualRules } from "../src/state/rules.ts";
import { actionOf, KEYS, stepBy, type Action } from "../src/state/shortcuts.ts";
import { link, parseRoute, type Route } from "../src/state/routes.ts";
import { APPROVAL, fits, signPayload } from "../src/state/signatures.ts";
import { altered, rememberSent } from "../src/state/sent.ts";
import { readUploadScript, uploadScript } from "../src/state/upload-script.ts";
import { mixesAlphabets, pieces } from "../src/state/visible.ts";
import { ui } from "../src/words/ui.ts";
import { bytesOf, textOf } from "./vectors.ts";

test("an encrypted key file is one that openssl opens, and a changed passphrase does not", async () => {
  const { pkcs8, spki } = await newKey();
  const text = await writeEncrypted(pkcs8, "correct horse battery");
  assert.deepEqual(await readKeyFile(text, "correct horse battery"), pkcs8);
  await assert.rejects(readKeyFile(text, "correct horse batterz"), new KeyFileError("wrong-passphrase"));
  await assert.rejects(readKeyFile(text, ""), new KeyFileError("passphrase-needed"));
  const folder = mkdtempSync(join(tmpdir(), "vdl-key-"));
  try {
    writeFileSync(join(folder, "a.sk"), text);
    const options = ["pkey", "-in", join(folder, "a.sk"), "-passin", "pass:correct horse battery", "-pubout"];
    assert.equal(execFileSync("openssl", options, { encoding: "utf8" }), writePublic(spki));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a plain key file is read as the command line wrote it, and no other kind of file is", async () => {
  const pkcs8 = await readKeyFile(textOf("keys/alice.sk"), "");
  assert.equal(writePlain(pkcs8), textOf("keys/alice.sk"));
  assert.equal(writePublic(await publicOf(pkcs8)), textOf("keys/alice.pk"));
  await assert.rejects(readKeyFile(textOf("keys/alice.pk"), ""), new KeyFileError("no-key-file"));
  const x25519 = await readKeyFile(textOf("keys/x25519.sk"), "");
  await assert.rejects(publicOf(x25519), new KeyFileError("not-ed25519"));
});

test("a signature is under these bytes, this kind and this key only", async () => {
  const signer = await signerOf(await readKeyFile(textOf("keys/bob.sk"), ""));
  const signature = await signPayload(signer, APPROVAL, utf8("{}"));
  assert.ok(await fits(signer.publicKey, APPROVAL, utf8("{}"), signature));
  assert.ok(!(await fits(signer.publicKey, APPROVAL, utf8("{} "), signature)));
  assert.ok(!(await fits(signer.publicKey, "application/vnd.vdl.policy.v1+json", utf8("{}"), signature)));
  const other = toBase64(await publicOf(await readKeyFile(textOf("keys/alice.sk"), "")));
  assert.ok(!(await fits(other, APPROVAL, utf8("{}"), signature)));
});

test("every address leads back to its page, and a strange one to none", () => {
  const routes: Route[] = [
    { page: "home" },
    { page: "invitation", token: "a/b c" },
    { page: "requests", project: "p 1" },
    { page: "request", project: "p", id: "r/1" },
    { page: "new-request", project: "p", kind: "upload" },
    { page: "new-request", project: "p", kind: "script" },
    { page: "new-deletion", project: "p", handle: "AB" },
    { page: "table", project: "p", handle: "A0" },
    { page: "journal", project: "p" },
    { page: "keys" },
  ];
  for (const route of routes) assert.deepEqual(parseRoute(link(route)), route);
  const why = { page: "sign-in", what: "refused", why: "invalid_grant" };
  assert.deepEqual(parseRoute("#/sign-in/refused/invalid_grant"), why);
  assert.deepEqual(parseRoute("#/no/such"), { page: "unknown" });
  assert.deepEqual(parseRoute("#/projects/%E0%A4%A"), { page: "requests", project: "%E0%A4%A" });
});

test("what cannot be seen in a name is written out", () => {
  const shown = (text: string): string =>
    pieces(text)
      .map((piece) => piece.text)
      .join("");
  assert.equal(shown("ann\u202egnp"), "ann\\u{202e}gnp");
  assert.equal(shown("a\u200bb"), "a\\u{200b}b");
  assert.equal(shown("Zoë"), "Zoë");
  assert.ok(mixesAlphabets("p\u0430ul"));
  assert.ok(!mixesAlphabets("Анна Smith"));
});

test("a journal is followed from line to line, and a changed, missing or moved one is found", () => {
  const lines: string[] = [];
  let previous = "0".repeat(64);
  for (let sequence = 1; sequence <= 4; sequence += 1) {
    const line = JSON.stringify({
      sequence,
      time: 1,
      actor: "",
      kind: "joined",
      object: "",
      detail: {},
      previous,
    });
    previous = digest(utf8(line)).toLowerCase();
    lines.push(line);
  }
  const verdict = (changed: string[]) => checkJournal(changed.map((line) => `${line}\n`).join(""));
  assert.deepEqual(verdict(lines), { good: true, count: 4, head: previous });
  const altered = lines.with(1, lines[1]!.replace("joined", "left"));
  assert.deepEqual(verdict(altered), { good: false, at: 3, why: "digest" });
  assert.deepEqual(verdict(lines.toSpliced(1, 1)), { good: false, at: 3, why: "number" });
  assert.deepEqual(verdict([...lines, "x"]), { good: false, at: 5, why: "unreadable" });
  // Its end cut off, where the portal says elsewhere how many there are.
  const cut = lines.slice(0, 3).join("\n");
  assert.deepEqual(checkJournal(cut, 4), { good: false, at: 4, why: "missing" });
  assert.ok(checkJournal(cut, 3).good);
});

test("the picture has every step once, beneath what it needs, and what is opened beside it", () => {
  const script = readScript(bytesOf("scripts/mean-stroke-age.json"));
  const { nodes, lines, opened, rows } = flowOf(script, ["nothing", "nothing", "count", "count", "values"]);
  assert.deepEqual(
    nodes.map((node) => node.row),
    Array.from({ length: rows }, (_, row) => row),
  );
  assert.deepEqual(
    nodes.filter((node) => node.kind === "step").map((node) => node.step),
    [1, 2, 3, 4, 5],
  );
  assert.equal(nodes.filter((node) => node.kind === "table").length, 2);
  const [last] = opened;
  assert.deepEqual([opened.length, last?.step, last?.row], [1, 5, rows - 1]);
  for (const { from, to } of lines) for (const one of to) assert.ok(from.row < one.row);
});

test("a policy of people is one that servers read, whatever they are called", async () => {
  const keys = ["alice", "bob"].map((name) => textOf(`keys/${name}.pk`).split("\n")[1] ?? "");
  const people = ["Zoë de Wit", "Zoë de Wit"].map((name, at) => ({
    user: "",
    name,
    key: keys[at] ?? "",
    fingerprint: "",
  }));
  const approvers = named(people);
  assert.deepEqual(
    approvers.map((approver) => approver.name),
    ["zoe de wit", "zoe de wit 2"],
  );
  const bytes = writePolicy({
    environment: "production",
    version: 1,
    approvers,
    rule: "all",
    approvals_since: 1,
  });
  const policy = await Policy.readPayload(bytes);
  assert.deepEqual(policy.toPayload(), new Uint8Array(bytes));
  assert.equal(named([{ user: "", name: "張", key: "", fingerprint: "" }])[0]?.name, "approver");
  const read = (payload: string) => readPolicy({ payload } as PolicyInfo);
  const text = toBase64(bytes);
  assert.deepEqual((await read(text))?.toPayload(), bytes);
  // Another text of the same bytes is none that servers or the command line would take.
  for (const other of [`${text}\n`, ` ${text}`, text.replace(/(.{64})/, "$1\n"), text.replace(/=*$/, "")])
    if (other !== text) assert.equal(await read(other), undefined);
});

test("what a draft becomes is what servers read, and a second one is another approval", () => {
  const script = readScript(bytesOf("scripts/risky.json"));
  const draft = { ...emptyDraft(textOf("keys/analyst.pk").split("\n")[1] ?? ""), purpose: "a test" };
  draft.names = rulesFor(script, []);
  assert.deepEqual(draft.names, [{ name: "survey", may_change: false }]);
  const first = payloadOf(script, draft, "production", 1);
  assert.notEqual(first, payloadOf(script, draft, "production", 1));
  assert.throws(() => payloadOf(script, { ...draft, names: [] }, "production", 1));
  assert.throws(() => payloadOf(script, { ...draft, maxRuns: "0" }, "production", 1));
  assert.equal(lastSecond("2027-03-31"), Date.UTC(2027, 2, 31, 23, 59, 59) / 1000);
  // A field of a browser goes further than approvals do; nor is such a day taken for no end at all.
  for (const day of ["12027-03-31", "2027-02-30", "31-03-2027"]) {
    assert.throws(() => payloadOf(script, { ...draft, expires: day }, "production", 1), /no such day/);
    assert.throws(() => payloadOf(script, { ...draft, notBefore: day }, "production", 1), /no such day/);
  }
});

test("a name means no other table later on unless somebody says that it may", () => {
  const script = readScript(bytesOf("scripts/risky.json"));
  assert.deepEqual(rulesFor(script, []), [ruleOf("survey", FIRST)]);
  const [handle, whichever] = ["07".repeat(32), ruleOf("survey", WHICHEVER)];
  assert.deepEqual(ruleOf("survey", handle), { name: "survey", table: handle, may_change: false });
  assert.deepEqual(whichever, { name: "survey", may_change: true });
  assert.deepEqual(rulesFor(script, [whichever]), [whichever]);
  for (const meant of [FIRST, WHICHEVER, handle]) assert.equal(meantBy(ruleOf("survey", meant)), meant);
});

test("a day is told in words of the page's language, whichever order of numbers a browser has", () => {
  const [first, last] = [firstSecond("2027-04-03") ?? 0, lastSecond("2027-04-03") ?? 0];
  assert.equal(last - first, 86_399);
  for (const second of [first, last]) {
    assert.equal(longDay(second, "en"), "Saturday 3 April 2027");
    assert.equal(longDay(second, "nl"), "zaterdag 3 april 2027");
  }
});

test("permission to upload is the template of the command line, and opens nothing else", () => {
  const guarded = readScript(bytesOf("scripts/guarded-upload.json"));
  const rules = { min_rows: 10, join_only: ["id"] };
  assert.deepEqual(uploadScript(undefined), readScript(bytesOf("scripts/any-upload.json")));
  assert.deepEqual(uploadScript(rulesOf({ ...usualRules(), joinOnly: [" id", "", "id"] })), guarded);
  assert.deepEqual(readUploadScript(uploadScript(undefined)), { rules: undefined });
  assert.deepEqual(readUploadScript(guarded), { rules });
  for (const file of ["mean-stroke-age", "risky"])
    assert.equal(readUploadScript(readScript(bytesOf(`scripts/${file}.json`))), undefined);
  const [step] = guarded.steps;
  assert.ok(step !== undefined);
  assert.equal(readUploadScript({ ...guarded, steps: [step, step] }), undefined);
  assert.equal(readUploadScript({ ...guarded, ordered: true }), undefined);
});

test("rules that servers would refuse are not asked, and a note is no rule", () => {
  for (const minimum of ["1", "0", "-3", "2.5", "ten", "1e3", "9".repeat(20)])
    assert.ok(!isAsked({ ...usualRules(), minimum }), minimum);
  for (const minimum of ["", " 2 ", "10"]) assert.ok(isAsked({ ...usualRules(), minimum }), minimum);
  for (const step of ["1", "0", "1001", "2.5", "ten"]) assert.ok(!isAsked({ ...usualRules(), step }), step);
  for (const step of ["", " 2 ", "1000"]) assert.ok(isAsked({ ...usualRules(), step }), step);
  assert.equal(rulesOf({ minimum: " ", step: "", joinOnly: [" "] }), undefined);
  assert.deepEqual(rulesOf(askedOf({ min_rows: 2, join_only: [] })), { min_rows: 2, join_only: [] });
  assert.deepEqual(rulesOf(askedOf({ join_only: ["id"] })), { join_only: ["id"] });
  assert.equal(tellRules(undefined, "  "), undefined);
  const told = tellRules({ min_rows: 5, join_only: ["id"] }, "only for stroke research");
  assert.deepEqual(told, { min_rows: 5, join_only: ["id"], note: "only for stroke research" });
  assert.deepEqual(readRules(JSON.parse(JSON.stringify(told))), told);
  assert.deepEqual(readRules({ min_rows: "5", join_only: [3], round_counts: -2, note: 7, else: 1 }), {});
});

test("where counts are rounded, the minimum that is asked is a multiple, and the form says so", () => {
  const rules = (minimum: string, step: string) => ({ minimum, step, joinOnly: [] });
  const made: [string, string, number, number | undefined][] = [
    ["15", "10", 20, 20],
    ["", "7", 7, 7],
    ["3", "10", 10, 10],
    ["20", "10", 20, undefined],
  ];
  for (const [minimum, step, least, told] of made) {
    const asked = rules(minimum, step);
    const wanted = { min_rows: least, join_only: [], round_counts: Number(step) };
    assert.deepEqual(rulesOf(asked), wanted);
    assert.deepEqual(rulesOf(askedOf(wanted)), wanted);
    assert.equal(raised(asked), told);
    assert.deepEqual(readRules(tellRules(wanted, "")), { min_rows: least, round_counts: Number(step) });
  }
  assert.equal(raised(rules("15", "")), undefined);
  assert.equal(raised(rules("15", "2000")), undefined);
});

test("file names that somebody else chose do no harm", () => {
  assert.equal(safeFileName("../../etc/passwd"), "etc-passwd");
  assert.equal(safeFileName("\u202ecsv.exe"), "csv.exe");
  assert.equal(slug("Mean: stroke/age!"), "mean-stroke-age");
});

test("a passphrase is long, and the same twice", () => {
  assert.equal(newSecretProblem("short", "short"), "short");
  assert.equal(newSecretProblem("long enough words", "long enough word"), "differs");
  assert.equal(newSecretProblem("long enough words", "long enough words"), undefined);
});

test("both languages say everything, and no word is empty", () => {
  const leaves = (value: unknown, at: string): [string, unknown][] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${at}.${name}`))
      : [[at, value]];
  const [english, dutch] = [leaves(ui.en, ""), leaves(ui.nl, "")];
  assert.deepEqual(
    dutch.map(([at]) => at),
    english.map(([at]) => at),
  );
  for (const [at, word] of [...english, ...dutch]) assert.ok(word !== "" || at.endsWith(".nothing"), at);
});

test("the page has no inline styles and no raw HTML", () => {
  const files = execFileSync("git", ["ls-files", "src"], { encoding: "utf8" }).split("\n");
  for (const file of files.filter((name) => name.endsWith(".svelte"))) {
    const text = readFileSync(file, "utf8");
    assert.ok(
      !/\{@html|\sstyle="|transition:|animate:|in:fade|innerHTML/.test(text.replace(/<style>[\s\S]*/, "")),
      file,
    );
  }
});

test("whatever goes wrong on the way to another account is told in both languages", () => {
  // From `build/tests`, where this runs.
  const troubles = readFileSync(new URL("../../../src/oidc/trouble.rs", import.meta.url), "utf8");
  const named = [...troubles.matchAll(/=> "([a-z-]+)"\.into\(\)/g)].map((match) => match[1] ?? "");
  assert.ok(named.length > 8);
  for (const name of [...named, "refused"]) {
    for (const words of [ui.en, ui.nl]) assert.ok(words.elsewhere.troubles[name], name);
  }
});

test("a letter is a shortcut where nobody is writing, and nowhere else", () => {
  const pressed = (key: string, more: object = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    isComposing: false,
    defaultPrevented: false,
    target: null,
    ...more,
  });
  for (const action of Object.keys(KEYS) as Action[]) assert.equal(actionOf(pressed(KEYS[action])), action);
  assert.equal(new Set(Object.values(KEYS)).size, Object.keys(KEYS).length);
  assert.equal(actionOf(pressed("x")), undefined);
  for (const more of [
    { ctrlKey: true },
    { metaKey: true },
    { altKey: true },
    { isComposing: true },
    { defaultPrevented: true },
    { target: { closest: (selector: string) => selector.includes("textarea") && {} } },
  ])
    assert.equal(actionOf(pressed("j", more)), undefined);
  assert.equal(actionOf(pressed("j", { target: { closest: () => null } })), "next");
  assert.deepEqual(
    [stepBy(0, 1, 3), stepBy(0, -1, 3), stepBy(3, 1, 3), stepBy(2, -1, 3), stepBy(1, -1, 3)],
    [1, 1, 3, 1, 1],
  );
});

test("a portal that keeps other bytes than were sent is noticed, and one that keeps them is not blamed", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (name: string): string | null => kept.get(name) ?? null,
    setItem: (name: string, value: string): void => void kept.set(name, value),
  };
  const view = (id: string, version: number, payload: string | null) =>
    ({ id, version, versions: [{ version, payload }] }) as unknown as RequestView;
  const [mine, other] = ["one", "two"].map((text) => toBase64(utf8(text)));
  rememberSent("r", 2, mine!, store);
  assert.equal(altered(view("r", 2, mine!), store), undefined);
  for (const wrong of [other!, "", "!", null, `${mine}A`]) {
    const difference = altered(view("r", 2, wrong), store);
    assert.equal(difference?.sent, digest(utf8("one")));
    assert.notEqual(difference.kept, difference.sent);
  }
  // Nothing is known of what was sent from elsewhere.
  assert.equal(altered(view("r", 3, other!), store), undefined);
  assert.equal(altered(view("s", 2, other!), store), undefined);
  for (let at = 0; at < 600; at += 1) rememberSent(`q${at}`, 1, other!, store);
  assert.equal(altered(view("q599", 1, other!), store), undefined);
  assert.ok(altered(view("q599", 1, mine!), store));
  assert.ok((kept.get("vdl.sent") ?? "").length < 60_000, "the oldest are forgotten");
  kept.set("vdl.sent", "{broken");
  assert.equal(altered(view("r", 2, other!), store), undefined);
});

test("what is over is shown so while it could still be signed or run, and at no other time", () => {
  const script = readScript(bytesOf("scripts/mean-stroke-age.json"));
  const key = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const payload = (expires: string) =>
    payloadOf(script, { ...emptyDraft(key), purpose: "p", expires, maxRuns: "" }, "e", 1);
  assert.equal(endOf(payload("2026-11-30")), Date.UTC(2026, 10, 30, 23, 59, 59) / 1000);
  assert.equal(endOf(payload("")), Infinity);
  for (const broken of ["", "!", toBase64(utf8("{}"))]) assert.equal(endOf(broken), Infinity);
  const states = ["submitted", "changes_requested", "approved", "rejected", "withdrawn", "revoked"] as const;
  const over = states.filter((state) => shownState(state, true) === "expired");
  assert.deepEqual(over, ["submitted", "approved"]);
  for (const state of states) {
    assert.equal(shownState(state, false), state);
    assert.equal(mayBeOver({ state }), over.includes(state as "approved"));
  }
});
