// The picture of a script: tables at the top, then the steps in their order, one below the other, so that it
// is never wider than the page. What a thing is used for further down hangs from a line at the left; what is
// opened stands at the right. Only places and names are worked out here; the drawing is in parts/Flow.svelte.

import { inputs, type Command, type TableRef } from "../contract/language.ts";
import type { Script } from "../contract/script.ts";
import type { Opens } from "../contract/sentences/report.ts";

export type FlowNode = {
  id: string;
  kind: "table" | "step" | "opened";
  /** From 1; 0 of tables. */
  step: number;
  verb?: Command["verb"];
  /** Handle or name of a table. */
  table?: string;
  opens: Opens;
  /** From the top; what is opened stands in the row of its step. */
  row: number;
};
/** A line from something to all that use it. `lane`: how far at the left, from 0; none where it goes straight
 *  down. */
export type FlowLine = { from: FlowNode; to: FlowNode[]; lane: number | undefined };
export type Flow = { nodes: FlowNode[]; lines: FlowLine[]; opened: FlowNode[]; lanes: number; rows: number };

/** `opens` of each step, as the report has it. */
export function flowOf(script: Script, opens: readonly Opens[]): Flow {
  const tables: FlowNode[] = [];
  for (const { command } of script.steps)
    for (const ref of inputs(command)) {
      if (ref.by === "step" || tables.some((node) => node.table === nameOf(ref))) continue;
      const table = nameOf(ref);
      tables.push({
        id: `table ${table}`,
        kind: "table",
        step: 0,
        table,
        opens: "nothing",
        row: tables.length,
      });
    }
  const steps = script.steps.map(({ command: { verb } }, at): FlowNode => {
    const place = { row: tables.length + at, opens: opens[at] ?? "nothing" };
    return { id: `step ${at}`, kind: "step", step: at + 1, verb, ...place };
  });
  const source = (ref: TableRef): FlowNode | undefined =>
    ref.by === "step" ? steps[ref.step] : tables.find((node) => node.table === nameOf(ref));
  const uses = new Map<FlowNode, FlowNode[]>();
  for (const [at, { command }] of script.steps.entries()) {
    const user = steps[at];
    for (const from of new Set(inputs(command).map(source)))
      if (from !== undefined && user !== undefined) uses.set(from, [...(uses.get(from) ?? []), user]);
  }
  const opened = steps
    .filter((node) => node.opens !== "nothing" && node.opens !== "count")
    .map((node): FlowNode => ({ ...node, id: `opened ${node.step}`, kind: "opened" }));
  const { lines, lanes } = linesOf([...tables, ...steps], uses);
  return { nodes: [...tables, ...steps], lines, opened, lanes, rows: tables.length + steps.length };
}

/** Each line in the nearest lane that is free from where it begins to where it ends. */
function linesOf(
  nodes: readonly FlowNode[],
  uses: ReadonlyMap<FlowNode, FlowNode[]>,
): { lines: FlowLine[]; lanes: number } {
  /** The row in which each lane is free again. */
  const free: number[] = [];
  const lines = nodes.flatMap((from): FlowLine[] => {
    const to = uses.get(from) ?? [];
    const last = to.at(-1)?.row;
    if (last === undefined) return [];
    if (last === from.row + 1) return [{ from, to, lane: undefined }];
    const found = free.findIndex((row) => row <= from.row);
    const lane = found < 0 ? free.length : found;
    free[lane] = last;
    return [{ from, to, lane }];
  });
  return { lines, lanes: free.length };
}

function nameOf(ref: Exclude<TableRef, { by: "step" }>): string {
  const slot = ref.by === "handle" ? ref.handle : ref.name;
  return "hole" in slot ? slot.hole : slot.value;
}

export type Read = { by: "handle" | "name"; text: string; hole: boolean };

/** The tables a script reads, by handle or name, each once. */
export function tablesOf(script: Script): Read[] {
  const found = new Map<string, Read>();
  for (const { command } of script.steps) {
    for (const ref of inputs(command)) {
      if (ref.by === "step") continue;
      const slot = ref.by === "handle" ? ref.handle : ref.name;
      const text = nameOf(ref);
      found.set(`${ref.by} ${text}`, { by: ref.by, text, hole: "hole" in slot });
    }
  }
  return [...found.values()];
}
