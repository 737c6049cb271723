// Strict reading: each attack is a text that two readers could take for two things.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, utf8 } from "../src/contract/bytes.ts";
import { allows, holes } from "../src/contract/holes.ts";
import type { Domain } from "../src/contract/holes.ts";
import { readJson } from "../src/contract/json.ts";
import { matches, patternProblem } from "../src/contract/pattern.ts";
import { readCommand, readScript, writeCommand, writeScript } from "../src/contract/script.ts";
import type { Script } from "../src/contract/script.ts";
import { textOf } from "./vectors.ts";

const HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E";

function refused(text: string, reason: string): void {
  assert.throws(
    () => readCommand(text),
    (error) => error instanceof Refused && error.message.includes(reason),
    text,
  );
}

const filter = (constant: string): string =>
  `{"filter":{"table":{"handle":"${HANDLE}"},"condition":{"binary":{"op":"greater",
   "left":{"column":"a"},"right":{"integer":${constant}}}}}}`;

test("fields that come twice are refused, however they are spelled", () => {
  refused('{"open":{"table":{"step":1},"table":{"step":2}}}', "twice");
  refused('{"open":{"table":{"step":1}},"open":{"table":{"step":2}}}', "twice");
  refused('{"open":{"table":{"step":1},"t\\u0061ble":{"step":2}}}', "twice");
});

test("numbers that readers disagree on are refused", () => {
  for (const number of [
    "3.0",
    "3.5",
    "3e0",
    "-0",
    "9007199254740993",
    "-9007199254740993",
    "18446744073709551616",
    "01",
    "+1",
  ]) {
    refused(filter(number), "at");
  }
  for (const text of ['"9007199254740992"', '"3"', '"+9007199254740993"', '"09007199254740993"', '" 1"']) {
    refused(filter(text), "±2^53");
  }
  refused(filter(`"${2n ** 127n}"`), "±2^53");
  for (const fine of ["9007199254740992", "-9007199254740992", '"9007199254740993"', `"${-(2n ** 127n)}"`]) {
    const command = readCommand(filter(fine));
    assert.deepEqual(readCommand(writeCommand(command)), command);
    assert.ok(writeCommand(command).includes(`"integer":${fine}}`));
  }
});

test("what is around the text is refused", () => {
  refused(`\ufeff${filter("1")}`, "at 0");
  refused(`${filter("1")} {}`, "after the end");
  refused("", "no value");
  assert.throws(() => readJson(new Uint8Array((16 << 20) + 1).fill(32), "x"), /too long/);
  assert.throws(() => readJson(Uint8Array.of(0x22, 0xff, 0x22), "x"), /UTF-8/);
  refused('{"get":{"table":{"name":"\\ud800"}}}', "half a character");
});

test("depth and width are limited before the stack is", () => {
  for (const levels of [121, 100_000])
    refused(`${"[".repeat(levels)}1${"]".repeat(levels)}`, "too many levels");
  readJson(utf8(`${"[".repeat(120)}1${"]".repeat(120)}`), "x");
  const wide = (keys: number) => `{${Array.from({ length: keys }, (_, key) => `"k${key}":0`).join(",")}}`;
  readJson(utf8(wide(64)), "x");
  refused(wide(65), "too many keys");
});

test("one meaning has one written form", () => {
  refused('{"open":[{"step":0}]}', "at open");
  refused('{"upload":{"columns":[],"name":null}}', "at upload.name");
  refused(
    '{"upload":{"columns":[{"name":"a","type":"int8"}]}}',
    "not the way it is written (at upload.columns[0].type)",
  );
  refused('{"upload":{"columns":[["a","bool"]]}}', "at upload.columns[0]");
  refused(
    '{"merge":{"left":{"step":0},"right":{"step":1},"how":{"inner":null},"left_on":[],"right_on":[],"validate":"one_to_one","suffixes":["a","b"]}}',
    "at merge.how",
  );
});

