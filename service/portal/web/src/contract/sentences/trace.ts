// What earlier steps say about a table: its columns, whether its rows are groups, whether few rows were ruled
// out, where its rows come from and by which conditions they were chosen.

import type { Aggregation, Command, Expression, Slot, TableRef } from "../language.ts";
import { valueOf } from "../language.ts";
import { fewest } from "../rules.ts";
import { byBytes } from "../order.ts";
import type { Script } from "../script.ts";
import { en } from "../../words/contract/en.ts";
import { conditionKeys } from "./condition.ts";
import { table as shown } from "./phrases.ts";

/** Conditions and sources beyond these are not followed; each is remarked on by itself anyway. */
const MOST = 256;

export type Trace = {
  /** Where they can be known from the script. */
  readonly columns?: readonly string[] | undefined;
  /** One row stands for a group. */
  readonly groups: boolean;
  /** The minimum that the last condition that chose rows asked for, if it rules out single rows. */
  readonly least?: number | undefined;
  /**
   * What the uploads of this script ask for by rules, if all that its rows come from do: of fewer rows
   * nothing is opened, whatever is made of them, and no group stays.
   */
  readonly kept?: number | undefined;
  /** Some rows were uploaded by the script. */
  readonly own: boolean;
  /** Some rows were there before. */
  readonly foreign: boolean;
  /** The tables its rows come from. */
  readonly sources: ReadonlySet<string>;
  /** What holds for its rows, each comparison for itself: its key, and the one without its constants. */
  readonly conditions: ReadonlyMap<bigint, bigint | undefined>;
  /** Of a table of groups: by what, and what is computed for each. */
  readonly grouped?:
    { readonly by: readonly string[]; readonly aggregations: readonly Aggregation[] } | undefined;
};

const UNKNOWN: Trace = {
  groups: false,
  own: false,
  foreign: false,
  sources: new Set(),
  conditions: new Map(),
};

/** Of every step of a script, in order. */
export class Traces {
  private readonly known: Trace[] = [];

  /** Every step is looked at once, from the first on: references only lead backwards. */
  constructor(script: Script) {
    for (const [step, { command }] of script.steps.entries()) this.known.push(this.after(step, command));
  }

  of(table: TableRef): Trace {
    if (table.by === "step") return this.known[table.step] ?? UNKNOWN;
    return { ...UNKNOWN, foreign: true, sources: new Set([shown(en, table)]) };
  }

  /** What is known of the result of a command. */
  private after(step: number, command: Command): Trace {
    switch (command.verb) {
      case "upload": {
        const columns = valueOf(command.columns)?.map((meta) => meta.name);
        const asked = command.rules === undefined ? undefined : valueOf(command.rules);
        const kept = asked === undefined ? undefined : rulesOutOne(fewest(asked));
        return { ...UNKNOWN, columns, kept, own: true, sources: new Set([`step ${step}`]) };
      }
      case "get":
      case "sort":
      case "save":
        return this.of(command.table);
      case "filter": {
        const before = this.of(command.table);
        return {
          ...before,
          least: leastRows(command.threshold),
          conditions: withConditions(before.conditions, command.condition),
        };
      }
      case "project":
        return { ...this.of(command.table), columns: command.columns.map(({ column, as }) => as ?? column) };
      case "assign": {
        const before = this.of(command.table);
        if (before.columns === undefined) return before;
        const known = new Set(before.columns);
        const added = new Set(command.columns.map(({ name }) => name).filter((name) => !known.has(name)));
        return { ...before, columns: [...before.columns, ...added] };
      }
      case "group_by": {
        const { by, aggregations } = command;
        const columns = [...by, ...aggregations.map(({ name }) => name)];
        return {
          ...this.of(command.table),
          columns,
          groups: true,
          least: undefined,
          grouped: { by, aggregations },
        };
      }
      case "merge":
        return { ...together([this.of(command.left), this.of(command.right)]), columns: undefined };
      case "concat":
        return together(command.tables.map((table) => this.of(table)));
      case "aggregate":
      case "open":
      case "remove":
        return UNKNOWN;
    }
  }
}

/** Rows of several tables in one. */
function together(traces: readonly Trace[]): Trace {
  const sources = new Set<string>();
  const conditions = new Map<bigint, bigint | undefined>();
  for (const trace of traces) {
    const names = [...trace.sources].sort(byBytes).slice(0, Math.max(MOST - sources.size, 0));
    names.forEach((name) => sources.add(name));
    const keys = [...trace.conditions].sort(([a], [b]) => (a < b ? -1 : 1));
    keys.slice(0, Math.max(MOST - conditions.size, 0)).forEach(([key, shape]) => conditions.set(key, shape));
  }
  return {
    columns: traces[0]?.columns,
    groups: traces.every((trace) => trace.groups),
    kept: leastKept(traces),
    own: traces.some((trace) => trace.own),
    foreign: traces.some((trace) => trace.foreign),
    sources,
    conditions,
  };
}

/** A single row of a table without a rule may be told of. */
function leastKept(traces: readonly Trace[]): number | undefined {
  const kept = traces.flatMap((trace) => trace.kept ?? []);
  return kept.length === 0 || kept.length < traces.length ? undefined : Math.min(...kept);
}

/** A threshold left open rules out nothing, nor does one of a single row. */
export function leastRows(threshold: Slot<number> | undefined): number | undefined {
  return rulesOutOne(valueOf(threshold));
}

const rulesOutOne = (least: number | undefined): number | undefined =>
  least !== undefined && least > 1 ? least : undefined;

type Conditions = Trace["conditions"];

function withConditions(before: Conditions, condition: Expression): Conditions {
  if (before.size >= MOST) return before;
  const found = new Map(before);
  addConditions(condition, found);
  return found;
}

/** What is joined by `and` are several conditions. */
function addConditions(condition: Expression, found: Map<bigint, bigint | undefined>): void {
  if (condition.is === "binary" && condition.op === "and") {
    addConditions(condition.left, found);
    addConditions(condition.right, found);
  } else if (found.size < MOST) {
    const [key, shape] = conditionKeys(condition);
    found.set(key, shape);
  }
}
