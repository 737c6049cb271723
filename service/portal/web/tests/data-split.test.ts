// The page splits tables exactly as the compiled client does: vectors/upload.json holds both to the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blake3 } from "@noble/hashes/blake3.js";
import type { ColumnMeta } from "../src/data/types.ts";
import { width as widthOf, writeType } from "../src/contract/types.ts";
import { typeIn } from "../src/data/types.ts";
import { component, freshSeeds, joined, payloadBytes, payloads, type Seeds } from "../src/data/split.ts";
import type { Table } from "../src/data/encode.ts";
import { csvOf, encoded, gathered, hex, unhex, vector } from "./data/common.ts";

interface UploadVector {
  name: string;
  columns: ColumnMeta[];
  cells: (string | null)[][];
  seeds: [string, string];
  payloads: { bytes: number; blake3: string; hex?: string }[];
}

async function payloadsOf(table: Table, seeds: Seeds): Promise<Uint8Array[]> {
  const whole = await gathered(component(table, seeds));
  return payloads(table, seeds).map((part) =>
    joined([part.before, part.whole ? whole : new Uint8Array(0), part.after]),
  );
}

for (const table of vector<UploadVector[]>("upload.json")) {
  test(`${table.name}: the three payloads are those of the compiled client`, async () => {
    const made = await encoded(csvOf(table.columns, table.cells), table.columns);
    assert.deepEqual(made.problems, []);
    assert.equal(made.table.rows, table.cells[0]?.length);
    const seeds: Seeds = [unhex(table.seeds[0]), unhex(table.seeds[1])];
    const found = await payloadsOf(made.table, seeds);
    const sizes = payloads(made.table, seeds).map((part) => payloadBytes(part, made.table));
    assert.deepEqual(
      found.map((bytes) => ({ bytes: bytes.length, blake3: hex(blake3(bytes)) })),
      table.payloads.map(({ bytes, blake3: digest }) => ({ bytes, blake3: digest })),
    );
    table.payloads.forEach((payload, server) => {
      if (payload.hex !== undefined) assert.equal(hex(found[server] ?? new Uint8Array(0)), payload.hex);
    });
    assert.deepEqual(
      sizes,
      table.payloads.map(({ bytes }) => bytes),
    );
  });

  test(`${table.name}: encoding some planes at a time changes nothing`, async () => {
    const text = csvOf(table.columns, table.cells);
    const whole = await gathered((await encoded(text, table.columns)).table.pieces());
    const plane = 8 * Math.ceil((table.cells[0]?.length ?? 0) / 64);
    for (const planes of [7, 40, 100]) {
      const { table: parted } = await encoded(text, table.columns, planes * plane);
      assert.ok(whole.equals(await gathered(parted.pieces())), `${planes} planes at a time`);
      assert.ok(whole.equals(await gathered(parted.pieces())), "and again");
    }
  });
}

test("types are read and written as the servers do", () => {
  const { read, refused } = vector<{ read: [string, string, number][]; refused: string[] }>("types.json");
  for (const [written, canonical, width] of read) {
    const type = typeIn(written);
    assert.ok(type !== null, written);
    assert.equal(writeType(type), canonical);
    assert.equal(widthOf(type), width);
  }
  for (const written of refused) assert.equal(typeIn(written), null, written);
});

test("one component alone tells nothing of the table", async () => {
  const columns = [{ name: "a", type: "int[min=0,max=255]" }];
  const made = await encoded(csvOf(columns, [Array.from({ length: 4096 }, () => "0")]), columns);
  const planes = await gathered(made.table.pieces());
  const masked = await gathered(component(made.table, freshSeeds()));
  assert.equal(
    planes.reduce((sum, byte) => sum + byte, 0),
    0,
  );
  const ones = masked.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  const bits = masked.length * 8;
  assert.ok(Math.abs(ones - bits / 2) < (6 * Math.sqrt(bits)) / 2, "about half the bits are ones");
});
