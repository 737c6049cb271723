// Two results over nearly the same rows: what lies between them can be the value of one.

import type { Aggregation, Command } from "../language.ts";
import { byBytes } from "../order.ts";
import type { Script } from "../script.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { SPAN, written } from "./condition.ts";
import { makeRisk } from "./risk.ts";
import type { Risk } from "./risk.ts";
import type { Trace, Traces } from "./trace.ts";

/**
 * Finds pairs of openings of the same value, by the same groups and from the same tables, whose conditions
 * differ in one comparison: one side has it and the other not, or they differ in its constants. Gives steps
 * from 0.
 */
export function differencing(
  words: ContractWords,
  script: Script,
  traces: Traces,
): [step: number, risk: Risk][] {
  const exact = new Map<string, number>();
  const apartFromOne = new Map<string, number>();
  const withoutConstant = new Map<string, [step: number, key: bigint]>();
  const pairs = new Map<string, [earlier: number, step: number]>();
  const pair = (earlier: number | undefined, step: number) =>
    earlier !== undefined && pairs.set(`${earlier} ${step}`, [earlier, step]);
  for (const [step, { command }] of script.steps.entries()) {
    const opening = opened(command, traces);
    if (opening === undefined) continue;
    const { bases, conditions } = opening;
    const all = [...conditions.keys()].reduce((sum, key) => (sum + key) % SPAN, 0n);
    for (const base of bases) {
      pair(apartFromOne.get(`${all} ${base}`), step);
      for (const [key, shape] of conditions) {
        const rest = `${(all - key + SPAN) % SPAN} ${base}`;
        pair(exact.get(rest), step);
        if (!apartFromOne.has(rest)) apartFromOne.set(rest, step);
        if (shape === undefined) continue;
        const first = withoutConstant.get(`${shape} ${rest}`);
        if (first === undefined) withoutConstant.set(`${shape} ${rest}`, [step, key]);
        else if (first[1] !== key) pair(first[0], step);
      }
      if (!exact.has(`${all} ${base}`)) exact.set(`${all} ${base}`, step);
    }
  }
  const sorted = [...pairs.values()].sort(([a, b], [c, d]) => a - c || b - d);
  return sorted.map(([earlier, step]) => [
    step,
    makeRisk("differencing_within", step, words.risk.differencingWithin(earlier + 1)),
  ]);
}

/** What is opened of which rows: each value names what it is, by which groups and from which tables. */
function opened(command: Command, traces: Traces) {
  if (command.verb === "aggregate") return opening(traces.of(command.table), [], command.aggregations);
  if (command.verb !== "open") return undefined;
  const trace = traces.of(command.table);
  return trace.grouped && opening(trace, trace.grouped.by, trace.grouped.aggregations);
}

function opening(trace: Trace, by: readonly string[], aggregations: readonly Aggregation[]) {
  const sources = [...trace.sources].sort(byBytes);
  const bases = aggregations.map(({ value }) => JSON.stringify([sources, by, written(value, false)]));
  return { bases: new Set(bases), conditions: trace.conditions };
}
