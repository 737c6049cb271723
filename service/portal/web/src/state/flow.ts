// The picture of a script: tables at the top, steps below what they need, what is opened at the right. Only
// places and names are worked out here; the drawing is in parts/Flow.svelte.

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
  /** How deep it stands, and where in that row. */
  row: number;
  column: number;
};
export type FlowEdge = { from: FlowNode; to: FlowNode; opened: boolean };
export type Flow = { nodes: FlowNode[]; edges: FlowEdge[]; columns: number; rows: number };

/** `opens` of each step, as the report has it. */
export function flowOf(script: Script, opens: readonly Opens[]): Flow {
  const nodes = new Map<string, FlowNode>();
  const edges: FlowEdge[] = [];
  const filled: number[] = [];
  const add = (node: Omit<FlowNode, "column">, least = 0): FlowNode => {
    const column = Math.max(filled[node.row] ?? 0, least);
    filled[node.row] = column + 1;
    const placed = { ...node, column };
    nodes.set(node.id, placed);
    return placed;
  };
  const source = (ref: TableRef): FlowNode | undefined => {
    if (ref.by === "step") return nodes.get(`step ${ref.step}`);
    const table = nameOf(ref);
    const id = `table ${table}`;
    return nodes.get(id) ?? add({ id, kind: "table", step: 0, table, opens: "nothing", row: 0 });
  };
  for (const [at, { command }] of script.steps.entries()) {
    const from = inputs(command)
      .map(source)
      .filter((node) => node !== undefined);
    const row = 1 + Math.max(0, ...from.map((node) => node.row));
    const node = add({
      id: `step ${at}`,
      kind: "step",
      step: at + 1,
      verb: command.verb,
      opens: opens[at] ?? "nothing",
      row,
    });
    for (const one of new Set(from)) edges.push({ from: one, to: node, opened: false });
  }
  const right = Math.max(0, ...Array.from(filled, (columns) => columns ?? 0));
  // From the right, so that lines to what is opened do not cross.
  for (const node of [...nodes.values()].reverse()) {
    if (node.opens === "nothing" || node.opens === "count") continue;
    const to = add(
      { id: `opened ${node.step}`, kind: "opened", step: node.step, opens: node.opens, row: node.row },
      right,
    );
    edges.push({ from: node, to, opened: true });
  }
  const columns = Math.max(1, ...Array.from(filled, (count) => count ?? 0));
  return { nodes: [...nodes.values()], edges, columns, rows: filled.length };
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
