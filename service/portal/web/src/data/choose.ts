// From what was proposed, and what a person says otherwise, to the columns of the table.

import { holds } from "./bounds.ts";
import { planesOf, type Chosen } from "./column.ts";
import type { Option, Reading } from "./guess.ts";
import { strideOf } from "./planes.ts";
import type { Survey } from "./survey.ts";
import { LONGEST_TEXT, type ColumnType } from "../contract/types.ts";

/** What a person says of one column; what is left out stays as proposed. */
export interface Wish {
  /** False leaves the column out. */
  readonly use?: boolean;
  readonly name?: string;
  readonly reading?: Reading;
  /** Exact bounds tell the smallest and the largest value; tidy ones, which are the default, tell less. */
  readonly bounds?: "exact" | "tidy" | ColumnType;
  /** Whether values may be missing; narrower than the data refuses rows. */
  readonly nullable?: boolean;
}

/** What keeps a table from being made of the wishes. */
export type ChoiceFault =
  | "no_columns"
  /** The column needs a reading from a person: it is empty, or its dates are ambiguous. */
  | "undecided"
  | "no_name"
  | "same_name"
  /** The type given is of another kind than the reading. */
  | "wrong_type"
  /** Values of the data lie outside the bounds that were given. */
  | "too_narrow";

export interface Fault {
  readonly fault: ChoiceFault;
  /** Number in the file; `null` where it is the table. */
  readonly column: number | null;
}

export interface Choice {
  readonly chosen: readonly Chosen[];
  /** While there are any but `too_narrow`, there is no table. That one refuses rows. */
  readonly faults: readonly Fault[];
  /** Of one component, which the portal relays twice. */
  readonly bytes: number;
}

export function choose(surveyed: Survey, wishes: ReadonlyMap<number, Wish> = new Map()): Choice {
  const chosen: Chosen[] = [];
  const faults: Fault[] = [];
  const names = new Set<string>();
  surveyed.columns.forEach((found, column) => {
    const wish = wishes.get(column) ?? {};
    if (wish.use === false) return;
    const name = (wish.name ?? found.name).trim();
    if (name === "") faults.push({ fault: "no_name", column });
    if (names.has(name)) faults.push({ fault: "same_name", column });
    names.add(name);
    const { guess } = found;
    const proposed = guess.proposed === null ? undefined : guess.options[guess.proposed];
    const reading = wish.reading ?? proposed?.reading;
    const option = guess.options.find((one) => reading !== undefined && sameReading(one.reading, reading));
    const type = reading === undefined ? null : typeFor(reading, option, wish, found.missing > 0);
    if (reading === undefined || type === null) {
      faults.push({ fault: "undecided", column });
      return;
    }
    if (type.kind !== reading.kind) faults.push({ fault: "wrong_type", column });
    else if (option !== undefined && !holds(type, option.exact)) faults.push({ fault: "too_narrow", column });
    chosen.push({ column, name, reading, type });
  });
  if (chosen.length === 0) faults.push({ fault: "no_columns", column: null });
  const planes = chosen.reduce((sum, { type }) => sum + planesOf(type), 0);
  return { chosen, faults, bytes: planes * strideOf(surveyed.rows) * 4 };
}

function sameReading(one: Reading, other: Reading): boolean {
  if (one.kind === "date" && other.kind === "date") return one.format === other.format;
  return one.kind === other.kind;
}

function typeFor(
  reading: Reading,
  option: Option | undefined,
  wish: Wish,
  missing: boolean,
): ColumnType | null {
  const bounds = wish.bounds ?? "tidy";
  const nullable = wish.nullable ?? missing;
  if (typeof bounds !== "string") return { ...bounds, nullable: wish.nullable ?? bounds.nullable };
  if (option !== undefined) return { ...option[bounds], nullable };
  // No cell has this reading: of a column without values, any type does that holds nothing else either.
  if (reading.kind === "boolean") return { kind: "boolean", nullable };
  return reading.kind === "text" ? { kind: "text", length: LONGEST_TEXT, ascii: false, nullable } : null;
}
