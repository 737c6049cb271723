// A whole script as a text, as `vdl explain` shows it.

import type { Script } from "../script.ts";
import { quoted, visible } from "../visible.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { list } from "./phrases.ts";
import { explainSteps } from "./report.ts";
import type { Explained, Opens } from "./report.ts";
import { sortRisks } from "./risk.ts";
import type { Risk, RiskCode } from "./risk.ts";

export function explainScript(words: ContractWords, script: Script): string {
  const explained = explainSteps(words, script);
  const say = words.script;
  const lines = heading(words, script);
  for (const [at, one] of explained.entries()) {
    lines.push("", script.ordered ? say.step(at + 1) : say.command(at + 1));
    lines.push(`  ${one.sentence}`, `  ${say.opens(one.opening)}`);
    lines.push(...one.risks.map(({ text }) => `  ! ${text}`));
    const source = script.steps[at]?.source;
    if (source !== undefined) lines.push(`  ${say.source(visible(source))}`);
  }
  lines.push("", ...summary(words, explained));
  return `${lines.join("\n")}\n\n${explainRisks(
    words,
    explained.flatMap(({ risks }) => risks),
  )}`;
}

function heading(words: ContractWords, { name, ordered, steps }: Script): string[] {
  const say = words.script;
  if (ordered) return [name === undefined ? say.unnamed : say.named(quoted(name)), say.steps(steps.length)];
  const title = name === undefined ? say.authorizationUnnamed : say.authorizationNamed(quoted(name));
  return [title, say.commands(steps.length)];
}

/** The whole of what becomes readable, largest first. */
function summary(words: ContractWords, explained: readonly Explained[]): string[] {
  const say = words.script;
  const kinds: [Opens, string][] = [
    ["rows", say.everyRow],
    ["groups", say.everyGroup],
    ["values", say.singleValues],
    ["count", say.counts],
  ];
  const lines = kinds.flatMap(([opens, what]) => {
    const steps = explained.flatMap((one, at) => (one.opens === opens ? [String(at + 1)] : []));
    return steps.length === 0 ? [] : [`  ${say.inSteps(what, list(words, steps))}`];
  });
  return [say.inAll, ...(lines.length === 0 ? [`  ${say.inAllNothing}`] : lines), say.public];
}

/** A section of its own: each kind of risk once, with its steps. */
export function explainRisks(words: ContractWords, risks: readonly Risk[]): string {
  if (risks.length === 0) return `${words.script.noRisks}\n`;
  const kinds = new Map<RiskCode, Risk[]>();
  for (const risk of sortRisks(risks)) kinds.set(risk.code, [...(kinds.get(risk.code) ?? []), risk]);
  const lines = [...kinds].map(([code, alike]) => {
    const level = words.level[alike[0]?.level ?? "note"].padEnd(6);
    const steps = [...new Set(alike.flatMap(({ step }) => (step === undefined ? [] : [String(step)])))];
    const title = words.title[code];
    return `  ${level}  ${steps.length === 0 ? title : words.script.inSteps(title, list(words, steps))}\n`;
  });
  return `${words.script.risks}\n${lines.join("")}`;
}
