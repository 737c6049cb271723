// What lists say to people: of tables, sessions, messages and the journal.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry, Notice, Table } from "../src/api/shapes.ts";
import { inputs } from "../src/contract/language.ts";
import { readScript } from "../src/contract/script.ts";
import { browserOf } from "../src/state/agent.ts";
import { flowOf, type FlowLine } from "../src/state/flow.ts";
import { away } from "../src/state/format.ts";
import { aboutOf, detailInWords, type Known } from "../src/state/journal.ts";
import { kindBeside } from "../src/state/requests.ts";
import { aboutWhat } from "../src/state/routes.ts";
import { someColumns } from "../src/state/tables.ts";
import { ui } from "../src/words/ui.ts";
import { bytesOf } from "./vectors.ts";

test("a table of many columns shows some, those first that are looked for", () => {
  const table = (columns: number): Table =>
    ({
      schema: Array.from({ length: columns }, (_, at) => ({ name: `Column${at}`, type: "bool" })),
    }) as Table;
  assert.deepEqual(someColumns(table(12), "column11").names[0], "Column0");
  assert.equal(someColumns(table(12), "").more, 0);
  const many = someColumns(table(60), "survey column59");
  assert.deepEqual([many.names.length, many.more], [12, 48]);
  assert.deepEqual(many.names.slice(0, 2), ["Column59", "Column0"]);
});

test("a list says once what a request is, also where its title says it", () => {
  const beside = (kind: "script" | "upload" | "deletion", name: string): unknown =>
    kindBeside({ kind, name }, ui.en);
  assert.equal(beside("upload", "Permission to upload"), undefined);
  assert.equal(beside("upload", "The yearly survey"), "Permission to upload");
  assert.equal(beside("deletion", "Permission to upload"), "Deletion");
  assert.equal(beside("script", "Deletion"), undefined);
  // What somebody else's page wrote in another language says it to this reader once, too.
  assert.equal(kindBeside({ kind: "upload", name: "Permission to upload" }, ui.nl), "Toestemming om te uploaden");
});

test("a message about an account leads to the settings, and others to what they tell of", () => {
  const about = (kind: Notice["kind"], request?: string): unknown =>
    aboutWhat({ kind, project: "p", request: request ?? null } as Notice);
  for (const kind of ["passkey_added", "passkeys_reset", "passkey_copied", "account_changed"] as const)
    assert.deepEqual(about(kind), { page: "settings" });
  assert.deepEqual(about("identity_linked"), { page: "settings" });
  assert.deepEqual(about("policy_proposed"), { page: "policy", project: "p" });
  assert.deepEqual(about("roles_changed"), { page: "members", project: "p" });
  assert.deepEqual(about("signed", "r"), { page: "request", project: "p", id: "r" });
});

test("a session tells which browser it is, and what it does not know as it was said", () => {
  const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
  const chrome = `Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/140.0.0.0 Safari/537.36`;
  const edge = `Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`;
  const phone = `Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) ${webkit} Version/18.5 Mobile/15E148 Safari/604.1`;
  const told: [string, string][] = [
    [chrome, "Chrome 140 · Linux"],
    [edge, "Edge 140 · Windows"],
    ["Mozilla/5.0 (Windows NT 10.0; rv:141.0) Gecko/20100101 Firefox/141.0", "Firefox 141 · Windows"],
    [phone, "Safari 18 · iPhone"],
    ["python-requests/2.32", "python-requests/2.32"],
    ["?", "?"],
  ];
  for (const [agent, name] of told) assert.equal(browserOf(agent), name);
});

test("what just happened is not said to be about to", () => {
  assert.deepEqual([away(1000, 1030, "en"), away(1000, 1030, "nl")], ["now", "nu"]);
  assert.deepEqual([away(1000, 1090, "en"), away(1000, 1090, "nl")], ["1 minute ago", "1 minuut geleden"]);
  assert.deepEqual([away(9000, 1000, "en"), away(9000, 1000, "nl")], ["in 2 hours", "over 2 uur"]);
});

test("the journal tells details in the reader's words, addresses in full, and makes up none", () => {
  const entry = (detail: unknown): Entry => ({ object: "", detail }) as Entry;
  const said = (detail: unknown, locale: "en" | "nl"): string =>
    detailInWords(entry(detail), ui[locale], locale);
  const invited = { email: "somebody.with.a.long.name@hospital.example.org", roles: ["approver", "auditor"] };
  assert.equal(said(invited, "en"), `e-mail: ${invited.email} · roles: Approver, Auditor`);
  assert.equal(said(invited, "nl"), `e-mail: ${invited.email} · rollen: Goedkeurder, Auditor`);
  assert.equal(said({ before: [], after: ["analyst"] }, "en"), "before: none · after: Analyst");
  const asked = { state: "changes_requested", version: 2 };
  assert.equal(said(asked, "nl"), "nu: Wijzigingen gevraagd · versie: 2");
  assert.equal(said({ sizes: [862, 4014], rows: 1999 }, "en"), "sizes: 862 bytes, 4 kB · rows: 1,999");
  // Names that every object has are none of the words.
  assert.equal(said({ state: "toString", valueOf: "x" }, "en"), "now: toString · valueOf: x");
});

test("the journal calls things as people do, and what it has no name for by its number", () => {
  const known = {
    project: { id: "p", members: [{ user: "u1", name: "Anna" }] },
    requests: [{ id: "r1", name: "Mean age" }],
    tables: [
      { handle: "AB12", name: "survey" },
      { handle: "CD34", name: null },
    ],
  } as unknown as Known;
  const about = (object: string): unknown => aboutOf({ object } as Entry, known);
  const request = { page: "request", project: "p", id: "r1" };
  assert.deepEqual(about("r1"), { name: "Mean age", route: request });
  const table = { page: "table", project: "p", handle: "AB12" };
  assert.deepEqual(about("AB12"), { name: "survey", route: table });
  assert.deepEqual(about("u1"), { name: "Anna" });
  for (const other of ["CD34", "p", ""]) assert.equal(about(other), undefined, other);
  const entry = { object: "r1", detail: { version: 2 } } as unknown as Entry;
  assert.equal(detailInWords(entry, ui.en, "en", true), "version: 2");
});

test("in the picture of a script no two lines lie on each other, and each use has its line", () => {
  for (const name of ["mean-stroke-age", "risky"]) {
    const script = readScript(bytesOf(`scripts/${name}.json`));
    const { lines, lanes } = flowOf(script, []);
    const uses = script.steps.map(
      ({ command }) => new Set(inputs(command).map((ref) => JSON.stringify(ref))).size,
    );
    assert.equal(
      lines.reduce((sum, { to }) => sum + to.length, 0),
      uses.reduce((sum, one) => sum + one, 0),
    );
    const ends = ({ from, to }: FlowLine): [number, number] => [from.row, to.at(-1)?.row ?? from.row];
    for (const [at, one] of lines.entries())
      for (const other of lines.slice(at + 1)) {
        if (one.lane === undefined || one.lane !== other.lane) continue;
        const [[from, to], [start, end]] = [ends(one), ends(other)];
        assert.ok(to <= start || end <= from, `${name}: ${one.from.id} and ${other.from.id}`);
      }
    for (const { from, to, lane } of lines)
      assert.ok(lane === undefined ? to[0]?.row === from.row + 1 : lane < lanes, from.id);
  }
});
