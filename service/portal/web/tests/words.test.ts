// The tables of phrases: nothing is missing in one, and no phrase loses what it tells of.

import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../src/words/contract/en.ts";
import { nl } from "../src/words/contract/nl.ts";
import type { ContractWords } from "../src/words/contract/words.ts";

type Phrase = { path: string; says: unknown };

function phrases(words: object, path = ""): Phrase[] {
  return Object.entries(words).flatMap(([key, says]) =>
    typeof says === "object" && says !== null
      ? phrases(says, `${path}${key}.`)
      : [{ path: path + key, says }],
  );
}

test("a table that lacks a phrase does not compile", () => {
  const { noEnd: _, ...risk } = en.risk;
  // @ts-expect-error: one is missing.
  const lacking: ContractWords = { ...en, risk };
  assert.notDeepEqual(lacking, en);
});

test("both languages have the same phrases, and none is empty", () => {
  const paths = (words: object) => phrases(words).map(({ path }) => path);
  assert.deepEqual(paths(nl).sort(), paths(en).sort());
  for (const { path, says } of [...phrases(en), ...phrases(nl)]) assert.ok(says !== "", path);
});

/** They say it in words, or not at all. */
const IN_WORDS = ["truth", "opening.values"];
/** It is the step, and the minimum. */
const SAID_TWICE = ["sentence.roundCounts"];

test("no phrase loses what it tells of", () => {
  for (const { path, says } of [...phrases(en), ...phrases(nl)]) {
    if (typeof says !== "function" || IN_WORDS.includes(path)) continue;
    const told = Array.from({ length: says.length }, (_, at) => 7_001 + at);
    const said = String(says(...told));
    const times = SAID_TWICE.includes(path) ? 2 : 1;
    for (const one of told) assert.equal(said.split(String(one)).length - 1, times, `${path}: ${said}`);
  }
  for (const words of [en, nl]) assert.ok(words.opening.values(7_001).includes("7001"));
});
