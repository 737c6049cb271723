// From counted cells to the readings a column can have, the likeliest first.

import { tidy } from "./bounds.ts";
import { FLAGS, formatOfName } from "./cells.ts";
import type { Tally } from "./tally.ts";
import { LONGEST_TEXT, type ColumnType, type Kind } from "../contract/types.ts";

/** How cells are read. A date format is written as crandas writes it: `d/m/Y`. */
export type Reading =
  | { readonly kind: "integer" }
  | { readonly kind: "boolean" }
  | { readonly kind: "date"; readonly format: string }
  | { readonly kind: "text" };

/** One way a column can be read, with the exact bounds of what was found and with tidy ones. */
export interface Option {
  readonly reading: Reading;
  readonly exact: ColumnType;
  readonly tidy: ColumnType;
  /** Cells that are no such value. */
  readonly misfits: number;
}

/** What a person should look at before the column is accepted. */
export type Doubt =
  /** No cell holds a value: say what the column is. */
  | "empty"
  /** Day or month may come first: say which. */
  | "ambiguous_date"
  /** A few cells are no such value; their rows will be refused. */
  | "mostly"
  /** Numbers with zeros in front, so rather codes. */
  | "leading_zeros"
  /** Numbers with a fraction, which no column type holds. */
  | "fractions"
  | "thousands"
  /** Years of two digits. */
  | "short_years"
  /** Texts longer than a column may hold. */
  | "too_long";

export interface Guess {
  readonly options: readonly Option[];
  /** Which of the options is proposed; `null` where a person must say. */
  readonly proposed: number | null;
  readonly doubts: readonly Doubt[];
}

/** A reading that so many of the cells have is proposed although others have not. */
const MOSTLY = 0.95;

export function guessOf(tally: Tally): Guess {
  const options = optionsOf(tally);
  const doubts: Doubt[] = [];
  if (tally.present === 0) return { options, proposed: null, doubts: ["empty"] };
  if (tally.fractions > 0) doubts.push("fractions");
  if (tally.thousands > 0) doubts.push("thousands");
  if (tally.leadingZeros > 0) doubts.push("leading_zeros");
  const likely = (option: Option): boolean => {
    if (option.reading.kind === "text") return true;
    if (option.reading.kind === "integer" && tally.leadingZeros > 0) return false;
    return 1 - option.misfits / tally.present >= MOSTLY && !(tally.fractions > tally.present / 100);
  };
  const best = options.findIndex(likely);
  const option = options[best];
  if (option === undefined) return { options, proposed: null, doubts };
  if (option.misfits > 0) doubts.push(option.reading.kind === "text" ? "too_long" : "mostly");
  let proposed: number | null = best;
  if (option.reading.kind === "date") {
    const twin = otherOrder(option.reading.format);
    const alike = (one: Option): boolean =>
      one.reading.kind === "date" && one.reading.format === twin && one.misfits === option.misfits;
    if (options.some(alike)) {
      doubts.push("ambiguous_date");
      proposed = null;
    }
    if (option.reading.format.includes("y")) doubts.push("short_years");
  }
  return { options, proposed, doubts };
}

/** The same format with day and month exchanged. */
function otherOrder(format: string): string {
  return format.replace(/[dm]/g, (letter) => (letter === "d" ? "m" : "d"));
}

/** Every reading at least one cell has, those with the fewest misfits first; text comes last. */
function optionsOf(tally: Tally): Option[] {
  const nullable = tally.missing > 0;
  const found: Option[] = [];
  const offer = (reading: Reading, kind: Kind, count: number): void => {
    const exact: ColumnType = { ...kind, nullable };
    found.push({ reading, exact, tidy: tidy(exact), misfits: tally.present - count });
  };
  const flags = tally.flags.map(({ yes, no }, pair) => ({ yes, no, short: FLAGS[pair]?.[0].length === 1 }));
  const usable = flags.filter(({ yes, no, short }) => yes + no > 0 && (!short || (yes > 0 && no > 0)));
  const flagged = Math.max(0, ...usable.map(({ yes, no }) => yes + no));
  if (flagged > 0) offer({ kind: "boolean" }, { kind: "boolean" }, flagged);
  for (const [format, { count, min, max }] of tally.dates) {
    if (formatOfName(format) !== null) offer({ kind: "date", format }, { kind: "date", min, max }, count);
  }
  const { count, min, max } = tally.integers;
  if (count > 0) offer({ kind: "integer" }, { kind: "integer", min: BigInt(min), max: BigInt(max) }, count);
  found.sort((one, other) => one.misfits - other.misfits);
  const length = Math.min(LONGEST_TEXT, Math.max(1, tally.longest));
  const text: Kind = { kind: "text", length, ascii: tally.beyondAscii === 0 };
  const readable = tally.longest > LONGEST_TEXT ? Math.max(0, tally.present - 1) : tally.present;
  offer({ kind: "text" }, text, readable - tally.nul);
  return found;
}
