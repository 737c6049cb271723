// Bounds are public, so they should say little about the data: the exact ones can be rounded outwards.

import { LARGEST, LARGEST_NARROW, LONGEST_TEXT, type ColumnType } from "../contract/types.ts";
import { dayNumber, yearOf } from "./types.ts";

/** The same type with bounds that are round numbers, whole years, or usual lengths around the given ones. */
export function tidy(type: ColumnType): ColumnType {
  switch (type.kind) {
    case "integer": {
      const narrow = type.min >= -LARGEST_NARROW && type.max <= LARGEST_NARROW;
      const most = narrow ? LARGEST_NARROW : LARGEST;
      const down = type.min < 0n ? -roundUp(-type.min) : 0n;
      const up = type.max > 0n ? roundUp(type.max) : 0n;
      return { ...type, min: down < -most ? -most : down, max: up > most ? most : up };
    }
    case "date": {
      const first = dayNumber(yearOf(type.min), 1, 1) ?? type.min;
      const last = dayNumber(yearOf(type.max), 12, 31) ?? type.max;
      return { ...type, min: first, max: last };
    }
    case "text":
      return { ...type, length: LENGTHS.find((length) => length >= type.length) ?? LONGEST_TEXT };
    default:
      return type;
  }
}

const LENGTHS = [
  1,
  2,
  4,
  8,
  12,
  16,
  20,
  24,
  32,
  40,
  48,
  64,
  80,
  96,
  128,
  192,
  256,
  384,
  512,
  1024,
  2048,
  LONGEST_TEXT,
];

/** The next of 1, 2, 5, 10, 20, 50, ... */
function roundUp(value: bigint): bigint {
  let ten = 1n;
  for (;;) {
    for (const step of [1n, 2n, 5n]) if (step * ten >= value) return step * ten;
    ten *= 10n;
  }
}

/** Whether every value of `inner` is one of `outer`: a type may be widened, never narrowed below the data. */
export function holds(outer: ColumnType, inner: ColumnType): boolean {
  if (inner.nullable && !outer.nullable) return false;
  if (outer.kind === "integer" && inner.kind === "integer") {
    return outer.min <= inner.min && outer.max >= inner.max;
  }
  if (outer.kind === "date" && inner.kind === "date") return outer.min <= inner.min && outer.max >= inner.max;
  if (outer.kind === "text" && inner.kind === "text") {
    return outer.length >= inner.length && (inner.ascii || !outer.ascii);
  }
  return outer.kind === inner.kind;
}
