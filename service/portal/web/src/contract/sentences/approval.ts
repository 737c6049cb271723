// An approval in plain words: for whom, where, when, how often, and the script.

import { moment } from "../dates.ts";
import { fingerprint } from "../digests.ts";
import { keyOf } from "../keys.ts";
import type { NameRule, Statement } from "../statement.ts";
import { debugged, escaped, visible } from "../visible.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { explainScript } from "./explain.ts";
import { report } from "./report.ts";
import type { Report } from "./report.ts";
import { makeRisk, sortRisks } from "./risk.ts";
import type { Risk } from "./risk.ts";

export function explainStatement(words: ContractWords, statement: Statement): string {
  const say = words.approval;
  const key = keyOf(statement.analyst);
  const line = (label: string, ...parts: string[]) => `${label.padEnd(12)} ${parts.join(" ")}`;
  const { not_before, expires, max_runs, purpose, tables, names, max_uses } = statement;
  const lines = [
    line(say.analyst, key === undefined ? say.unusableKey : fingerprint(key)),
    line(say.environment, escaped(statement.environment)),
    line(
      say.valid,
      say.from(moment(not_before)),
      expires === undefined ? say.withoutEnd : say.until(moment(expires)),
    ),
    ...(expires === undefined ? [`  ! ${say.neverExpires}`] : []),
    line(say.runs, max_runs === undefined ? say.anyNumber : say.atMost(max_runs)),
    ...(max_runs === undefined ? [`  ! ${say.runAgain}`] : []),
    ...(purpose === undefined ? [] : [line(say.purpose, escaped(purpose))]),
    ...(tables === undefined ? [] : [line(say.tables, say.noOtherThan(tables.join(", ")))]),
    ...names.map((rule) => line(say.name, meaning(words, rule))),
    ...(max_uses === undefined ? [] : [line(say.uses, say.atMostCommands(max_uses))]),
  ];
  return `${lines.join("\n")}\n\n${explainScript(words, statement.script)}`;
}

function meaning(words: ContractWords, { name, table, may_change }: NameRule): string {
  const [say, shown] = [words.approval, debugged(name)];
  if (table !== undefined) return say.means(shown, table);
  return may_change ? say.meansWhichever(shown) : say.meansFirst(shown);
}

/** What to think about twice in the terms. */
export function risksOfTerms(words: ContractWords, { names, max_runs, expires }: Statement): Risk[] {
  const changing = names.filter((rule) => rule.may_change);
  return [
    ...changing.map(({ name }) =>
      makeRisk("name_may_change", undefined, words.risk.nameMayChange(debugged(name))),
    ),
    ...(max_runs === undefined ? [makeRisk("no_run_limit", undefined, words.risk.noRunLimit)] : []),
    ...(expires === undefined ? [makeRisk("no_end", undefined, words.risk.noEnd)] : []),
  ];
}

/** `earlier` names the script that asked nearly the same, as `nearIdentical` finds it. */
export function riskOfNearIdentical(words: ContractWords, earlier: string): Risk {
  return makeRisk("near_identical", undefined, words.risk.nearIdentical(visible(earlier)));
}

/** The report of the script, with the risks of the terms and whatever else was found. */
export function reportStatement(
  words: ContractWords,
  statement: Statement,
  others: readonly Risk[] = [],
): Report {
  const ofScript = report(words, statement.script);
  return { ...ofScript, risks: sortRisks([...ofScript.risks, ...risksOfTerms(words, statement), ...others]) };
}
