// Tables written in every dialect are read back as they were.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DELIMITERS, RowReader } from "../src/data/reader.ts";

/** A fixed walk: the same tables in every run. */
function* numbers(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

const PIECES = ["", "a", "1", " ", '"', '""', ",", ";", "\t", "|", "\n", "\r", "\r\n", "é", "😀", "=1"];

test("cells come back whatever the dialect and wherever the text is cut", () => {
  const random = numbers(5);
  const below = (end: number): number => (random.next().value as number) % end;
  for (let times = 0; times < 2000; times += 1) {
    const delimiter = DELIMITERS[below(DELIMITERS.length)] ?? ",";
    const end = ["\n", "\r\n", "\r"][below(3)] ?? "\n";
    const width = 2 + below(4);
    const cell = (): string => Array.from({ length: below(4) }, () => PIECES[below(PIECES.length)]).join("");
    const rows = Array.from({ length: 1 + below(5) }, () => Array.from({ length: width }, cell));
    const write = (text: string): string => {
      const needed = text.includes(delimiter) || /["\r\n]|^ | $/.test(text);
      return needed || below(2) === 0 ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const text = rows.map((row) => row.map(write).join(delimiter)).join(end) + (below(2) === 0 ? end : "");
    const found: string[][] = [];
    const reader = new RowReader(delimiter, (fields, _, flaw) => {
      assert.equal(flaw, null);
      found.push([...fields]);
    });
    for (let at = 0; at < text.length;) {
      const piece = 1 + below(6);
      reader.push(text.slice(at, at + piece));
      at += piece;
    }
    reader.end();
    assert.deepEqual(found, rows, JSON.stringify(text));
  }
});
