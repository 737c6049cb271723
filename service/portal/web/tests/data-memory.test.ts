// A file passes through in pieces: what is held is its bit planes, not its text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { costOf, MadeFile } from "./data/large.ts";

test("a file of 20 MB takes its planes and little more", async () => {
  const file = new MadeFile(20e6);
  // What is held: when the rest of it is collected depends on the machine and on what else it does.
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { rows, peak, component } = await costOf(file, undefined, collect);
  assert.equal(rows, file.rows);
  // Beside the planes a few pieces and the writers' blocks, and by far not the file.
  const allowed = component + (16 << 20);
  assert.ok(peak < allowed, `${peak} bytes for planes of ${component}`);
});
