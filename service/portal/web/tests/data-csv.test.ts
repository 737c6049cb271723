// Reading CSV: RFC 4180, what people really have, and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RowReader, RowTooLong, delimiterOf, type Flaw, type Place } from "../src/data/reader.ts";
import { BadFile, survey } from "../src/data/survey.ts";
import { encode } from "../src/data/encode.ts";
import { writeCell } from "../src/data/rejects.ts";
import { chosenFor, encoded, proposals, surveyed } from "./data/common.ts";

interface Row {
  fields: string[];
  place: Place;
  flaw: Flaw | null;
}

function rowsOf(text: string, piece: number, delimiter = ","): Row[] {
  const rows: Row[] = [];
  const reader = new RowReader(delimiter, (fields, place, flaw) => {
    rows.push({ fields: [...fields], place, flaw });
  });
  for (let at = 0; at < text.length; at += piece) reader.push(text.slice(at, at + piece));
  reader.end();
  return rows;
}

const AWKWARD =
  'a,b\r\n1,"x, y"\n"say ""hi""", 2 \r3,"two\r\nlines"\n\n  "spaced" ,4\n' +
  '5,"oops"x,\n"",\n6,plain "quote"\n7,"open';

test("rows are the same wherever the file is cut into pieces", () => {
  const whole = rowsOf(AWKWARD, AWKWARD.length);
  for (let piece = 1; piece < 20; piece += 1) assert.deepEqual(rowsOf(AWKWARD, piece), whole);
  assert.deepEqual(
    whole.map(({ fields }) => fields),
    [
      ["a", "b"],
      ["1", "x, y"],
      ['say "hi"', " 2 "],
      ["3", "two\r\nlines"],
      ["spaced", "4"],
      ["5", "oopsx", ""],
      ["", ""],
      ["6", 'plain "quote"'],
      ["7", "open"],
    ],
  );
});

test("a row is found where an editor and a spreadsheet show it", () => {
  const places = rowsOf(AWKWARD, 7).map(({ place }) => [place.row, place.line]);
  // The quoted break makes a line more than rows; the empty line is a row of a spreadsheet.
  assert.deepEqual(places, [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [6, 7],
    [7, 8],
    [8, 9],
    [9, 10],
    [10, 11],
  ]);
});

test("what is wrong with quotes is said of the row", () => {
  const flaws = rowsOf(AWKWARD, 100).map(({ flaw }) => flaw);
  assert.equal(flaws[5], "after_quote");
  assert.equal(flaws[8], "unclosed_quote");
  assert.equal(flaws.filter((flaw) => flaw !== null).length, 2);
});

test("a quote that is never closed does not swallow the memory", () => {
  const reader = new RowReader(",", () => {});
  const lines = "1,2,3\n".repeat(100_000);
  reader.push('a,b\n1,"never closed\n');
  assert.throws(
    () => {
      for (let times = 0; times < 100; times += 1) reader.push(lines);
    },
    (error) => error instanceof RowTooLong && error.line === 2,
  );
});

test("the delimiter is the one with which rows agree", () => {
  assert.equal(delimiterOf("a;b;c\n1,5;2;3\n4,5;5;6\n"), ";");
  assert.equal(delimiterOf("a\tb\n1\t2, 3\n"), "\t");
  assert.equal(delimiterOf("a|b|c\n1|2|3\n"), "|");
  assert.equal(delimiterOf('a,b\n"x;y;z",1\n"u;v;w",2\n'), ",");
  assert.equal(delimiterOf("one column\nno more\n"), ",");
  assert.equal(delimiterOf("a;b"), ";");
});

function bytesOf(text: string, encoding: "utf16le" | "utf16be" | "latin1", mark: number[] = []): Blob {
  const buffer = Buffer.from(text, encoding === "utf16be" ? "utf16le" : encoding);
  if (encoding === "utf16be") buffer.swap16();
  return new Blob([Uint8Array.from(mark), new Uint8Array(buffer)]);
}

test("encodings are told apart", async () => {
  const text = "naam,plaats\nZoë,Köln\n";
  for (const [blob, encoding] of [
    [new Blob([text]), "utf-8"],
    [new Blob(["\ufeff", text]), "utf-8"],
    [bytesOf(text, "utf16le", [0xff, 0xfe]), "utf-16le"],
    [bytesOf(text, "utf16be", [0xfe, 0xff]), "utf-16be"],
    [bytesOf(text, "utf16le"), "utf-16le"],
    [bytesOf(text, "latin1"), "windows-1252"],
  ] as const) {
    const found = await survey(blob);
    assert.equal(found.format.encoding, encoding);
    assert.deepEqual(
      found.columns.map(({ name }) => name),
      ["naam", "plaats"],
    );
    assert.deepEqual(found.preview, [["Zoë", "Köln"]]);
  }
});

