// What columns seem to hold, and where a person has to say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, tidy } from "../src/data/bounds.ts";
import { writeType } from "../src/contract/types.ts";
import { proposals, surveyed, typeOf } from "./data/common.ts";

async function guessed(cells: readonly string[]): Promise<string> {
  const found = await surveyed(`c\n${cells.map((cell) => `"${cell}"\n`).join("")}`);
  return `${proposals(found)[0]} ${found.columns[0]?.guess.doubts.join(" ") ?? ""}`.trim();
}

test("columns are read as what all their cells are", async () => {
  for (const [cells, expected] of [
    [["1", "-5", "+30"], "-5..30"],
    [["3.0", "4.", "5.0000"], "3..5"],
    [["0", "1"], "0..1"],
    [["9223372036854775808", "-1"], "-1..9223372036854775808"],
    [["79228162514264337593543950335"], "79228162514264337593543950335..79228162514264337593543950335"],
    [["true", "FALSE"], "boolean"],
    [["Ja", "nee"], "boolean"],
    [["y", "n"], "boolean"],
    [["n", "n"], "text 1 ascii"],
    [["yes", "nee"], "text 3 ascii"],
    [["2020-01-31", "1999-12-01"], "Y-m-d"],
    [["31-01-2020", "1-2-2020"], "d-m-Y"],
    [["1/31/2020", "12/1/2020"], "m/d/Y"],
    [["31.1.2020"], "d.m.Y"],
    [["31-01-20"], "d-m-y short_years"],
    [["Zoë", "x"], "text 3"],
    [["😀😀"], "text 2"],
    [["a", "", "NA"], "text 1 ascii?"],
    [["1", " ", "n/a"], "1..1?"],
  ] as const) {
    assert.equal(await guessed([...cells, ...cells]), expected, cells.join(" | "));
  }
});

test("what only a person can know is asked", async () => {
  for (const [cells, expected] of [
    [["1/2/2020", "3/4/2020"], "? ambiguous_date"],
    [["01-02-2020"], "? ambiguous_date"],
    [["007", "123"], "text 3 ascii leading_zeros"],
    [["1.5", "2.25"], "text 4 ascii fractions"],
    [["1,5", "2"], "text 3 ascii fractions"],
    [["1.000", "2.500"], "text 5 ascii thousands"],
    [["", "NA"], "? empty"],
    [["79228162514264337593543950336"], "text 29 ascii"],
    [["2020-02-30", "2020-01-01"], "text 10 ascii"],
  ] as const) {
    assert.equal(await guessed(cells), expected, cells.join(" | "));
  }
});

test("a few cells that are something else are errors, not another type", async () => {
  const many = Array.from({ length: 99 }, (_, row) => String(row));
  assert.equal(await guessed([...many, "unknown"]), "0..98 mostly");
  assert.equal(await guessed([...many, ...Array.from({ length: 20 }, () => "x")]), "text 2 ascii");
});

test("a reading found late is still found", async () => {
  const found = await surveyed(`a\n${"\n".repeat(3)}${'""\n'.repeat(5000)}17\n`);
  assert.deepEqual(proposals(found), ["17..17"]);
  const later = await surveyed(`a,b\n${"x,\n".repeat(5000)}x,17\n`);
  assert.deepEqual(proposals(later), ["text 1 ascii", "17..17?"]);
});

test("every reading a column can have is offered, text always", async () => {
  const found = await surveyed("a\n1\n2020-01-01\n");
  const kinds = found.columns[0]?.guess.options.map(({ reading, misfits }) => [reading.kind, misfits]);
  assert.deepEqual(kinds, [
    ["date", 1],
    ["integer", 1],
    ["text", 0],
  ]);
});

test("tidy bounds hold the exact ones, and say less", () => {
  for (const [exact, expected] of [
    ["int[min=3,max=97]", "int[min=0,max=100]"],
    ["int[min=-7,max=-3]?", "int[min=-10,max=0]?"],
    ["int[min=0,max=0]", "int[min=0,max=0]"],
    ["int[min=101,max=1001]", "int[min=0,max=2000]"],
    ["int[min=0,max=9223372036854775000]", "int[min=0,max=9223372036854775807]"],
    [`int[min=0,max=${2n ** 95n}]`, "int[min=0,max=50000000000000000000000000000]"],
    [`int[min=0,max=${2n ** 96n - 1n}]`, `int[min=0,max=${2n ** 96n - 1n}]`],
    ["date[min=2003-05-06,max=2019-02-03]", "date[min=2003-01-01,max=2019-12-31]"],
    ["varchar[9,ascii]", "varchar[12,ascii]"],
    ["varchar[2049]", "varchar[4096]"],
    ["bool?", "bool?"],
  ] as const) {
    const rounded = tidy(typeOf(exact));
    assert.equal(writeType(rounded), expected);
    assert.ok(holds(rounded, typeOf(exact)));
  }
});

test("a type may be widened, never narrowed", () => {
  assert.ok(holds(typeOf("varchar[5]?"), typeOf("varchar[3,ascii]")));
  for (const [outer, inner] of [
    ["int[min=0,max=9]", "int[min=0,max=10]"],
    ["int[min=0,max=9]", "int[min=0,max=9]?"],
    ["varchar[5,ascii]", "varchar[5]"],
    ["bool", "int[min=0,max=1]"],
    ["date[min=2000-01-01,max=2000-12-31]", "date[min=1999-12-31,max=2000-01-01]"],
  ] as const) {
    assert.ok(!holds(typeOf(outer), typeOf(inner)), `${outer} ${inner}`);
  }
});
