// What a provider asks of scripts that use a table.

import type { TableRules } from "../api/shapes.ts";

/** Reads what the portal keeps; anything else is no rule. */
export function readRules(kept: unknown): TableRules {
  if (typeof kept !== "object" || kept === null) return {};
  const { min_rows: least, purposes } = kept as Record<string, unknown>;
  return {
    ...(typeof least === "number" && Number.isSafeInteger(least) && least > 0 ? { min_rows: least } : {}),
    ...(typeof purposes === "string" && purposes !== "" ? { purposes } : {}),
  };
}
