// A dummy of a table: rows that have nothing to do with the real ones, but for the public schema, so that an
// analyst can write and record a script without seeing data.

import type { Rules } from "../contract/language.ts";
import { MISSING } from "./cells.ts";
import { dateOf } from "../contract/dates.ts";
import { LONGEST_TEXT, type ColumnType } from "../contract/types.ts";
import { typeIn, type ColumnMeta } from "./types.ts";

/** Rows of a dummy unless told otherwise: enough to look real, few enough to compute at once. */
export const DUMMY_ROWS = 100;
/** Of a hundred values that may be missing, so many are. */
const MISSING_PERCENT = 10;

/** A dummy as CSV: the same text for the same schema, rows and seed. Throws for a type that is none. */
export function dummyCsv(columns: readonly ColumnMeta[], rows: number = DUMMY_ROWS, seed = 1): string {
  const types = columns.map(({ name, type }) => {
    const read = typeIn(type);
    if (read === null) throw new RangeError(`the column ${name} has no type that is known`);
    return read;
  });
  const random = new Random(seed);
  const lines = [columns.map(({ name }) => quoted(name)).join(",")];
  for (let row = 0; row < rows; row += 1) {
    const cells = types.map((type) => dummyCell(type, row, random));
    // A line of one missing value would be an empty line.
    lines.push(cells.length === 1 && cells[0] === "" ? '""' : cells.join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** The notebook cell that reads the dummy and says which table it stands for, under the same rules. */
export function dummyNotebookCell(
  columns: readonly ColumnMeta[],
  handle: string,
  file: string,
  rules: Partial<Rules> = {},
): string {
  const { min_rows, join_only = [], round_counts } = rules;
  const asked = [
    ...(min_rows === undefined ? [] : [`min_rows=${min_rows}`]),
    ...(join_only.length === 0 ? [] : [`join_only=[${join_only.map(python).join(", ")}]`]),
    ...(round_counts === undefined ? [] : [`round_counts=${round_counts}`]),
  ];
  const types = columns.map(({ name, type }) => `        ${python(name)}: ${python(type)},`);
  return [
    "import crandas as cd",
    "",
    "table = cd.read_csv(",
    `    ${python(file)},`,
    "    ctype={",
    ...types,
    "    },",
    `    dummy_for=${python(handle)},`,
    ...(asked.length === 0 ? [] : [`    rules=cd.Rules(${asked.join(", ")}),`]),
    ")",
    "",
  ].join("\n");
}

/** One value of a type. The first rows hold the bounds, so that a script meets them. */
function dummyCell(type: ColumnType, row: number, random: Random): string {
  if (type.nullable && random.below(100n) < BigInt(MISSING_PERCENT)) return "";
  switch (type.kind) {
    case "integer":
    case "mean":
      return String(between(type.min, type.max, row, random));
    case "date":
      return dateOf(Number(between(BigInt(type.min), BigInt(type.max), row, random)));
    case "boolean":
      return random.below(2n) === 1n ? "true" : "false";
    case "text":
      return quoted(word(type, random));
  }
}

function between(min: bigint, max: bigint, row: number, random: Random): bigint {
  if (row === 0) return min;
  return row === 1 ? max : min + random.below(max - min + 1n);
}

const PLAIN = "abcdefghijklmnopqrstuvwxyz";
const BEYOND = `${PLAIN}éëïöüß`;
/** Texts of a dummy are short even where long ones are allowed. */
const LONGEST_WORD = 12;

/** Never a word that means a missing value, and never empty, which does too. */
function word({ length, ascii }: { length: number; ascii: boolean }, random: Random): string {
  const letters = ascii ? PLAIN : BEYOND;
  const most = Math.min(length, LONGEST_WORD, LONGEST_TEXT);
  for (;;) {
    const count = 1 + Number(random.below(BigInt(most)));
    const letter = (): string => letters[Number(random.below(BigInt(letters.length)))] ?? "a";
    const made = Array.from({ length: count }, letter).join("");
    if (!MISSING.includes(made)) return made;
  }
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) || cell === "" ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A text as Python reads it. */
function python(text: string): string {
  // What JSON escapes, Python escapes in the same way; the rest stands as it is.
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** SplitMix64: the same numbers on every machine. Good enough for dummies, and for nothing else. */
class Random {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt.asUintN(64, BigInt(Math.trunc(seed)));
  }

  #next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** A number below `end`, which is at most 2^98. */
  below(end: bigint): bigint {
    return ((this.#next() << 64n) | this.#next()) % end;
  }
}