test("a file that stops being UTF-8 far behind its beginning is read anew as Windows-1252", async () => {
  const ascii = `name\n${"plain\n".repeat(200_000)}`;
  const found = await survey(new Blob([ascii, Uint8Array.of(0x80, 0xe9, 0x0a)]));
  assert.equal(found.format.encoding, "windows-1252");
  assert.deepEqual(proposals(found), ["text 5"]);
  await assert.rejects(survey(new Blob([Uint8Array.of(97, 10, 0xff, 10)]), { encoding: "utf-8" }));
});

test("a file without a table is refused", async () => {
  await assert.rejects(surveyed(""), (error) => error instanceof BadFile && error.fault === "empty");
  await assert.rejects(surveyed("\n\n\n"), (error) => error instanceof BadFile && error.fault === "empty");
  assert.equal((await surveyed("a,b\n")).rows, 0);
});

test("columns without a name and names that stand twice get a name of their own", async () => {
  const found = await surveyed("a,,a,a_2,a\n1,2,3,4,5\n");
  assert.deepEqual(
    found.columns.map(({ name }) => name),
    ["a", "column_2", "a_3", "a_2", "a_4"],
  );
  assert.deepEqual(
    found.columns.map(({ renamed }) => renamed),
    [false, true, true, false, true],
  );
});

test("rows without any value are no rows, and are counted", async () => {
  const found = await surveyed("a;b\n1;2\n;\n\n ; \n3;4\n;;;;\n");
  assert.equal(found.rows, 2);
  assert.equal(found.emptyRows, 3);
  assert.deepEqual(proposals(found), ["1..3", "2..4"]);
});

test("problems are grouped by cause, with their rows", async () => {
  const lines = ["id,age,member,since,city"];
  for (let row = 2; row <= 102; row += 1) lines.push(`${row},40,ja,2020-01-31,Utrecht`);
  lines.splice(10, 0, "x1,40,ja,2020-01-31,Utrecht", "9,40,ja,2020-01-31,Utrecht,more");
  lines.splice(20, 0, "x2,forty,ja,2020-02-30,Utrecht", "9,1.000,maybe,31-01-2020,Utrecht");
  lines.splice(30, 0, "9,,ja,2020-01-31,Utrecht");
  const text = `${lines.join("\n")}\n`;
  const columns = [
    { name: "id", type: "int[min=0,max=99]" },
    { name: "age", type: "int[min=0,max=100]" },
    { name: "member", type: "bool" },
    { name: "since", type: "date[min=2000-01-01,max=2030-12-31]" },
    { name: "city", type: "varchar[7,ascii]" },
  ];
  const { problems, table, rejects } = await encoded(text, columns);
  const groups = problems.map(({ cause, column, count, places }) => [cause, column, count, places[0]?.row]);
  assert.deepEqual(groups, [
    ["out_of_bounds", 0, 3, 105],
    ["not_integer", 0, 2, 11],
    ["ragged", null, 1, 12],
    ["not_integer", 1, 1, 21],
    ["no_such_day", 3, 1, 21],
    ["thousands", 1, 1, 22],
    ["not_boolean", 2, 1, 22],
    ["not_date", 3, 1, 22],
    ["missing", 1, 1, 31],
  ]);
  assert.equal(table.rows, 98);
  assert.equal(rejects.count, 8);
  const file = Buffer.concat(rejects.file()).toString();
  assert.ok(file.startsWith("\ufeffrow,problem,id,age,member,since,city\r\n"));
  const said = '\r\n21,"id: not_integer; age: not_integer; since: no_such_day",';
  assert.ok(file.includes(`${said}x2,forty,ja,2020-02-30,Utrecht\r\n`), file);
});

test("no rejected cell becomes a formula in a spreadsheet", () => {
  for (const cell of ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "%y"]) {
    assert.match(writeCell(cell, ","), /^"?'/, cell);
  }
  for (const cell of ["-5", "+3", "-1,5", "text", "a=b", ""]) {
    assert.doesNotMatch(writeCell(cell, ";"), /'/, cell);
  }
  assert.equal(writeCell('a "b", c', ","), '"a ""b"", c"');
});

test("the file must still be the one that was surveyed", async () => {
  const found = await surveyed("a\n1\n2\n");
  const columns = [{ name: "a", type: "int[min=0,max=9]" }];
  await assert.rejects(encode(new Blob(["a\n1\n3\n"]), found, chosenFor(columns)), /changed/);
});
