// What a provider asks of whoever computes with a table: what the servers keep, and a note for people.

import type { TableRules } from "../api/shapes.ts";
import type { Rules } from "../contract/language.ts";

/** As a form holds it: an empty text asks for no minimum. */
export type AskedRules = { minimum: string; joinOnly: string[] };

/** Ten is what `vdl template guarded-upload` asks too. */
export const usualRules = (): AskedRules => ({ minimum: "10", joinOnly: [] });

export const askedOf = (rules: Rules | undefined): AskedRules => ({
  minimum: rules?.min_rows === undefined ? "" : String(rules.min_rows),
  joinOnly: [...(rules?.join_only ?? [])],
});

/** Servers refuse a minimum below two: there is a row behind every value. */
export const isMinimum = (text: string): boolean =>
  /^[0-9]{1,15}$/.test(text.trim()) && Number(text.trim()) >= 2;

/** Whether servers take this. */
export const isAsked = ({ minimum }: AskedRules): boolean => minimum.trim() === "" || isMinimum(minimum);

/** The rules of an upload command; `undefined` where nothing is asked, or nothing that servers take. */
export function rulesOf(asked: AskedRules): Rules | undefined {
  const join_only = [...new Set(asked.joinOnly.map((name) => name.trim()))].filter((name) => name !== "");
  const least = isMinimum(asked.minimum) ? { min_rows: Number(asked.minimum.trim()) } : {};
  return join_only.length === 0 && !("min_rows" in least) ? undefined : { ...least, join_only };
}

/** What the portal is told of them. */
export function tellRules(rules: Rules | undefined, note: string): TableRules | undefined {
  const told: TableRules = {
    ...(rules?.min_rows === undefined ? {} : { min_rows: rules.min_rows }),
    ...(rules === undefined || rules.join_only.length === 0 ? {} : { join_only: [...rules.join_only] }),
    ...(note.trim() === "" ? {} : { note: note.trim() }),
  };
  return Object.keys(told).length === 0 ? undefined : told;
}

/** Reads what the portal keeps; anything else is no rule. */
export function readRules(kept: unknown): TableRules {
  if (typeof kept !== "object" || kept === null) return {};
  const { min_rows: least, join_only: columns, note } = kept as Record<string, unknown>;
  const names = Array.isArray(columns) ? columns.filter((name) => typeof name === "string") : [];
  return {
    ...(typeof least === "number" && Number.isSafeInteger(least) && least > 0 ? { min_rows: least } : {}),
    ...(names.length > 0 ? { join_only: names } : {}),
    ...(typeof note === "string" && note !== "" ? { note } : {}),
  };
}
