// Whatever the portal refuses is said in the reader's language, with what to do.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { refusalOf, speakRefusals } from "../src/api/refusal.ts";
import { inWords } from "../src/state/problems.ts";
import { ChunksLost, GivenUp, NetworkLoss, PutOff } from "../src/data/delivery.ts";
import { Refused } from "../src/data/servers.ts";
import { Garbled } from "../src/data/wire.ts";
import { inDutch } from "../src/words/refusals.nl.ts";
import { sayCode, sayRefusal } from "../src/words/refusals.ts";
import { ui } from "../src/words/ui.ts";

const REPOSITORY = new URL("../../../../../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, REPOSITORY), "utf8");

/** Codes of errors that only crandas or the command line have. */
const ELSEWHERE = [
  ...["not_authorized", "script", "script_mismatch", "data_dependent", "steps_left", "key_file"],
  ...["connection_file", "folder_in_use", "system"],
];

/** The codes of a section of docs/errors.md. */
function codesUnder(title: string): string[] {
  const section =
    textOf("docs/errors.md")
      .split(/^## /m)
      .find((one) => one.startsWith(title)) ?? "";
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code ?? "");
}

/** What a Rust source gives as codes. */
const codesIn = (path: string): string[] =>
  [...textOf(path).matchAll(/=> "([a-z]+(?:_[a-z]+)*)",/g)].map(([, code]) => code ?? "");

test("every code that the portal can send has words in both languages, and none is the same in both", () => {
  const listed = ["The portal", "Servers and connection", "Scripts and approvals"].map(codesUnder);
  for (const codes of listed) assert.ok(codes.length > 20);
  const refused = [
    ...codesIn("service/portal/src/error.rs"),
    ...codesIn("contract/authorize/src/refusal.rs"),
  ];
  assert.ok(refused.length > 50);
  const all = new Set([...listed.flat(), ...refused]);
  for (const code of ELSEWHERE) assert.ok(all.delete(code), code);
  for (const code of all) {
    const [en, nl] = [sayCode(code, "en"), sayCode(code, "nl")];
    for (const { text, help } of [en, nl]) {
      assert.match(text, /^\p{Lu}.*\.$/u, code);
      assert.ok(help === undefined || /^\p{Lu}.*\.$/u.test(help), code);
    }
    assert.notEqual(en.text, nl.text, code);
    assert.equal(en.help === undefined, nl.help === undefined, code);
  }
});

/** Every sentence that the portal's sources put into these refusals, as far as it is written in one piece. */
function sentences(kind: string): string[] {
  const sources = ["account", "key", "policy", "project", "upload", "invitation", "text", "request/submit"];
  const found = sources.map((name) => textOf(`service/portal/src/${name}.rs`));
  const written = new RegExp(`Fault::${kind}\\(\\s*"([^"{]+)"`, "g");
  return found.flatMap((text) => [...text.matchAll(written)].map(([, said]) => said ?? ""));
}

test("what the portal says of a thing that is not there, or of a limit, is said in Dutch whole", () => {
  const things = sentences("NoSuchThing").filter((thing) => thing !== "method here");
  const limits = sentences("QuotaReached");
  assert.ok(things.length > 8 && limits.length > 5, `${things.length} ${limits.length}`);
  for (const thing of things)
    assert.ok(inDutch(`there is no such ${thing}, or it is not yours to see`), thing);
  for (const limit of limits) assert.ok(inDutch(`the limit is reached: ${limit}`), limit);
  for (const state of ["submitted", "changes_requested", "approved", "rejected", "withdrawn", "revoked"])
    for (const action of ["sign", "ask_changes", "reject", "withdraw", "resubmit", "revoke"])
      assert.ok(
        inDutch(`a request that is ${state} does not take the action ${action}`),
        `${state} ${action}`,
      );
});

test("particulars are kept: in Dutch words where they are known, and as they were said where not", () => {
  const dutch = (code: string, message: string) => sayRefusal(code, message, "help", "nl").text;
  assert.equal(
    dutch("node_unreachable", "server 1 cannot be reached: timeout"),
    "Server 1 is niet te bereiken (timeout).",
  );
  assert.match(dutch("invalid_input", "something new about rows"), /ontbreekt.*something new about rows/);
  assert.match(dutch("approver_missing", "bob has not signed"), /handtekeningen.*bob has not signed/);
  assert.equal(dutch("own_request", "nobody decides"), "Niemand beslist over een eigen aanvraag.");
  assert.deepEqual(sayRefusal("own_request", "nobody decides", "ask", "en"), {
    text: "Nobody decides.",
    help: "Another approver has to.",
  });
  // A newer portal may have codes that this page has never heard of.
  assert.deepEqual(sayRefusal("brand_new", "a new thing", "do it", "nl"), {
    text: "A new thing.",
    help: "Do it.",
  });
  assert.deepEqual(sayRefusal("constructor", "m", undefined, "nl"), { text: "M.", help: undefined });
});

test("a full disk of the portal is said with what to do", () => {
  const full = (message: string, locale: "en" | "nl") => sayRefusal("disk_full", message, "tell", locale);
  assert.deepEqual(full("the portal's disk is full", "en"), {
    text: "The portal's disk is full.",
    help: "Tell whoever runs the portal. What was there is not lost.",
  });
  assert.equal(full("the portal's disk is full", "nl").text, "De schijf van het portaal is vol.");
});

test("a refusal is made in the language of whoever reads", () => {
  const body = { code: "not_allowed", message: "your roles in this project do not allow this", help: "ask" };
  const say = (locale: "en" | "nl") =>
    speakRefusals((code, message, help) => sayRefusal(code, message, help, locale));
  try {
    say("nl");
    assert.equal(refusalOf(403, body).message, "Uw rollen in dit project staan dit niet toe.");
    assert.match(refusalOf(502, "<html>").message, /^Het portaal antwoordde met 502/);
  } finally {
    say("en");
  }
  assert.equal(refusalOf(403, body).message, "Your roles in this project do not allow this.");
});

test("the server that the portal's refusal is about is named", () => {
  speakRefusals((code, message, help, server) => sayRefusal(code, message, help, "en", server));
  const said = (server: unknown) =>
    refusalOf(400, { code: "sealed_unreadable", message: "it cannot be opened", server }, 0).message;
  assert.equal(said(2), "Server 2: It cannot be opened.");
  for (const none of [undefined, null, 3, "1", -1]) assert.equal(said(none), "Server 0: It cannot be opened.");
});

test("a server that refuses a sealed upload is named, and what to do", () => {
  const refused = new Refused(2, { code: "storage_failed", message: "the disk is full" });
  assert.match(inWords(refused, ui.nl), /^Server 2: De schijf .* \(“the disk is full”\) Zeg het/);
  assert.match(inWords(refused, ui.en), /^Server 2: The disk is full\. Tell whoever runs that server/);
});

test("why an upload was given up is said with the server, and with what to do", () => {
  const blocked = new GivenUp(new NetworkLoss("lost", 1));
  assert.match(inWords(blocked, ui.en), /parcel for server 1 does not get through.*no table came of it/);
  assert.match(inWords(blocked, ui.nl), /pakket voor server 1 komt er niet door.*geen tabel/);
  const refusal = refusalOf(502, { code: "busy", message: "too many jobs wait" }, 2);
  assert.match(
    inWords(new GivenUp(new PutOff(refusal)), ui.en),
    /Too many jobs wait.*several times.*no table/,
  );
  assert.match(inWords(new ChunksLost(), ui.nl), /verliest steeds delen/);
  const garbled = Object.assign(new Garbled("a sealed answer that is cut"), { server: 0 as const });
  assert.match(inWords(garbled, ui.en), /answer of server 0 does not hold up/);
  assert.match(inWords(garbled, ui.nl), /antwoord van server 0 klopt niet/);
  assert.equal(sayRefusal("busy", "too many", undefined, "en", 1).text, "Server 1: Too many.");
  assert.equal(
    sayRefusal("node_unreachable", "server 1 cannot be reached", "x", "en", 1).text,
    "Server 1 cannot be reached.",
  );
});

/** Every kind of entry that the portal writes into a project's journal, as far as it is written out. */
function kindsOfEntries(): string[] {
  const folder = new URL("service/portal/src/", REPOSITORY);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sources = files.filter((name) => name.endsWith(".rs") && !name.startsWith("tests"));
  const calls = sources.flatMap((name) => [
    ...readFileSync(new URL(name, folder), "utf8").matchAll(/journal::append\(([^;]*?)\)\s*\.await/gs),
  ]);
  const own = /journal::OWN/;
  return calls
    .map(([, args]) => args ?? "")
    .filter((args) => !own.test(args))
    .flatMap((args) => /"([a-z]+(?:_[a-z]+)*)"/.exec(args.split("json!")[0] ?? "")?.slice(1) ?? []);
}

test("every entry of a journal is told in words, in both languages", () => {
  const kinds = new Set(kindsOfEntries());
  assert.ok(kinds.size > 15, [...kinds].join(" "));
  for (const kind of kinds)
    for (const { journal } of [ui.en, ui.nl]) assert.ok(Object.hasOwn(journal.kinds, kind), kind);
});
