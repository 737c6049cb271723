// A person decides what the columns are; the page says what that means.

import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, type Wish } from "../src/data/choose.ts";
import { encode } from "../src/data/encode.ts";
import type { Survey } from "../src/data/survey.ts";
import { writeType } from "../src/contract/types.ts";
import { surveyed, typeOf } from "./data/common.ts";

const TEXT = "id,born,score,note\n3,1/2/1990,17,\n97,3/4/1991,,\n";

function outcome(found: Survey, wishes: Record<number, Wish> = {}): { types: string[]; faults: string[] } {
  const map = new Map(Object.entries(wishes).map(([column, wish]) => [Number(column), wish]));
  const { chosen, faults } = choose(found, map);
  return {
    types: chosen.map(({ name, type }) => `${name} ${writeType(type)}`),
    faults: faults.map(({ fault, column }) => `${fault} ${column}`),
  };
}

const MONTH_FIRST: Wish = { reading: { kind: "date", format: "m/d/Y" } };

test("nothing is chosen for a person where the file leaves it open", async () => {
  const found = await surveyed(TEXT);
  assert.deepEqual(outcome(found), {
    types: ["id int[min=0,max=100]", "score int[min=0,max=20]?"],
    faults: ["undecided 1", "undecided 3"],
  });
  assert.deepEqual(outcome(found, { 1: MONTH_FIRST, 3: { use: false } }), {
    types: ["id int[min=0,max=100]", "born date[min=1990-01-01,max=1991-12-31]", "score int[min=0,max=20]?"],
    faults: [],
  });
});

test("bounds are tidy, exact, or what a person says", async () => {
  const found = await surveyed(TEXT);
  const rest = { 1: MONTH_FIRST, 3: { use: false } };
  for (const [wish, type, faults] of [
    [{ bounds: "exact" }, "int[min=3,max=97]", []],
    [{ bounds: typeOf("int8"), name: "number" }, "int[min=-128,max=127]", []],
    [{ bounds: typeOf("int[min=0,max=50]") }, "int[min=0,max=50]", ["too_narrow 0"]],
    [{ bounds: typeOf("bool") }, "bool", ["wrong_type 0"]],
    [{ nullable: true }, "int[min=0,max=100]?", []],
    [{ name: "score" }, "int[min=0,max=100]", ["same_name 2"]],
    [{ name: " " }, "int[min=0,max=100]", ["no_name 0"]],
    [{ reading: { kind: "text" } }, "varchar[2,ascii]", []],
  ] as const) {
    const found0 = outcome(found, { ...rest, 0: wish });
    assert.equal(found0.types[0]?.split(" ").at(-1), type);
    assert.deepEqual(found0.faults, faults);
  }
  const none = { 0: { use: false }, 1: { use: false }, 2: { use: false }, 3: { use: false } };
  assert.deepEqual(outcome(found, none).faults, ["no_columns null"]);
});

test("bounds narrower than the data refuse rows, and never change a value", async () => {
  const source = new Blob([TEXT]);
  const found = await surveyed(TEXT);
  const wishes = new Map<number, Wish>([
    [0, { bounds: typeOf("int[min=0,max=50]") }],
    [1, MONTH_FIRST],
    [3, { use: false }],
  ]);
  const { table, problems } = await encode(source, found, choose(found, wishes).chosen);
  assert.equal(table.rows, 1);
  assert.deepEqual(
    problems.map(({ cause, count }) => [cause, count]),
    [["out_of_bounds", 1]],
  );
});

test("what the shares will take is known before they are made", async () => {
  const found = await surveyed(TEXT);
  const { chosen, bytes } = choose(
    found,
    new Map([
      [1, MONTH_FIRST],
      [3, { use: false }],
    ]),
  );
  const { table } = await encode(new Blob([TEXT]), found, chosen);
  assert.equal(table.bytes, bytes);
});
