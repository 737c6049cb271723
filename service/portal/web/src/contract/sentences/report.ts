// What a script does, opens and leaves open: step by step for people, and whole for programs. The shapes are
// those of `vdl explain --json`.

import { holes } from "../holes.ts";
import { valueOf } from "../language.ts";
import type { Command, Slot } from "../language.ts";
import type { Script } from "../script.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { differencing } from "./differencing.ts";
import { bare, domain, names } from "./phrases.ts";
import { sortRisks } from "./risk.ts";
import type { Risk } from "./risk.ts";
import { risksOf } from "./risks.ts";
import { sentence } from "./sentence.ts";
import { Traces } from "./trace.ts";

export const REPORT_FORMAT = "vdl-report/1";

/** What becomes readable when a command runs, smallest first. */
export type Opens = "nothing" | "count" | "values" | "groups" | "rows";

/** One step in plain words. */
export type Explained = {
  readonly sentence: string;
  readonly opens: Opens;
  /** How many single values. */
  readonly values: number | null;
  /** What is opened, to whom, of which size. */
  readonly opening: string;
  readonly risks: readonly Risk[];
};

/** Steps count from 1 in all of it. */
export type Report = {
  readonly format: typeof REPORT_FORMAT;
  readonly name: string | null;
  readonly ordered: boolean;
  readonly steps: readonly ReportStep[];
  readonly opened: readonly OpenedThing[];
  readonly holes: readonly ReportHole[];
  /** Gravest first. */
  readonly risks: readonly Risk[];
};

export type ReportStep = {
  readonly step: number;
  readonly sentence: string;
  readonly opens: Opens;
  readonly opening: string;
  /** The analyst's own line, which decides nothing. */
  readonly source: string | null;
};

export type OpenedThing = {
  readonly step: number;
  readonly what: Opens;
  /** `everybody` for counts, which the servers learn as well. */
  readonly to: "everybody" | "analyst";
  readonly values: number | null;
  /** Of rows and groups, where they can be known from the script. */
  readonly columns: readonly string[] | null;
  /** Fewer rows than these open nothing else. */
  readonly fewest_rows: number | null;
};

export type ReportHole = {
  readonly hole: string;
  /** What may be filled in; without it anything. */
  readonly domain: string | null;
  readonly steps: number[];
};

/** Explains every step of a script, with what earlier steps say about its tables. */
export function explainSteps(words: ContractWords, script: Script, traces = new Traces(script)): Explained[] {
  const between = new Map<number, Risk[]>();
  for (const [step, risk] of differencing(words, script, traces)) {
    between.set(step, [...(between.get(step) ?? []), risk]);
  }
  return script.steps.map(({ command }, step) => ({
    sentence: sentence(words, command),
    ...opening(words, traces, command),
    risks: [...risksOf(words, script, step, command, traces), ...(between.get(step) ?? [])],
  }));
}

type Opening = Pick<Explained, "opens" | "opening" | "values">;

/** What a command opens, and in which words. */
function opening(words: ContractWords, traces: Traces, command: Command): Opening {
  const say = words.opening;
  const nothing: Opening = { opens: "nothing", values: null, opening: say.nothing };
  const count = (opening: string): Opening => ({ opens: "count", values: null, opening });
  const least = (threshold: Slot<number> | undefined) =>
    threshold === undefined ? "" : say.unlessFewer(bare(threshold));
  switch (command.verb) {
    case "upload":
    case "get":
    case "project":
    case "assign":
    case "concat":
    case "sort":
    case "save":
    case "remove":
      return nothing;
    case "filter":
      return count(say.rowsRemain + least(command.threshold));
    case "merge": {
      const { how, validate } = command;
      const leftOnce = validate === "one_to_one" || validate === "one_to_many";
      const rightOnce = validate === "one_to_one" || validate === "many_to_one";
      if ((how === "left" && rightOnce) || (how === "right" && leftOnce)) return nothing;
      return count(how === "inner" && rightOnce ? say.rowsWithPartner : say.rowsOfResult);
    }
    case "group_by":
      return count(say.groups);
    case "aggregate": {
      const values = command.aggregations.length;
      return { opens: "values", values, opening: say.values(values) + least(command.threshold) };
    }
    case "open": {
      const { columns: known, groups } = traces.of(command.table);
      const columns = known === undefined ? say.allColumns : say.columns(names(words, known));
      return groups
        ? { opens: "groups", values: null, opening: say.everyGroup(columns) }
        : { opens: "rows", values: null, opening: say.everyRow(columns) };
    }
  }
}

/** Everything that `explainScript` says, piece by piece. */
export function report(words: ContractWords, script: Script): Report {
  const traces = new Traces(script);
  const explained = explainSteps(words, script, traces);
  const numbered = script.steps.flatMap((step, at) => {
    const one = explained[at];
    return one === undefined ? [] : [{ ...step, number: at + 1, one }];
  });
  return {
    format: REPORT_FORMAT,
    name: script.name ?? null,
    ordered: script.ordered,
    steps: numbered.map(({ number, one, source }) => ({
      step: number,
      sentence: one.sentence,
      opens: one.opens,
      opening: one.opening,
      source: source ?? null,
    })),
    opened: numbered
      .filter(({ one }) => one.opens !== "nothing")
      .map(({ number, one, command }) => ({
        step: number,
        what: one.opens,
        to: one.opens === "count" ? "everybody" : "analyst",
        values: one.values,
        columns: (command.verb === "open" ? traces.of(command.table).columns : undefined) ?? null,
        fewest_rows: fewestRows(command),
      })),
    holes: reportHoles(words, script),
    risks: sortRisks(explained.flatMap(({ risks }) => risks)),
  };
}

/** The minimum that a command asks for itself. */
function fewestRows(command: Command): number | null {
  const asked = command.verb === "aggregate" || command.verb === "filter" ? command.threshold : undefined;
  return valueOf(asked) ?? null;
}

function reportHoles(words: ContractWords, script: Script): ReportHole[] {
  const found = new Map<string, ReportHole>();
  for (const [at, { command }] of script.steps.entries()) {
    for (const hole of holes(command)) {
      const declared = script.holes.find((one) => one.hole === hole);
      const said = declared === undefined ? null : domain(words, declared.domain);
      const known = found.get(hole) ?? { hole, domain: said, steps: [] };
      known.steps.push(at + 1);
      found.set(hole, known);
    }
  }
  return [...found.values()];
}
