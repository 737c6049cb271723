// The language is read, written and said as the servers do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../src/contract/bytes.ts";
import { readType, TypeRefused, width, writeType } from "../src/contract/types.ts";
import { dateOf, daysOf } from "../src/contract/dates.ts";
import { readCommand, readScript, writeCommand, writeScript } from "../src/contract/script.ts";
import { explainScript } from "../src/contract/sentences/explain.ts";
import { sentence } from "../src/contract/sentences/sentence.ts";
import { templateAnyUpload, templateGuardedUpload } from "../src/contract/template.ts";
import { en } from "../src/words/contract/en.ts";
import { nl } from "../src/words/contract/nl.ts";
import { bytesOf, filesIn, jsonOf, Random, textOf } from "./vectors.ts";

const forms = textOf("language.json")
  .split('{"command":')
  .slice(1)
  .map((entry) => entry.split(',\n "sentence":')[0] ?? "");
const sentences = jsonOf<{ sentence: string }[]>("language.json").map((entry) => entry.sentence);

test("every form is read, and written back byte for byte", () => {
  assert.ok(forms.length > 45);
  for (const form of forms) assert.equal(writeCommand(readCommand(form)), form);
});

test("every form has the servers' sentence, and one in Dutch", () => {
  for (const [at, form] of forms.entries()) {
    const command = readCommand(form);
    assert.equal(sentence(en, command), sentences[at]);
    assert.notEqual(sentence(nl, command), sentences[at]);
  }
});

test("no form is read from a form that lacks a piece", () => {
  for (const form of forms) {
    for (let cut = 0; cut < form.length; cut += 1) {
      assert.throws(() => readCommand(form.slice(0, cut)), { code: "command_unreadable" });
    }
  }
});

test("scripts are explained word for word as `vdl explain` does", () => {
  const scripts = filesIn("scripts", ".json");
  assert.ok(scripts.length >= 5);
  for (const path of scripts) {
    const script = readScript(bytesOf(path));
    assert.equal(explainScript(en, script), textOf(path.replace(".json", ".txt")), path);
    assert.deepEqual(readScript(utf8(writeScript(script))), script);
    assert.notEqual(explainScript(nl, script), explainScript(en, script));
  }
});

test("templates are those that `vdl template` writes", () => {
  assert.equal(writeScript(templateAnyUpload()), textOf("scripts/any-upload.json"));
  const rules = { min_rows: 10, join_only: ["id"] };
  assert.equal(writeScript(templateGuardedUpload(rules)), textOf("scripts/guarded-upload.json"));
});

test("types are read as the servers read them", () => {
  const { read, refused } = jsonOf<{ read: [string, string, number][]; refused: string[] }>("types.json");
  for (const [written, canonical, bits] of read) {
    const type = readType(written);
    assert.equal(writeType(type), canonical);
    assert.equal(width(type), bits);
    assert.deepEqual(readType(canonical), type);
  }
  for (const text of refused) assert.throws(() => readType(text), TypeRefused);
});

test("what is no type is refused with a reason", () => {
  for (const [written, reason] of [
    ["int08", "no column type"],
    ["int+8", "no column type"],
    ["float", "no column type"],
    ["int[min=-79228162514264337593543950336,max=0]", "no whole numbers"],
    ["int[min=0.5,max=4]", "no whole numbers"],
    ["int[min=+1,max=4]", "no whole numbers"],
    ["int[min=0,max=1,max=2]", "twice"],
    ["int[min=0,max=1", "closing bracket"],
    ["int[min=0,max=1]]", "no whole numbers"],
    ["int[min=0,max=1,loud]", "does not know `loud`"],
    ["bool[2]", "does not know `2`"],
    ["int8[min=0,max=1]", "does not know `min`"],
    ["date[min=2000-02-30,max=2001-01-01]", "no whole numbers"],
    ["date[min=0000-01-01,max=2001-01-01]", "no whole numbers"],
    ["date[min=2000-1-1,max=2001-01-01]", "no whole numbers"],
    ["varchar[4097]", "longer than"],
    ["varchar[4294967296]", "lacks its length"],
    ["varchar[3,ascii,unicode]", "not both"],
    ["int8??", "no column type"],
    ["mean", "needs both"],
    ["\ufeffint8", "no column type"],
  ] as const) {
    assert.throws(
      () => readType(written),
      (error: Error) => error.message.includes(reason),
      written,
    );
  }
  assert.equal(writeType(readType("\u0085 int[ min = -3 , max = 086 ]\u00a0?")), "int[min=-3,max=86]?");
});

test("dates count days from 1970", () => {
  assert.deepEqual(["1969-12-31", "2000-01-01", "2026-11-21"].map(daysOf), [-1, 10957, 20778]);
  assert.deepEqual([-719_162, 2_932_896].map(dateOf), ["0001-01-01", "9999-12-31"]);
  assert.deepEqual(
    ["2023-02-29", "1900-02-29", "2000-13-01", "2000-00-01", "2000-01-01 "].map(daysOf),
    Array(5).fill(undefined),
  );
  for (let days = -719_162; days <= 2_932_896; days += 997) assert.equal(daysOf(dateOf(days)), days);
});

test("any text is read as a type or refused, and what is read is written in one way", () => {
  const pieces = [
    "int",
    "8",
    "[",
    "]",
    "min=",
    "max=",
    "-",
    "9",
    ",",
    "?",
    "date",
    "2000-01-01",
    "é",
    "varchar",
    " ",
  ];
  const random = new Random(7);
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: random.below(14) }, () => pieces[random.below(pieces.length)]).join("");
    try {
      const type = readType(text);
      assert.deepEqual(readType(writeType(type)), type);
    } catch (error) {
      assert.ok(error instanceof TypeRefused, text);
    }
  }
});
