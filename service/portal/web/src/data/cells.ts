// What one cell says. A value, or the name of what is wrong with it.

import { LARGEST } from "../contract/types.ts";
import { dayNumber } from "./types.ts";

/** Why a cell is not what its column should hold. */
export type CellCause =
  | "not_integer"
  | "fraction"
  | "thousands"
  | "too_wide"
  | "not_boolean"
  | "not_date"
  | "no_such_day"
  | "out_of_bounds"
  | "too_long"
  | "not_ascii"
  | "nul"
  | "missing";

/** Words that mean a missing value unless told otherwise: those of pandas. */
export const MISSING: readonly string[] = [
  "",
  "#N/A",
  "#N/A N/A",
  "#NA",
  "-1.#IND",
  "-1.#QNAN",
  "-NaN",
  "-nan",
  "1.#IND",
  "1.#QNAN",
  "<NA>",
  "N/A",
  "NA",
  "NULL",
  "NaN",
  "None",
  "n/a",
  "nan",
  "null",
];

/** Knows which cells are missing values. Spaces around a cell do not count. */
export class MissingWords {
  readonly #words: Set<string>;
  readonly #longest: number;

  constructor(words: readonly string[] = MISSING) {
    this.#words = new Set(["", ...words.map((word) => word.trim())]);
    this.#longest = Math.max(...[...this.#words].map((word) => word.length));
  }

  has(trimmed: string): boolean {
    return trimmed.length <= this.#longest && this.#words.has(trimmed);
  }
}

/** Without the spaces around it. */
export function trimmed(cell: string): string {
  const [first, last] = [cell.charCodeAt(0), cell.charCodeAt(cell.length - 1)];
  const plain = first > 32 && first < 128 && last > 32 && last < 128;
  return plain ? cell : cell.trim();
}

/** A whole number: a `number` while that is exact, a `bigint` beyond. */
export function readInteger(cell: string): number | bigint | CellCause {
  const first = cell.charCodeAt(0);
  const signed = first === 45 || first === 43;
  const digits = cell.length - (signed ? 1 : 0);
  if (digits >= 1 && digits <= 15) {
    let value = 0;
    let at = signed ? 1 : 0;
    for (; at < cell.length; at += 1) {
      const digit = cell.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === cell.length) return first === 45 ? 0 - value : value;
  }
  return readOddInteger(cell);
}

