// A file passes through in pieces: what is held is its bit planes, not its text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { costOf, MadeFile } from "./data/large.ts";

test("a file of 20 MB takes its planes and little more", async () => {
  const file = new MadeFile(20e6);
  const { rows, peak, component } = await costOf(file);
  assert.equal(rows, file.rows);
  // The rest is pieces, strings that wait to be collected, and the writers' blocks.
  const allowed = component + (64 << 20);
  assert.ok(peak < allowed, `${peak} bytes for planes of ${component}`);
});
