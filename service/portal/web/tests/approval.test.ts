// What is signed: read as servers read it, made as `vdl approve` makes it, and said in plain words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBase64, Refused, utf8 } from "../src/contract/bytes.ts";
import { difference } from "../src/contract/codec.ts";
import { endOfDay, moment } from "../src/contract/dates.ts";
import type { Json } from "../src/contract/json.ts";
import { readScript } from "../src/contract/script.ts";
import {
  explainStatement,
  reportStatement,
  riskOfNearIdentical,
  risksOfTerms,
} from "../src/contract/sentences/approval.ts";
import { explainScript } from "../src/contract/sentences/explain.ts";
import { readStatement, statementCodec, writeStatement } from "../src/contract/statement.ts";
import type { Terms } from "../src/contract/statement.ts";
import { visibleLines } from "../src/contract/visible.ts";
import { en } from "../src/words/contract/en.ts";
import { nl } from "../src/words/contract/nl.ts";
import { bytesOf, filesIn, jsonOf, Random } from "./vectors.ts";

const approved = [...filesIn("approvals", ".approved"), ...filesIn("authorization", ".approved")];
const payloadOf = (path: string): Uint8Array => {
  const payload = fromBase64(jsonOf<{ payload: string }>(path).payload);
  assert.ok(payload !== undefined);
  return payload;
};
const limited = readStatement(payloadOf("authorization/mean-limited.approved"));
const plain = readStatement(payloadOf("authorization/mean.approved"));

test("every approval is read, and made again byte for byte from what it says", () => {
  assert.ok(approved.length >= 7);
  for (const path of approved) {
    const payload = payloadOf(path);
    const { type: _, script, tables, ...terms } = readStatement(payload);
    const names = [...terms.names].reverse();
    const again =
      tables === undefined ? { ...terms, names } : { ...terms, names, tables: [...tables].reverse() };
    assert.deepEqual(writeStatement(script, again), payload, path);
  }
});

/** The same statement but for one text in it. */
function changed(from: string, to: string): Uint8Array {
  const text = new TextDecoder().decode(payloadOf("authorization/mean-limited.approved"));
  assert.ok(text.includes(from), from);
  return utf8(text.replace(from, to));
}

