// What the cells of one column are, counted for every reading at once.

import {
  dayOf,
  FLAGS,
  hasLeadingZero,
  isAscii,
  lengthOf,
  nameOfFormat,
  readInteger,
  readTriple,
  type DateFormat,
} from "./cells.ts";

/** Cells of one reading, and their range. */
export interface Range<T> {
  count: number;
  min: T;
  max: T;
}

const ORDERS: readonly DateFormat["order"][] = ["Ymd", "dmY", "mdY", "dmy", "mdy"];
/** After so many cells, a reading that none of them had is looked for no more. */
const ENOUGH = 2000;

export class Tally {
  present = 0;
  missing = 0;
  integers: Range<number | bigint> = { count: 0, min: 0, max: 0 };
  leadingZeros = 0;
  fractions = 0;
  thousands = 0;
  tooWide = 0;
  /** By the pair of words. */
  readonly flags = FLAGS.map(() => ({ yes: 0, no: 0 }));
  /** By the name of the format. */
  readonly dates = new Map<string, Range<number>>();
  longest = 0;
  longestAscii = 0;
  beyondAscii = 0;
  nul = 0;

  addMissing(): void {
    this.missing += 1;
  }

  /** `cell` as it is, `bare` without the spaces around it. */
  add(cell: string, bare: string): void {
    this.present += 1;
    const searched = this.present <= ENOUGH;
    if (searched || this.integers.count > 0) this.#integer(bare);
    if (bare.length <= 6 && (searched || this.flags.some(({ yes, no }) => yes + no > 0))) this.#flag(bare);
    if (searched || this.dates.size > 0) this.#date(bare);
    const ascii = isAscii(cell);
    if (!ascii) this.beyondAscii += 1;
    const length = lengthOf(cell, ascii);
    if (length > this.longest) this.longest = length;
    if (ascii && length > this.longestAscii) this.longestAscii = length;
    if (cell.includes("\0")) this.nul += 1;
  }

  #integer(bare: string): void {
    const value = readInteger(bare);
    if (typeof value === "string") {
      if (value === "fraction") this.fractions += 1;
      if (value === "thousands") this.thousands += 1;
      if (value === "too_wide") this.tooWide += 1;
      return;
    }
    const range = this.integers;
    if (range.count === 0) [range.min, range.max] = [value, value];
    if (value < range.min) range.min = value;
    if (value > range.max) range.max = value;
    range.count += 1;
    if (bare.length > 1 && hasLeadingZero(bare)) this.leadingZeros += 1;
  }

  #flag(bare: string): void {
    const word = bare.toLowerCase();
    FLAGS.forEach(([yes, no], pair) => {
      const seen = this.flags[pair];
      if (seen === undefined) return;
      if (word === yes) seen.yes += 1;
      if (word === no) seen.no += 1;
    });
  }

  #date(bare: string): void {
    const triple = readTriple(bare);
    if (triple === null) return;
    for (const order of ORDERS) {
      const day = dayOf(triple, order);
      if (day === null) continue;
      const name = nameOfFormat({ order, separator: triple.separator });
      const range = this.dates.get(name);
      if (range === undefined) {
        this.dates.set(name, { count: 1, min: day, max: day });
        continue;
      }
      range.count += 1;
      if (day < range.min) range.min = day;
      if (day > range.max) range.max = day;
    }
  }
}
