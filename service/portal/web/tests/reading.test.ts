// Why something could not be read is told in Dutch as well, with nothing lost.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readScript } from "../src/contract/script.ts";
import { readType } from "../src/contract/types.ts";
import { utf8 } from "../src/contract/bytes.ts";
import { SourceChanged } from "../src/data/source.ts";
import { NotText } from "../src/data/rows.ts";
import { RowTooLong } from "../src/data/reader.ts";
import { BadFile } from "../src/data/survey.ts";
import { readRequest } from "../src/state/contract.ts";
import { emptyDraft, payloadOf } from "../src/state/draft.ts";
import { inWords } from "../src/state/problems.ts";
import { opensInAll } from "../src/state/reading.ts";
import { uploadScript } from "../src/state/upload-script.ts";
import { readingInDutch } from "../src/words/reading.nl.ts";
import { ui } from "../src/words/ui.ts";
import { textOf } from "./vectors.ts";

/** The messages as they stand in the source, with what is filled in as something recognisable. */
function messages(file: string): string[] {
  const source = readFileSync(`src/contract/${file}.ts`, "utf8")
    .replace(/" \+\s*"/g, "")
    .replace(/` \+\s*"([^"]*)"/g, "$1`");
  const said = source.matchAll(
    /\b(?:refuse|refused|textWhere)\([^"`;]*?(?:"([^"\n]+)"|`((?:[^`\\]|\\.)+)["`])/g,
  );
  return [...said]
    .map(
      ([, plain, filled]) => plain ?? (filled ?? "").replace(/\$\{[^}]*\}/g, "77001").replaceAll("\\`", "`"),
    )
    .filter((message) => /[a-z]{2,} [a-z]/.test(message.replaceAll("77001 (at 77001)", "")))
    .map((message) =>
      /^(a text|a hole|64 upper)/.test(message) && !/ends|end$|most/.test(message)
        ? `here should be ${message}`
        : message,
    );
}

test("every reason why a script is none has Dutch words", () => {
  const all = ["codec", "json", "script", "statement", "types", "language"].flatMap(messages);
  assert.ok(all.length > 45, `${all.length} messages`);
  for (const message of all) {
    const told = readingInDutch(`${message} (at steps[3].command)`);
    assert.notEqual(told, `${message} (at steps[3].command)`, message);
    assert.ok(told.endsWith(" (bij steps[3].command)"), told);
    assert.equal(told.split("77001").length, message.split("77001").length, told);
    assert.doesNotMatch(told, /\b(the|should|here|is no|this)\b/, told);
  }
});

test("what a reader meets is told in the language of the page", () => {
  const script = textOf("scripts/mean-stroke-age.json");
  const cases = [
    [() => readScript(utf8(script.slice(0, 40))), /eindigt niet|ontbreekt|geen waarde/],
    [() => readScript(utf8(script.replace('"ordered"', '"odered"'))), /onbekend veld `odered` \(bij/],
    [() => readScript(utf8(`${script}x`)), /tekst na het einde/],
  ] as const;
  for (const [read, dutch] of cases) {
    try {
      read();
      assert.fail("it was read");
    } catch (problem) {
      assert.match(inWords(problem, ui.nl), dutch);
      assert.equal(inWords(problem, ui.en), (problem as Error).message);
    }
  }
  assert.match(readingInDutch("nobody has said this"), /^nobody has said this$/);
  assert.throws(() => readType("int8["), /closing bracket/);
});

test("a fault of a file is told in the language of the page", () => {
  const faults = [new BadFile("empty"), new NotText("utf-8"), new RowTooLong(812), new SourceChanged()];
  const told = faults.map((fault) => [inWords(fault, ui.en), inWords(fault, ui.nl)]);
  assert.equal(new Set(told.flat()).size, 8);
  assert.match(told[1]?.[1] ?? "", /utf-8/);
  assert.match(told[2]?.[0] ?? "", /812/);
});

test("permission to upload is one note, in proportion, and a hole in a script stays a grave risk", () => {
  const draft = { ...emptyDraft(textOf("keys/analyst.pk").split("\n")[1] ?? ""), purpose: "data" };
  for (const rules of [undefined, { min_rows: 10, join_only: [] }]) {
    const { report } = readRequest(payloadOf(uploadScript(rules), draft, "production", 1), "en");
    assert.deepEqual(
      report.risks.map(({ code, level }) => [code, level]),
      [["open_hole", "note"]],
    );
    assert.deepEqual(report.holes, []);
  }
  const script = readScript(utf8(textOf("scripts/risky.json")));
  const names = [{ name: "survey", may_change: true }];
  const { report } = readRequest(payloadOf(script, { ...draft, names }, "production", 1), "nl");
  assert.ok(report.risks.some(({ code, level }) => code === "open_hole" && level === "high"));
  assert.ok(report.holes.length > 0);
});

test("beside the signature stands all that is opened, each kind once and single values by their number", () => {
  const opened = (...all: object[]) => opensInAll(all as never, ui.en.review);
  assert.deepEqual(opened(), []);
  assert.deepEqual(opened({ what: "count" }), []);
  assert.deepEqual(opened({ what: "values", values: 3 }, { what: "values" }), ["4 single values"]);
  assert.deepEqual(opened({ what: "rows" }, { what: "groups" }, { what: "rows" }), ["every group", "EVERY ROW"]);
});

test("one is one and many are many", () => {
  const { en, nl } = ui;
  assert.equal(en.upload.misfits(1, "1"), "1 does not fit");
  assert.equal(en.upload.misfits(1200, "1,200"), "1,200 do not fit");
  assert.equal(nl.upload.misfits(1, "1"), "1 past niet");
  assert.equal(nl.tables.rowCount(1, "1"), "1 rij");
  assert.equal(en.tables.rowCount(2, "2"), "2 rows");
});