test("a statement that says it in another way, or makes no sense, is refused", () => {
  for (const [from, to] of [
    ["vdl-approval/1", "vdl-approval/2"],
    ['"environment":"production"', '"environment":""'],
    ['"environment":"production"', `"environment":"${"é".repeat(101)}"`],
    [`"expires":${limited.expires}`, `"expires":${limited.not_before - 1}`],
    [`"expires":${limited.expires}`, '"expires":null'],
    [`"expires":${limited.expires}`, `"expires":${limited.expires}.0`],
    [`"max_runs":${limited.max_runs}`, '"max_runs":0'],
    [`"max_runs":${limited.max_runs}`, '"max_runs":-1'],
    ['"policy_version":2', '"policy_version":4294967296'],
    ['"policy_version":2', '"policy_version":"2"'],
    [limited.analyst, limited.analyst.replace("MCowBQYDK2Vw", "MCowBQYDK2Vu")],
    [limited.analyst, limited.analyst.slice(0, -1)],
    [limited.analyst, "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
    ["Ages of patients with a stroke", "x".repeat(1001)],
    ["Ages of patients", "Ages\\u0007of patients"],
    ['"may_change":true', '"may_change":false'],
    ['"may_change":true', '"may_change":true,"table":"' + "07".repeat(32) + '"'],
    ['"nonce":"0808', '"max_uses":3,"nonce":"0808'],
    ['"may_change":true', '"may_change":true,"table":null'],
    ['{"name":"latest"', '{"name":"survey"'],
    ['{"name":"latest"', '{"name":"z"'],
    ['"tables":["180A', '"tables":["F80A'],
    ['"tables":["180A', '"tables":["080A'],
    ['"nonce":"0808', '"nonce":"0x08'],
    ['"type":', '"note":"","type":'],
    ['"ordered":true', '"ordered":false'],
  ] as const) {
    assert.throws(
      () => readStatement(changed(from, to)),
      { code: "approval_unreadable" },
      `${from} to ${to}`,
    );
  }
  assert.throws(
    () => readStatement(changed('"purpose":"Ages of patients with a stroke"', '"purpose":""')),
    Refused,
  );
  assert.equal(readStatement(changed("Ages of", "Ages\\nof")).purpose, "Ages\nof patients with a stroke");
});

test("what servers refuse is refused, and the rest is explained as they explain it", () => {
  type Entry = { says: string; statement: string; explained: string | null };
  const entries = jsonOf<Entry[]>("statements.json");
  assert.ok(entries.filter(({ explained }) => explained === null).length > 10);
  for (const { says, statement, explained } of entries) {
    const read = () => readStatement(utf8(statement));
    if (explained === null) assert.throws(read, { code: "approval_unreadable" }, says);
    else {
      assert.equal(explainStatement(en, read()), explained, says);
      assert.notEqual(explainStatement(nl, read()), explained, says);
    }
  }
});

test("a limit on uses, rules and names fixed at first use are signed as servers read them", () => {
  const uploads = readStatement(payloadOf("authorization/uploads.approved"));
  assert.deepEqual([uploads.max_uses, uploads.max_runs], [3, undefined]);
  const first = readStatement(payloadOf("authorization/by-name.approved"));
  assert.deepEqual(first.names, [{ name: "survey", may_change: false }]);
  const { type: _, script, ...terms } = uploads;
  assert.throws(() => writeStatement(script, { ...terms, max_uses: 0 }), /used once or more/);
  assert.throws(() => writeStatement(first.script, { ...terms, names: first.names }), /steps have runs/);
});

test("a statement that the servers would refuse is not made", () => {
  const script = readScript(bytesOf("scripts/risky.json"));
  const terms = { analyst: plain.analyst, environment: "production", not_before: 1_795_000_000 };
  assert.throws(() => writeStatement(script, terms), /uses the name "survey"/);
  const named: Terms = { ...terms, names: [{ name: "survey", may_change: true }] };
  readStatement(writeStatement(script, named));
  assert.throws(() => writeStatement(plain.script, { ...terms, tables: [] }), /takes the table 180A/);
  assert.throws(() => writeStatement(plain.script, { ...terms, purpose: "\ud800" }), Refused);
  assert.throws(() => writeStatement(plain.script, { ...terms, expires: 1.5 }), Refused);
  assert.throws(() => writeStatement(plain.script, { ...terms, analyst: "x" }), Refused);
});

test("an approval is explained as `vdl explain` does", () => {
  const said = explainStatement(en, limited);
  const [head = "", body] = said.split(/\n\n([^]*)/);
  assert.equal(body, explainScript(en, limited.script));
  assert.match(head, /^Analyst {6}([0-9A-F]{4}-){7}[0-9A-F]{4}\nEnvironment {2}production\n/);
  assert.equal(
    head.split("\n").slice(2).join("\n"),
    `Valid        from ${moment(limited.not_before)} until ${moment(limited.expires ?? 0)}\n` +
      "Runs         at most 2\n" +
      "Purpose      Ages of patients with a stroke\n" +
      `Tables       no other than ${limited.tables?.join(", ")}\n` +
      'Name         "latest" means whichever table has it when a command runs\n' +
      `Name         "survey" means ${"07".repeat(32)} and nothing else`,
  );
  const { expires: _, max_runs: __, ...endless } = plain;
  const forever = explainStatement(en, endless);
  assert.ok(
    forever.includes(
      "without end\n  ! It never expires.\nRuns         any number\n  ! The analyst may run it again",
    ),
  );
  assert.ok(
    !explainStatement(en, plain).includes("Purpose") && explainStatement(nl, plain).startsWith("Analist "),
  );
});

test("every risk of the terms is told of, and only where it is", () => {
  const codes = (terms: typeof plain) => risksOfTerms(en, terms).map(({ code }) => code);
  const { expires: _, max_runs: __, ...endless } = plain;
  assert.deepEqual(codes(plain), []);
  assert.deepEqual(codes(limited), ["name_may_change"]);
  assert.deepEqual(codes(endless), ["no_run_limit", "no_end"]);
  const near = riskOfNearIdentical(en, "mean.approved");
  assert.deepEqual([near.code, near.level], ["near_identical", "high"]);
  const all = reportStatement(en, { ...endless, names: limited.names }, [near]).risks;
  assert.deepEqual(
    all.map(({ code }) => code),
    ["near_identical", "name_may_change", "no_run_limit", "no_end"],
  );
  assert.deepEqual(reportStatement(en, plain).risks, []);
});

test("no name of a stranger can pass for a line of ours", () => {
  const name = 'a"\nRuns         at most 1\u202e\u200b\u0301';
  const said = explainStatement(en, {
    ...statementCodec.read(statementCodec.write(limited), []),
    purpose: "x\nRuns         at most 1",
    names: [{ name, may_change: true }],
  });
  assert.equal(said.match(/^Runs/gm)?.length, 1);
  assert.ok(!/[\u202e\u200b\u0301]/.test(said));
});

test("moments are written in UTC", () => {
  assert.equal(moment(1_795_000_000), "2026-11-18T11:06:40Z");
  assert.equal(moment(-1), "1969-12-31T23:59:59Z");
  assert.equal(moment(2 ** 53), `second ${2 ** 53}`);
  assert.equal(moment(endOfDay("2027-01-31") ?? 0), "2027-01-31T23:59:59Z");
  assert.equal(endOfDay("2027-02-29"), undefined);
});

test("texts of several lines are shown in as many, each with what hides in it", () => {
  assert.deepEqual(visibleLines("a\u202eb\r\n\u0301'x'\n\\"), ["a\\u{202e}b", "\\u{301}'x'", "\\"]);
});

test("a damaged statement is refused, or read as what it then says", () => {
  const random = new Random(9);
  let kept = 0;
  for (const path of approved) {
    for (let round = 0; round < 60; round += 1) {
      const damaged = payloadOf(path);
      const at = random.below(damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      try {
        const written = statementCodec.write(readStatement(damaged));
        assert.equal(difference(written, JSON.parse(new TextDecoder().decode(damaged)) as Json), undefined);
        kept += 1;
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
      }
    }
  }
  assert.ok(kept > 20, `${kept} were read`);
});
