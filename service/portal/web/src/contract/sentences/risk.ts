// What kinds of risk there are. The names stand in reports, so they stay.

/** How much an approver should mind, gravest first. */
export const LEVELS = ["high", "medium", "note"] as const;
export type Level = (typeof LEVELS)[number];

const LEVEL_OF = {
  row_level: "high",
  no_minimum: "high",
  differencing_within: "high",
  own_rows: "high",
  name: "high",
  open_hole: "high",
  near_identical: "high",
  name_may_change: "high",
  no_run_limit: "medium",
  group_level: "medium",
  bare_count: "medium",
  small_minimum: "medium",
  extreme: "medium",
  self_join: "medium",
  names_table: "medium",
  wide_hole: "note",
  bound_hole: "note",
  deletes: "note",
  no_end: "note",
} as const satisfies Record<string, Level>;

export type RiskCode = keyof typeof LEVEL_OF;

/** All of them, in the order in which lists have them. */
export const RISK_CODES = Object.keys(LEVEL_OF) as RiskCode[];

/** One of them, at one step of a script (from 1, as in texts) or about the whole of it. */
export type Risk = {
  readonly code: RiskCode;
  readonly level: Level;
  readonly step?: number;
  readonly text: string;
};

/** About a step, counted from 0, or about the whole. */
export function makeRisk(code: RiskCode, step: number | undefined, text: string): Risk {
  const level = LEVEL_OF[code];
  return step === undefined ? { code, level, text } : { code, level, step: step + 1, text };
}

/** Gravest first, and then as the steps come. */
export function sortRisks(risks: readonly Risk[]): Risk[] {
  const order = (left: Risk, right: Risk) =>
    LEVELS.indexOf(left.level) - LEVELS.indexOf(right.level) ||
    RISK_CODES.indexOf(left.code) - RISK_CODES.indexOf(right.code) ||
    (left.step ?? 0) - (right.step ?? 0);
  return [...risks].sort(order);
}