test("unknown and missing fields are refused with their place", () => {
  refused('{"open":{"table":{"step":0},"quietly":true}}', "unknown field `quietly`");
  refused('{"open":{"table":{"stop":0}}}', "unknown variant `stop` (at open.table)");
  refused('{"open":{"table":{"constructor":0}}}', "unknown variant");
  refused('{"open":{"table":{"step":0},"__proto__":1}}', "unknown field `__proto__`");
  refused('{"open":{"table":{"step":0},"a\\u202eb":1}}', "unknown field `a\\u{202e}b`");
  refused('{"open":{}}', "missing field `table`");
  refused('{"launch":{}}', "unknown variant");
  refused("{}", "one thing");
  refused(`{"open":{"table":{"handle":"${HANDLE.toLowerCase()}"}}}`, "hexadecimal");
});

test("holes are found wherever a text stands, and misspelt ones are refused", () => {
  const text =
    '{"filter":{"table":{"handle":"##t##"},"threshold":"##n##","condition":{"binary":{"op":"equal","left":{"column":"##c##"},"right":{"integer":"##t##"}}}}}';
  assert.deepEqual(holes(readCommand(text)), ["##t##", "##c##", "##n##"]);
  refused('{"get":{"table":{"name":"##my-table##"}}}', "`##my-table##` is no hole");
  refused('{"get":{"table":{"name":"####"}}}', "`####` is no hole");
  assert.throws(
    () => writeCommand({ verb: "get", table: { by: "name", name: { value: "##x##" } } }),
    Refused,
  );
  assert.throws(
    () => writeCommand({ verb: "get", table: { by: "name", name: { value: "\ud800" } } }),
    Refused,
  );
});

const scriptOf = (ordered: boolean, commands: string[], holes: Script["holes"] = []): Script => ({
  format: "vdl-script/1",
  ordered,
  holes,
  steps: commands.map((text) => ({ command: readCommand(text) })),
});

function scriptRefused(script: Script, reason: string): void {
  assert.throws(
    () => writeScript(script),
    (error) => error instanceof Refused && error.message.includes(reason),
  );
}

test("references lead to earlier tables only", () => {
  const [upload, open] = ['{"upload":{"columns":[]}}', '{"open":{"table":{"step":0}}}'];
  scriptRefused(scriptOf(true, [open]), "does not come before it");
  scriptRefused(scriptOf(true, ['{"open":{"table":{"step":1}}}', upload]), "does not come before it");
  scriptRefused(scriptOf(true, [upload, open, '{"open":{"table":{"step":1}}}']), "makes no table");
  scriptRefused(scriptOf(false, [upload, open]), "in any order");
  scriptRefused(scriptOf(true, []), "1 to 10000 steps");
  scriptRefused({ ...scriptOf(true, [upload]), format: "vdl-script/2" }, "vdl-script/1");
});

test("declared holes are used once and bound what fills them", () => {
  const get = '{"get":{"table":{"name":"##t##"}}}';
  const one: Domain = { of: "one_of", texts: ["survey"] };
  const declared = (...holes: Script["holes"]) => scriptOf(true, [get], holes);
  writeScript(declared({ hole: "##t##", domain: one }));
  scriptRefused(declared({ hole: "##u##", domain: one }), "no step has this hole");
  scriptRefused(declared({ hole: "##t##", domain: one }, { hole: "##t##", domain: one }), "declared twice");
  assert.ok(allows(one, "survey") && !allows(one, "medical"));

  const range: Domain = { of: "integer", min: 0n, max: 1n << 60n };
  assert.ok(allows(range, 0) && !allows(range, -1) && !allows(range, true) && !allows(range, "5"));
  assert.ok(allows(range, String(1n << 59n)) && !allows(range, String((1n << 60n) + 1n)));
  assert.ok(
    allows({ of: "handles", handles: [HANDLE] }, HANDLE) &&
      !allows({ of: "handles", handles: [HANDLE] }, "0"),
  );
  const days: Domain = { of: "date", min: "2024-02-28", max: "2024-03-01" };
  assert.ok(allows(days, "2024-02-29") && allows(days, "2024-03-01"));
  for (const outside of ["2024-02-30", "2024-03-02", "2024-2-29"]) assert.ok(!allows(days, outside));
  assert.ok(allows({ of: "text", most: 2 }, "é😀") && !allows({ of: "text", most: 2 }, "abc"));

  const refusals: [Domain, string][] = [
    [{ of: "date", min: "2024-03-01", max: "2024-02-28" }, "no day lies between"],
    [{ of: "date", min: "2024-02-30", max: "2024-03-01" }, "2027-01-31"],
    [{ of: "text", most: 0 }, "at most 0"],
    [{ of: "pattern", pattern: "a." }, "write \\."],
  ];
  for (const [domain, why] of refusals) scriptRefused(declared({ hole: "##t##", domain }), why);
});

