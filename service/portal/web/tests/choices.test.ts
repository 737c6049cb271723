// What is chosen for an upload outlives the page, without anything of the file.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesIn,
  forgetChoices,
  isAbout,
  keepChoices,
  keptChoices,
  proposedFor,
  withChanges,
  type Kept,
} from "../src/state/choices.ts";
import { usualRules } from "../src/state/rules.ts";
import { survey, type Survey } from "../src/data/survey.ts";

function storeOf() {
  const held = new Map<string, string>();
  return {
    getItem: (place: string) => held.get(place) ?? null,
    setItem: (place: string, text: string) => void held.set(place, text),
    removeItem: (place: string) => void held.delete(place),
  };
}

const FILE = { name: "people.csv", lastModified: 17 };
const surveyed = (text: string): Promise<Survey> => survey(new Blob([text]));
const keptOf = (found: Survey, columns: Kept["columns"]): Kept => ({
  user: "paul",
  project: "stroke",
  file: { name: FILE.name, size: found.bytes, modified: FILE.lastModified, digest: found.digest },
  format: found.format,
  columns,
  words: { name: "people", note: "" },
  asked: usualRules(),
});

const CSV = "id,seen,city\n1,01/02/2020,Utrecht\n2,03/04/2020,Delft\n";

test("what was changed comes back, and the rest is as proposed", async () => {
  const found = await surveyed(CSV);
  const choices = proposedFor(found);
  const [id, seen, city] = choices;
  assert.ok(id && seen && city);
  id.take = false;
  seen.option = 0;
  seen.type = "date(2020-01-01..2020-12-31)";
  city.name = "town";
  const columns = changesIn(choices, found);
  assert.deepEqual(withChanges(found, JSON.parse(JSON.stringify(columns)) as typeof columns), choices);
  assert.deepEqual(withChanges(found, []), proposedFor(found));
});

test("nothing that was read from the file is kept, not even a first row that was taken for names", async () => {
  const found = await surveyed("Jansen,Utrecht\nDe Vries,Delft\n");
  const choices = proposedFor(found);
  const [first] = choices;
  assert.ok(first);
  first.name = "surname";
  const store = storeOf();
  keepChoices(keptOf(found, changesIn(choices, found)), store);
  const text = store.getItem("vdl.upload") ?? "";
  assert.match(text, /surname/);
  for (const cell of ["Jansen", "Utrecht", "Vries", "Delft"]) assert.ok(!text.includes(cell), cell);
});

test("choices are offered for the very same file only", async () => {
  const found = await surveyed(CSV);
  const kept = keptOf(found, []);
  assert.ok(isAbout(kept, FILE, found));
  assert.ok(!isAbout(kept, { ...FILE, lastModified: 18 }, found));
  assert.ok(!isAbout(kept, { ...FILE, name: "others.csv" }, found));
  assert.ok(!isAbout(kept, FILE, await surveyed(CSV.replace("Delft", "Breda"))));
});

test("somebody else in this tab finds nothing, and takes what was there away", async () => {
  const store = storeOf();
  keepChoices(keptOf(await surveyed(CSV), []), store);
  assert.equal(keptChoices({ user: "paul", project: "another" }, store), undefined);
  assert.ok(keptChoices({ user: "paul", project: "stroke" }, store));
  assert.equal(keptChoices({ user: "eve", project: "stroke" }, store), undefined);
  assert.equal(store.getItem("vdl.upload"), null);
  keepChoices(keptOf(await surveyed(CSV), []), store);
  forgetChoices(store);
  assert.equal(keptChoices({ user: "paul", project: "stroke" }, store), undefined);
});
