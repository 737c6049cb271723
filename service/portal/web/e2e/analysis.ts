// What the analyst types, in design and on the real data.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Person } from "./person.ts";
import { stage } from "./stage.ts";
import { python, type Outcome } from "./world.ts";

/** The lines that are recorded and later run again. */
export const linesOf = (handle: string, atLeast: number): string => `
survey = cd.get_table("${handle}")
grown = survey.filter(survey["age"] > 30, threshold=${atLeast})
print("mean", grown["age"].mean())
print("sum", grown["age"].sum())
`;

/** The same on the provider's own file, by pandas. */
export const PLAIN = `
import pandas as pd
survey = pd.read_csv("../survey.csv", sep=";")
survey["age"] = pd.to_numeric(survey["age"], errors="coerce")
grown = survey.dropna()[lambda rows: rows["age"] > 30]
print("mean", grown["age"].mean())
print("sum", int(grown["age"].sum()))
`;

/** Downloads the dummy kit, records the lines on it with crandas, and gives the file of the script. */
export async function records(person: Person, name: string, atLeast: number): Promise<string> {
  mkdirSync(join(stage.world.folder, "design"), { recursive: true });
  await person.open("Tables");
  await person.page.getByRole("main").getByRole("link", { name: "survey" }).first().click();
  await person.heading("survey");
  await person.saves("Save the dummy CSV", "design/survey-dummy.csv");
  const kit = await person.page.getByRole("region", { name: "Paste this into your notebook" }).innerText();
  const file = `${name.toLowerCase().replaceAll(" ", "-")}-${atLeast}.json`;
  const recorded = [
    kit,
    `script = cd.script.record(name="${name}")`,
    linesOf(stage.handle, atLeast),
    `script.save("${file}")`,
  ];
  const { code, why } = await python(stage.world, "nowhere", "design", recorded.join("\n"));
  if (code !== undefined) throw new Error(`recording was refused: ${code} ${why}`);
  return join(stage.world.folder, "design", file);
}

/** Runs the page's own cell, with `lines` where it says they go. In `folder` are the key and the approved file. */
export function runs(folder: string, cell: string, lines: string): Promise<Outcome> {
  const code = cell.replace("# ... the same lines that were recorded ...", lines);
  return python(stage.world, "production", folder, code);
}

/** A file of the same script under another name, with another minimum if one is given. */
export function variant(person: Person, file: string, name: string, atLeast?: number): string {
  const script = JSON.parse(readFileSync(file, "utf8")) as { name: string; steps: Step[] };
  script.name = name;
  for (const { command } of script.steps)
    if (atLeast !== undefined && command.filter !== undefined) command.filter.threshold = atLeast;
  return person.file(`design/${name.replaceAll(" ", "-")}.json`, JSON.stringify(script));
}

type Step = { command: { filter?: { threshold: number } } };
