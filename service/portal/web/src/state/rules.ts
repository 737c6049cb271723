// What a provider asks of whoever computes with a table: what the servers keep, and a note for people.

import type { TableRules } from "../api/shapes.ts";
import type { Rules } from "../contract/language.ts";
import { fewest } from "../contract/rules.ts";

/** As a form holds it: an empty text asks for no minimum, or for exact counts. */
export type AskedRules = { minimum: string; step: string; joinOnly: string[] };

/** Ten is what `vdl template guarded-upload` asks too. */
export const usualRules = (): AskedRules => ({ minimum: "10", step: "", joinOnly: [] });

export const askedOf = (rules: Rules | undefined): AskedRules => ({
  minimum: rules?.min_rows === undefined ? "" : String(rules.min_rows),
  step: rules?.round_counts === undefined ? "" : String(rules.round_counts),
  joinOnly: [...(rules?.join_only ?? [])],
});

/** Servers refuse a minimum below two: there is a row behind every value. */
export const isMinimum = (text: string): boolean =>
  /^[0-9]{1,15}$/.test(text.trim()) && Number(text.trim()) >= 2;

/** Counts can be told as multiples of 2 to 1000. */
export const isStep = (text: string): boolean => isMinimum(text) && Number(text.trim()) <= 1000;

/** Whether servers take this. */
export const isAsked = ({ minimum, step }: AskedRules): boolean =>
  (minimum.trim() === "" || isMinimum(minimum)) && (step.trim() === "" || isStep(step));

/** The minimum that is asked: where counts are rounded a multiple, as servers would make it one anyway. */
function leastOf({ minimum, step }: AskedRules): number | undefined {
  const least = isMinimum(minimum) ? Number(minimum.trim()) : undefined;
  return fewest({
    ...(least === undefined ? {} : { min_rows: least }),
    ...(isStep(step) ? { round_counts: Number(step.trim()) } : {}),
  });
}

/** The minimum, where rounding raises it. */
export function raised(asked: AskedRules): number | undefined {
  const least = leastOf(asked);
  return isAsked(asked) && least !== leastOf({ ...asked, step: "" }) ? least : undefined;
}

/** The rules of an upload command; `undefined` where nothing is asked, or nothing that servers take. */
export function rulesOf(asked: AskedRules): Rules | undefined {
  const join_only = [...new Set(asked.joinOnly.map((name) => name.trim()))].filter((name) => name !== "");
  const least = leastOf(asked);
  if (join_only.length === 0 && least === undefined) return undefined;
  return {
    ...(least === undefined ? {} : { min_rows: least }),
    join_only,
    ...(isStep(asked.step) ? { round_counts: Number(asked.step.trim()) } : {}),
  };
}

/** What the portal is told of them. */
export function tellRules(rules: Rules | undefined, note: string): TableRules | undefined {
  const told: TableRules = {
    ...(rules?.min_rows === undefined ? {} : { min_rows: rules.min_rows }),
    ...(rules === undefined || rules.join_only.length === 0 ? {} : { join_only: [...rules.join_only] }),
    ...(rules?.round_counts === undefined ? {} : { round_counts: rules.round_counts }),
    ...(note.trim() === "" ? {} : { note: note.trim() }),
  };
  return Object.keys(told).length === 0 ? undefined : told;
}

/** Reads what the portal keeps; anything else is no rule. */
export function readRules(kept: unknown): TableRules {
  if (typeof kept !== "object" || kept === null) return {};
  const { min_rows: least, join_only: columns, round_counts: to, note } = kept as Record<string, unknown>;
  const names = Array.isArray(columns) ? columns.filter((name) => typeof name === "string") : [];
  return {
    ...(isCount(least) ? { min_rows: least } : {}),
    ...(names.length > 0 ? { join_only: names } : {}),
    ...(isCount(to) ? { round_counts: to } : {}),
    ...(typeof note === "string" && note !== "" ? { note } : {}),
  };
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0;
