// A dummy is a table of the same schema that has nothing to do with the real one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dummyCsv, dummyNotebookCell } from "../src/data/dummy.ts";
import { encoded } from "./data/common.ts";

const COLUMNS = [
  { name: "id", type: "int[min=-79228162514264337593543950335,max=79228162514264337593543950335]" },
  { name: "age, in years", type: "int[min=0,max=100]?" },
  { name: "member", type: "bool?" },
  { name: "since", type: "date[min=1900-01-01,max=2099-12-31]?" },
  { name: "code", type: "varchar[2,ascii]" },
  { name: 'na"am', type: "varchar[40]?" },
];

test("a dummy fits its schema, and its bounds occur in it", async () => {
  const { table, problems } = await encoded(dummyCsv(COLUMNS, 500), COLUMNS);
  assert.deepEqual(problems, []);
  assert.equal(table.rows, 500);
  const lines = dummyCsv(COLUMNS, 500).split("\n");
  assert.ok(lines[1]?.startsWith("-79228162514264337593543950335,"));
  assert.ok(lines[2]?.startsWith("79228162514264337593543950335,"));
});

test("the same seed gives the same dummy, another one another", () => {
  assert.equal(dummyCsv(COLUMNS, 50, 7), dummyCsv(COLUMNS, 50, 7));
  assert.notEqual(dummyCsv(COLUMNS, 50, 7), dummyCsv(COLUMNS, 50, 8));
});

test("values are missing where they may be, and nowhere else", () => {
  const only = (type: string): string[] =>
    dummyCsv([{ name: "c", type }], 300)
      .split("\n")
      .slice(1, -1);
  assert.ok(only("int[min=1,max=9]?").includes('""'));
  assert.ok(!only("int[min=1,max=9]").includes('""'));
  assert.ok(!only("varchar[2,ascii]").some((cell) => ["", '""', "NA"].includes(cell)));
});

test("the notebook cell reads the dummy in place of the table", () => {
  const cell = dummyNotebookCell(COLUMNS.slice(1, 3), "AB".repeat(32), "dummy.csv");
  assert.equal(
    cell,
    `import crandas as cd

table = cd.read_csv(
    "dummy.csv",
    ctype={
        "age, in years": "int[min=0,max=100]?",
        "member": "bool?",
    },
    dummy_for="${"AB".repeat(32)}",
)
`,
  );
  const ruled = dummyNotebookCell(COLUMNS.slice(1, 2), "AB", "x.csv", { min_rows: 10, join_only: ["id"] });
  assert.ok(ruled.includes('    rules=cd.Rules(min_rows=10, join_only=["id"]),\n'));
  assert.ok(!cell.includes("rules"));
  const rounded = dummyNotebookCell(COLUMNS.slice(1, 2), "AB", "x.csv", { min_rows: 10, round_counts: 10 });
  assert.ok(rounded.includes("    rules=cd.Rules(min_rows=10, round_counts=10),\n"));
  const hostile = dummyNotebookCell([{ name: '"}); import os #\n\u2028', type: "bool" }], "AB", "x.csv");
  assert.ok(hostile.includes('"\\"}); import os #\\n\\u2028": "bool"'));
});
