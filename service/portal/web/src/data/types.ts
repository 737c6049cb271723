// Column types are the contract's; here is what reading a file needs besides: a type that may be none, and
// days from the numbers of a cell, many millions of them.

import { readType, TypeRefused, type ColumnType } from "../contract/types.ts";

/** A column's public description, as a command holds it. */
export interface ColumnMeta {
  readonly name: string;
  readonly type: string;
}

/** Reads a type as people write it; `null` where it is none. */
export function typeIn(text: string): ColumnType | null {
  try {
    return readType(text);
  } catch (error) {
    if (error instanceof TypeRefused) return null;
    throw error;
  }
}

/** Days since 1970-01-01; `null` where there is no such day in the years 1 to 9999. */
export function dayNumber(year: number, month: number, day: number): number | null {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  // Years that begin in March; the leap day is the last of its year (Hinnant's days_from_civil).
  const from = month > 2 ? year : year - 1;
  const era = Math.floor(from / 400);
  const ofEra = from - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** The year of a day. */
export function yearOf(days: number): number {
  return new Date(days * 86_400_000).getUTCFullYear();
}
