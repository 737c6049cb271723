// The picture of a script: tables on the left, steps as deep as what they need, what is opened on the right. Only
// places and names are worked out here; the drawing is in parts/Flow.svelte.

import { inputs, type Command, type TableRef } from "../contract/language.ts";
import type { Script } from "../contract/script.ts";
import type { Opens } from "../contract/sentences/report.ts";

export type FlowNode = {
  id: string;
  kind: "table" | "step" | "opened";
  /** From 1; 0 of tables and of what is opened. */
  step: number;
  verb: Command["verb"] | undefined;
  /** Handle or name of a table. */
  table: string | undefined;
  opens: Opens;
  column: number;
  row: number;
};
export type FlowEdge = { from: FlowNode; to: FlowNode; opened: boolean };
export type Flow = { nodes: FlowNode[]; edges: FlowEdge[]; columns: number; rows: number };

/** `opens` of each step, as the report has it. */
export function flowOf(script: Script, opens: readonly Opens[]): Flow {
  const nodes = new Map<string, FlowNode>();
  const edges: FlowEdge[] = [];
  const filled: number[] = [];
  const add = (node: Omit<FlowNode, "row">): FlowNode => {
    const row = filled[node.column] ?? 0;
    filled[node.column] = row + 1;
    const placed = { ...node, row };
    nodes.set(node.id, placed);
    return placed;
  };
  const source = (ref: TableRef): FlowNode | undefined => {
    if (ref.by === "step") return nodes.get(`step ${ref.step}`);
    const table = nameOf(ref);
    const id = `table ${table}`;
    return nodes.get(id) ?? add({ id, kind: "table", step: 0, verb: undefined, table, opens: "nothing", column: 0 });
  };
  for (const [at, { command }] of script.steps.entries()) {
    const from = inputs(command).map(source).filter((node) => node !== undefined);
    const column = 1 + Math.max(0, ...from.map((node) => node.column));
    const opened = opens[at] ?? "nothing";
    const node = add({ id: `step ${at}`, kind: "step", step: at + 1, verb: command.verb, table: undefined, opens: opened, column });
    for (const one of new Set(from)) edges.push({ from: one, to: node, opened: false });
  }
  const last = 1 + Math.max(0, ...[...nodes.values()].map((node) => node.column));
  for (const node of [...nodes.values()]) {
    if (node.opens === "nothing" || node.opens === "count") continue;
    const { step, opens: what } = node;
    const to = add({ id: `opened ${step}`, kind: "opened", step, verb: undefined, table: undefined, opens: what, column: last });
    edges.push({ from: node, to, opened: true });
  }
  return { nodes: [...nodes.values()], edges, columns: filled.length, rows: Math.max(1, ...filled.map((rows) => rows ?? 0)) };
}

function nameOf(ref: Exclude<TableRef, { by: "step" }>): string {
  const slot = ref.by === "handle" ? ref.handle : ref.name;
  return "hole" in slot ? slot.hole : slot.value;
}

/** The tables a script reads, by handle or name, each once. */
export function tablesOf(script: Script): { by: "handle" | "name"; text: string; hole: boolean }[] {
  const found = new Map<string, { by: "handle" | "name"; text: string; hole: boolean }>();
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
