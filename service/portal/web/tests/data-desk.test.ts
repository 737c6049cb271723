// Reading on another thread is the same reading: over a real line, with real copies.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Desk } from "../src/data/desk.ts";
import { encode } from "../src/data/encode.ts";
import { serve } from "../src/data/serve.ts";
import { survey } from "../src/data/survey.ts";
import { FileTrouble, troubleOf } from "../src/data/trouble.ts";
import { chosenFor, gathered } from "./data/common.ts";

function deskFor(context: TestContext): Desk {
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  serve(port2);
  return new Desk(port1);
}

const COLUMNS = [
  { name: "id", type: "int[min=0,max=99999]" },
  { name: "city", type: "varchar[12]" },
];
const rows = Array.from({ length: 4000 }, (_, at) => `${at},city ${at % 9}\n`).join("");
const FILE = new Blob([`id,city\n${rows}`]);
const SPOILT = new Blob([`id,city\n${rows}x,here\n5,a city with a long name\n`]);

test("another thread finds the same, and hands over the same bytes as often as asked", async (context) => {
  const desk = deskFor(context);
  const [found, here] = [await desk.survey(FILE), await survey(FILE)];
  assert.deepEqual(found, here);
  const { table } = await desk.encode(FILE, found, chosenFor(COLUMNS));
  const { table: own } = await encode(FILE, here, chosenFor(COLUMNS));
  const bytes = await gathered(own.pieces());
  assert.deepEqual([table.columns, table.rows, table.bytes], [own.columns, own.rows, own.bytes]);
  assert.ok((await gathered(table.pieces())).equals(bytes));
  assert.ok((await gathered(table.pieces())).equals(bytes));
  // Held in parts, they are read anew.
  const { table: inParts } = await desk.encode(FILE, found, chosenFor(COLUMNS), {}, {}, 4096);
  assert.ok((await gathered(inParts.pieces())).equals(bytes));
});

test("rows that do not fit come back with their causes in the reader's words", async (context) => {
  const desk = deskFor(context);
  const found = await desk.survey(SPOILT);
  const causes = { not_integer: "is geen geheel getal" };
  const checked = await desk.encode(SPOILT, found, chosenFor(COLUMNS), causes);
  assert.deepEqual(
    checked.problems.map(({ cause, count }) => [cause, count]),
    [
      ["not_integer", 1],
      ["too_long", 1],
    ],
  );
  assert.equal(checked.rejected, 2);
  const file = Buffer.concat(await checked.rejects()).toString();
  assert.match(file, /id: is geen geheel getal/);
  assert.match(file, /city: too_long/);
});

test("what is given up ends at once, and the next is answered", async (context) => {
  const desk = deskFor(context);
  const job = new AbortController();
  const given = desk.survey(FILE, {}, { signal: job.signal });
  job.abort();
  await assert.rejects(given, { name: "AbortError" });
  await assert.rejects(desk.survey(FILE, {}, { signal: job.signal }), { name: "AbortError" });
  assert.equal((await desk.survey(FILE)).rows, 4000);
});

test("a fault of the file crosses the threads as what it is", async (context) => {
  const desk = deskFor(context);
  const cases = [
    [new Blob([""]), { code: "empty" }],
    [new Blob([`a,b\n"${"x".repeat((1 << 22) + 100)}`]), { code: "row_too_long", line: 2 }],
  ] as const;
  for (const [file, trouble] of cases) {
    await assert.rejects(desk.survey(file), (error) => {
      assert.ok(error instanceof FileTrouble);
      assert.deepEqual(troubleOf(error), trouble);
      return true;
    });
  }
  const bytes = new Uint8Array([0x61, 0x0a, 0xff, 0x0a]);
  const wrong = desk.survey(new Blob([bytes]), { encoding: "utf-8" });
  await assert.rejects(wrong, (error) => troubleOf(error)?.code === "not_text");
  const found = await desk.survey(FILE);
  const changed = desk.encode(SPOILT, found, chosenFor(COLUMNS));
  await assert.rejects(changed, (error) => troubleOf(error)?.code === "changed");
  assert.equal(troubleOf(new Error("something else")), undefined);
});

test("whoever waits for a thread that ended is told", async (context) => {
  const desk = deskFor(context);
  const waits = desk.survey(FILE);
  desk.fail(new Error("gone"));
  await assert.rejects(waits, /gone/);
});
