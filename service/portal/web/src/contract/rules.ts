// What servers make of the rules of an upload.

import type { Rules } from "./language.ts";

/**
 * Fewest rows that must be behind an opened value. Where counts are rounded a multiple, and at least one
 * step: whether there are enough rows is told, and so tells no more than the rounded count.
 */
export function fewest({ min_rows: least, round_counts: to }: Partial<Rules>): number | undefined {
  if (to === undefined || to < 1) return least;
  return Math.ceil(Math.max(least ?? 0, to) / to) * to;
}