function readOddInteger(cell: string): number | bigint | CellCause {
  // A table with missing values that went through pandas writes 3 as 3.0.
  const whole = /^([+-]?[0-9]+)(?:\.(?:0{0,2}|0{4,}))?$/.exec(cell)?.[1];
  if (whole !== undefined) {
    if (whole.length > 400) return "too_wide";
    const value = BigInt(whole.startsWith("+") ? whole.slice(1) : whole);
    if (value > LARGEST || value < -LARGEST) return "too_wide";
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }
  if (/^[+-]?[0-9]{1,3}([.,' \u00a0\u202f][0-9]{3})+([.,][0-9]+)?$/.test(cell)) return "thousands";
  return /^[+-]?[0-9]*[.,][0-9]+$/.test(cell) ? "fraction" : "not_integer";
}

/** Whether a number is written with zeros in front, as codes are and quantities are not. */
export function hasLeadingZero(cell: string): boolean {
  return /^[+-]?0[0-9]/.test(cell);
}

/** Pairs of words for true and false, in lower case. */
export const FLAGS: readonly (readonly [yes: string, no: string])[] = [
  ["true", "false"],
  ["yes", "no"],
  ["ja", "nee"],
  ["waar", "onwaar"],
  ["y", "n"],
  ["j", "n"],
];
const YES = new Set([...FLAGS.map(([yes]) => yes), "1"]);
const NO = new Set([...FLAGS.map(([, no]) => no), "0"]);

export function readBoolean(cell: string): boolean | CellCause {
  if (cell.length > 6) return "not_boolean";
  const word = cell.toLowerCase();
  if (YES.has(word)) return true;
  return NO.has(word) ? false : "not_boolean";
}

/** How dates are written: the order of day, month and year, with one separator. As crandas writes formats. */
export interface DateFormat {
  readonly order: "dmY" | "mdY" | "Ymd" | "dmy" | "mdy";
  readonly separator: "-" | "/" | "." | " ";
}

/** `d/m/Y` and the like. */
export function nameOfFormat({ order, separator }: DateFormat): string {
  return NAMES[separator][order];
}

const NAMES = {
  "-": { dmY: "d-m-Y", mdY: "m-d-Y", Ymd: "Y-m-d", dmy: "d-m-y", mdy: "m-d-y" },
  "/": { dmY: "d/m/Y", mdY: "m/d/Y", Ymd: "Y/m/d", dmy: "d/m/y", mdy: "m/d/y" },
  ".": { dmY: "d.m.Y", mdY: "m.d.Y", Ymd: "Y.m.d", dmy: "d.m.y", mdy: "m.d.y" },
  " ": { dmY: "d m Y", mdY: "m d Y", Ymd: "Y m d", dmy: "d m y", mdy: "m d y" },
} as const;

export function formatOfName(name: string): DateFormat | null {
  const match = /^([dmYy])([-/. ])([dmYy])\2([dmYy])$/.exec(name);
  const order = match === null ? "" : `${match[1]}${match[3]}${match[4]}`;
  const known = ["dmY", "mdY", "Ymd", "dmy", "mdy"] as const;
  const found = known.find((one) => one === order);
  return found === undefined ? null : { order: found, separator: match?.[2] as DateFormat["separator"] };
}

/** Three numbers with one separator between them; `lengths` tells where the year may stand. */
export interface Triple {
  readonly separator: DateFormat["separator"];
  readonly parts: readonly [number, number, number];
  readonly yearFirst: boolean;
  /** Digits of the last part. */
  readonly lastDigits: number;
}

const TRIPLE = /^([0-9]{1,4})([-/. ])([0-9]{1,2})\2([0-9]{1,4})$/;

export function readTriple(cell: string): Triple | null {
  if (cell.length < 6 || cell.length > 10) return null;
  const match = TRIPLE.exec(cell);
  if (match === null) return null;
  const [first, last] = [match[1] ?? "", match[4] ?? ""];
  const yearFirst = first.length === 4;
  const well = yearFirst ? last.length <= 2 : first.length <= 2 && (last.length === 4 || last.length === 2);
  if (!well) return null;
  const parts = [Number(first), Number(match[3]), Number(last)] as const;
  return { separator: match[2] as Triple["separator"], parts, yearFirst, lastDigits: last.length };
}

/** The day of a triple in this order; `null` where it is none. Years of two digits are 1969 to 2068. */
export function dayOf(triple: Triple, order: DateFormat["order"]): number | null {
  const [a, b, c] = triple.parts;
  if (triple.yearFirst !== (order === "Ymd")) return null;
  if (order === "Ymd") return dayNumber(a, b, c);
  const short = order === "dmy" || order === "mdy";
  if (short !== (triple.lastDigits === 2)) return null;
  const year = short ? c + (c >= 69 ? 1900 : 2000) : c;
  return order.startsWith("d") ? dayNumber(year, b, a) : dayNumber(year, a, b);
}

/** Days since 1970-01-01. */
export function readDate(cell: string, format: DateFormat): number | CellCause {
  const triple = readTriple(cell);
  if (triple === null || triple.separator !== format.separator) return "not_date";
  const day = dayOf(triple, format.order);
  if (day !== null) return day;
  const asWritten = triple.yearFirst === (format.order === "Ymd");
  return asWritten ? "no_such_day" : "not_date";
}

const BEYOND_ASCII = /[^\x00-\x7f]/;

export function isAscii(cell: string): boolean {
  return !BEYOND_ASCII.test(cell);
}

/** Characters as the servers count them: code points. */
export function lengthOf(cell: string, ascii: boolean): number {
  if (ascii) return cell.length;
  let length = 0;
  for (let at = 0; at < cell.length; at += 1) {
    const code = cell.charCodeAt(at);
    if (code < 0xdc00 || code > 0xdfff) length += 1;
  }
  return length;
}