test("patterns match whole texts, and mean here what they mean on the servers", () => {
  const code = "[A-Z]{2}(-|\\.)?[0-9]+";
  for (const inside of ["NL-7", "NL.7", "NL42"]) assert.ok(matches(code, inside), inside);
  for (const outside of ["nl-7", "xNL-7", "NL-7\n", "NL-7 or", "NL--7", ""])
    assert.ok(!matches(code, outside), outside);
  assert.ok(matches("a|b", "b") && !matches("a|b", "ab") && !matches("a*", "a".repeat(5000)));
  for (const [pattern, yes, no] of [
    ["(ab|c){2,3}", ["abc", "cc", "ccc"], ["c", "cccc", ""]],
    ["a{2,}b?", ["aa", "aaaab"], ["a", "aabb"]],
    ["[^a-c]*", ["", "xyz😀\n"], ["xa"]],
    ["[\\]a-]+", ["]a-"], ["b"]],
    ["(a?){3}", ["", "a", "aaa"], ["aaaa"]],
    ["(a*)*", ["", "aaa"], ["b"]],
    ["a{0}b", ["b"], ["ab"]],
    ["(|x)y", ["y", "xy"], ["xxy"]],
    ["\\[\\\\\\]", ["[\\]"], ["[]"]],
    ["a+?b*?", ["a", "aab"], [""]],
    ["a{ 1 , 2 }", ["a", "aa"], ["aaa"]],
  ] as const) {
    for (const text of yes) assert.ok(matches(pattern, text), `${pattern} ${text}`);
    for (const text of no) assert.ok(!matches(pattern, text), `${pattern} ${text}`);
  }
  for (const pattern of [
    "a.",
    "^a",
    "a$",
    "\\d",
    "\\<a",
    "[\\>]",
    "\\",
    "(?i)a",
    "[[:alpha:]]",
    "[a&&b]",
    "a]",
    "é",
    "",
    "a".repeat(201),
  ]) {
    assert.ok(patternProblem(pattern)?.includes("pattern"), pattern);
  }
  for (const pattern of [
    "(a",
    "a)",
    "a{2",
    "[b-a]",
    "*",
    "a|*",
    "(*)",
    "a{}",
    "a{,2}",
    "a{3,2}",
    "a{2, }",
    "a{1 2}",
    "a{4294967296}",
    "[a",
    "[",
    "[]",
  ]) {
    assert.ok(patternProblem(pattern)?.includes("is no pattern"), pattern);
  }
  assert.ok(patternProblem("((a{100}){100}){100}")?.includes("too large"));
  assert.ok(patternProblem(`${"(".repeat(60)}a${")".repeat(60)}`)?.includes("too deep"));
  const slow = "(a|a)*".repeat(20) + "b";
  assert.ok(!matches(slow, "a".repeat(4000)));
});

test("what our tools wrote is written back the same", () => {
  const text = textOf("scripts/any-upload.json");
  assert.equal(writeScript(readScript(utf8(text))), text);
});
