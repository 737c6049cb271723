// What an approver should think about twice.

import { daysOf } from "../dates.ts";
import { holes } from "../holes.ts";
import type { Domain } from "../holes.ts";
import { inputs } from "../language.ts";
import type { Aggregation, Command } from "../language.ts";
import type { Script } from "../script.ts";
import { quoted } from "../visible.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { bare, domain, slotText } from "./phrases.ts";
import { makeRisk } from "./risk.ts";
import type { Risk, RiskCode } from "./risk.ts";
import { leastRows } from "./trace.ts";
import type { Trace, Traces } from "./trace.ts";

/** A minimum below this is remarked on. */
const USUAL_MINIMUM = 10;
/** A hole for more values than this lets the analyst look for the one that tells most. */
const WIDE = 1_000;

type Told = [code: RiskCode, text: string];

/** The risks of one step (from 0) by itself, in the order in which they are told. */
export function risksOf(
  words: ContractWords,
  script: Script,
  step: number,
  command: Command,
  traces: Traces,
): Risk[] {
  const told: Told[] = [
    ...aboutOpening(words, command, traces),
    ...aboutSources(words, command, traces),
    ...aboutNames(words, command),
    ...aboutHoles(words, script, command),
  ];
  return told.map(([code, text]) => makeRisk(code, step, text));
}

function aboutOpening(words: ContractWords, command: Command, traces: Traces): Told[] {
  switch (command.verb) {
    case "open": {
      const { groups, kept } = traces.of(command.table);
      if (!groups) return [["row_level", words.risk.rowLevel]];
      return kept === undefined ? [["group_level", words.risk.groupLevel]] : aboutMinimum(words, kept);
    }
    case "aggregate": {
      const least = leastIn(command, traces);
      const covered = traces.of(command.table).least !== undefined;
      const missing: Told[] = covered ? [] : [["no_minimum", words.risk.noMinimum]];
      const minimum = least === undefined ? missing : aboutMinimum(words, least);
      return [...minimum, ...aboutExtremes(words, command.aggregations)];
    }
    case "group_by":
      return aboutExtremes(words, command.aggregations);
    case "filter": {
      const least = leastIn(command, traces);
      return least === undefined ? [["bare_count", words.risk.bareCount]] : aboutMinimum(words, least);
    }
    case "upload":
    case "get":
    case "project":
    case "assign":
    case "merge":
    case "concat":
    case "sort":
    case "save":
    case "remove":
      return [];
  }
}

/** The greater of what a command asks for itself, and what holds by the rules of all its rows. */
function leastIn(
  command: Extract<Command, { verb: "aggregate" | "filter" }>,
  traces: Traces,
): number | undefined {
  const asked = [leastRows(command.threshold), traces.of(command.table).kept];
  const known = asked.filter((least) => least !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function aboutMinimum(words: ContractWords, least: number): Told[] {
  return least < USUAL_MINIMUM ? [["small_minimum", words.risk.smallMinimum(least, USUAL_MINIMUM)]] : [];
}

function aboutExtremes(words: ContractWords, aggregations: readonly Aggregation[]): Told[] {
  const extreme = aggregations.some(({ aggregate }) => aggregate === "min" || aggregate === "max");
  return extreme ? [["extreme", words.risk.extreme]] : [];
}

/** Whose rows come together. */
function aboutSources(words: ContractWords, command: Command, traces: Traces): Told[] {
  if (command.verb !== "merge" && command.verb !== "concat") return [];
  const tables = inputs(command).map((table) => traces.of(table));
  const told: Told[] = [];
  const allOwn = ({ own, foreign }: Trace) => own && !foreign;
  if (tables.some(allOwn) && tables.some(({ foreign }) => foreign))
    told.push(["own_rows", words.risk.ownRows]);
  const [left, right] = tables;
  const shared = (right?.sources ?? new Set()) as ReadonlySet<string>;
  if (command.verb === "merge" && [...(left?.sources ?? [])].some((source) => shared.has(source))) {
    told.push(["self_join", words.risk.selfJoin]);
  }
  return told;
}

function aboutNames(words: ContractWords, command: Command): Told[] {
  const told: Told[] = [];
  for (const input of inputs(command)) {
    if (input.by === "name") told.push(["name", words.risk.name(slotText(input.name))]);
  }
  if ((command.verb === "upload" || command.verb === "save") && command.name !== undefined) {
    told.push(["names_table", words.risk.namesTable(slotText(command.name))]);
  }
  if (command.verb === "remove") told.push(["deletes", words.risk.deletes(deleted(words, command))]);
  return told;
}

function deleted(words: ContractWords, { table }: Extract<Command, { verb: "remove" }>): string {
  switch (table.by) {
    case "name":
      return slotText(table.name);
    case "handle":
      return bare(table.handle);
    case "step":
      return quoted(words.step(table.step + 1));
  }
}

function aboutHoles(words: ContractWords, script: Script, command: Command): Told[] {
  return holes(command).map((hole) => {
    const declared = script.holes.find((one) => one.hole === hole);
    if (declared === undefined) return ["open_hole", words.risk.openHole(hole)];
    const text = words.risk.boundHole(hole, domain(words, declared.domain));
    return [isWide(declared.domain) ? "wide_hole" : "bound_hole", text];
  });
}

function isWide(domain: Domain): boolean {
  switch (domain.of) {
    case "integer":
      return domain.max - domain.min > BigInt(WIDE);
    case "date": {
      const [first, last] = [daysOf(domain.min), daysOf(domain.max)];
      return first === undefined || last === undefined || last - first > WIDE;
    }
    case "pattern":
    case "text":
      return true;
    case "one_of":
    case "handles":
      return false;
  }
}
