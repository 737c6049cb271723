// What the servers' own tests wrote: reports, comparisons, what is read and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, utf8 } from "../src/contract/bytes.ts";
import { difference } from "../src/contract/codec.ts";
import { diffScripts, nearIdentical } from "../src/contract/diff.ts";
import type { ScriptDiff } from "../src/contract/diff.ts";
import { digest } from "../src/contract/digests.ts";
import type { Json } from "../src/contract/json.ts";
import { matches, patternProblem } from "../src/contract/pattern.ts";
import { readScript, scriptCodec } from "../src/contract/script.ts";
import type { Script } from "../src/contract/script.ts";
import { report } from "../src/contract/sentences/report.ts";
import type { Report } from "../src/contract/sentences/report.ts";
import { RISK_CODES } from "../src/contract/sentences/risk.ts";
import { escaped } from "../src/contract/visible.ts";
import { en } from "../src/words/contract/en.ts";
import { nl } from "../src/words/contract/nl.ts";
import { bytesOf, jsonOf, Random } from "./vectors.ts";

const read = (script: unknown): Script => readScript(utf8(JSON.stringify(script)));
const written = (script: Script): string => JSON.stringify(scriptCodec.write(script));

test("every report is the servers' report, text for text", () => {
  for (const { says, script, report: expected } of jsonOf<{ says: string; script: Json; report: Report }[]>(
    "reports.json",
  )) {
    assert.deepEqual(report(en, read(script)), expected, says);
  }
});

/** What is about an approval's terms, or about earlier scripts; the rest is about steps. */
const ABOUT_OTHERS = ["near_identical", "name_may_change", "no_run_limit", "no_end"];

test("every risk of a step is told of somewhere, and not everywhere", () => {
  const reports = jsonOf<{ script: Json }[]>("reports.json").map(({ script }) => report(nl, read(script)));
  for (const code of RISK_CODES.filter((code) => !ABOUT_OTHERS.includes(code))) {
    const told = reports.filter(({ risks }) => risks.some((risk) => risk.code === code)).length;
    assert.ok(told > 0 && told < reports.length / 2, `${code} is told of ${told} times`);
  }
});

test("in Dutch the same is told, in other words", () => {
  for (const { script, report: english } of jsonOf<{ script: Json; report: Report }[]>("reports.json")) {
    const dutch = report(nl, read(script));
    const bare = ({ steps, risks, holes, ...rest }: Report) => ({
      ...rest,
      steps: steps.map(({ step, opens, source }) => ({ step, opens, source })),
      risks: risks.map(({ code, level, step }) => ({ code, level, step })),
      holes: holes.map(({ hole, steps }) => ({ hole, steps })),
    });
    assert.deepEqual(bare(dutch), bare(english));
    for (const [at, risk] of dutch.risks.entries()) assert.notEqual(risk.text, english.risks[at]?.text);
    for (const [at, step] of dutch.steps.entries())
      assert.notEqual(step.sentence, english.steps[at]?.sentence);
  }
});

test("scripts are compared as the servers compare them", () => {
  type Entry = { says: string; left: Json; right: Json; diff: ScriptDiff; near: boolean };
  for (const { says, left, right, diff, near } of jsonOf<Entry[]>("diffs.json")) {
    assert.deepEqual(diffScripts(read(left), read(right)), diff, says);
    assert.equal(nearIdentical(read(left), read(right)) !== undefined, near, says);
  }
});

test("what servers refuse is refused, and the rest is read as what they read", () => {
  for (const { text, read } of jsonOf<{ text: string; read: string | null }[]>("strict.json")) {
    if (read === null) assert.throws(() => readScript(utf8(text)), { code: "script_unreadable" }, text);
    else assert.equal(written(readScript(utf8(text))), read);
  }
});

test("patterns are those of the servers, and match what theirs match", () => {
  type Entry = { pattern: string; usable: boolean; matches: string[]; others: string[] };
  for (const { pattern, usable, matches: inside, others } of jsonOf<Entry[]>("patterns.json")) {
    assert.equal(patternProblem(pattern) === undefined, usable, pattern);
    for (const text of inside) assert.ok(matches(pattern, text), `${pattern} and ${text}`);
    for (const text of others) assert.ok(!matches(pattern, text), `${pattern} and ${text}`);
  }
});

test("damaged scripts are read or refused as servers read or refuse them", () => {
  const random = new Random(5);
  type Entry = { script: string; rounds: number; read: string; digest: string };
  for (const { script, rounds, read, digest: expected } of jsonOf<Entry[]>("damaged.json")) {
    const original = bytesOf(script);
    let all = "";
    for (let round = 0; round < rounds; round += 1) {
      const damaged = [...original];
      const [at, from] = [random.below(damaged.length), random.below(damaged.length)];
      const change = random.below(3);
      if (change === 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      else if (change === 1) damaged.splice(at, 1);
      else damaged.splice(at, 0, damaged[from] ?? 0);
      const bytes = Uint8Array.from(damaged);
      const outcome = readOrRefused(bytes);
      assert.equal(
        outcome === undefined ? "0" : "1",
        read[round],
        `${script}, round ${round}: ${new TextDecoder().decode(bytes)}`,
      );
      if (outcome === undefined) continue;
      // Nothing was read that does not stand there.
      assert.equal(
        difference(scriptCodec.write(outcome), JSON.parse(new TextDecoder().decode(bytes)) as Json),
        undefined,
      );
      assert.equal(written(readScript(utf8(written(outcome)))), written(outcome));
      all += `${written(outcome)}\n`;
    }
    assert.equal(digest(utf8(all)), expected, script);
  }
});

function readOrRefused(bytes: Uint8Array): Script | undefined {
  try {
    return readScript(bytes);
  } catch (error) {
    assert.ok(error instanceof Refused);
    return undefined;
  }
}

test("characters that cannot be seen are spelled out, all of them and no others", () => {
  const [hidden, joined] = jsonOf<{ ranges: [number, number][] }[]>("visible.json").map(({ ranges }) => {
    const table = new Uint8Array(0x110000);
    for (const [first, last] of ranges) table.fill(1, first, last + 1);
    return table;
  });
  for (let code = 0; code < 0x110000; code += code === 0xd7ff ? 0x801 : 1) {
    const character = String.fromCodePoint(code);
    if (`"'\\`.includes(character)) continue;
    const [behind, alone] = [hidden?.[code] === 1, hidden?.[code] === 1 || joined?.[code] === 1];
    const spelled = escaped(character + character);
    const first = spelled.startsWith("\\");
    assert.equal(first, alone, code.toString(16));
    assert.equal(first ? spelled.lastIndexOf("\\") > 0 : spelled.includes("\\"), behind, code.toString(16));
  }
});
