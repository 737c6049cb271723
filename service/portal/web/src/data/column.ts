// One column of the table to be: reads its cells, checks them against the type, writes their bits.

import {
  formatOfName,
  isAscii,
  lengthOf,
  MissingWords,
  readBoolean,
  readDate,
  readInteger,
  trimmed,
  type CellCause,
} from "./cells.ts";
import type { Reading } from "./guess.ts";
import { PlaneWriter, type PlaneRange, writeNumber, writeText, writeWide } from "./planes.ts";
import { characterBits, LONGEST_TEXT, width, type ColumnType } from "../contract/types.ts";

/** A column a person settled on. */
export interface Chosen {
  /** Number of the column in the file, from 0. */
  readonly column: number;
  readonly name: string;
  readonly reading: Reading;
  readonly type: ColumnType;
}

/** Writes a cell that is there at a place of a block, or says why it does not fit. */
type Write = (cell: string, bare: string, block: Uint32Array, place: number) => CellCause | null;

/** What a cell turned out to be. */
export type Taken = "there" | "absent" | CellCause;

export class ColumnReader {
  readonly #write: Write;
  readonly #missing: MissingWords;
  readonly #nullable: boolean;

  constructor(chosen: Chosen, missing: MissingWords) {
    this.#write = writeOf(chosen);
    this.#missing = missing;
    this.#nullable = chosen.type.nullable;
  }

  /** Writes the bits of a cell into `block`, whose row is zero before. */
  take(cell: string, block: Uint32Array, place: number): Taken {
    const bare = trimmed(cell);
    if (this.#missing.has(bare)) return this.#nullable ? "absent" : "missing";
    return this.#write(cell, bare, block, place) ?? "there";
  }
}

/** The reading and the type of a column do not go together. */
export class WrongChoice extends Error {
  readonly column: string;

  constructor(column: string) {
    super(`the column ${column} cannot be read like that`);
    this.column = column;
  }
}

function writeOf({ name, reading, type }: Chosen): Write {
  if (reading.kind === "integer" && type.kind === "integer") return writeInteger(type.min, type.max);
  if (reading.kind === "boolean" && type.kind === "boolean") return writeBoolean;
  if (reading.kind === "text" && type.kind === "text") return writeTextOf(type.length, type.ascii);
  const format = reading.kind === "date" ? formatOfName(reading.format) : null;
  if (format === null || type.kind !== "date") throw new WrongChoice(name);
  const { min, max } = type;
  return (_, bare, block, place) => {
    const day = readDate(bare, format);
    if (typeof day === "string") return day;
    if (day < min || day > max) return "out_of_bounds";
    block[place] = day - min;
    return null;
  };
}

function writeInteger(min: bigint, max: bigint): Write {
  const [low, high] = [Number(min), Number(max)];
  const exact = Number.isSafeInteger(low) && Number.isSafeInteger(high) && Number.isSafeInteger(high - low);
  return (_, bare, block, place) => {
    const value = readInteger(bare);
    if (typeof value === "string") return value;
    if (exact && typeof value === "number") {
      if (value < low || value > high) return "out_of_bounds";
      writeNumber(value - low, block, place);
      return null;
    }
    const wide = BigInt(value);
    if (wide < min || wide > max) return "out_of_bounds";
    writeWide(wide - min, block, place);
    return null;
  };
}

const writeBoolean: Write = (_, bare, block, place) => {
  const value = readBoolean(bare);
  if (typeof value === "string") return value;
  block[place] = value ? 1 : 0;
  return null;
};

function writeTextOf(length: number, ascii: boolean): Write {
  if (length > LONGEST_TEXT) throw new RangeError("no column holds texts so long");
  const bits = characterBits(ascii);
  return (cell, _, block, place) => {
    if (cell.includes("\0")) return "nul";
    const plain = isAscii(cell);
    if (ascii && !plain) return "not_ascii";
    if (lengthOf(cell, plain) > length) return "too_long";
    writeText(cell, length, bits, block, place);
    return null;
  };
}

/** Planes of one row of a column, in bits: what decides how large the shares are. */
export function planesOf(type: ColumnType): number {
  return width(type) + (type.nullable ? 1 : 0);
}

/** A writer with room for `capacity` rows of a column, or of some of its planes. */
export function planeWriter(type: ColumnType, capacity: number, range: PlaneRange): PlaneWriter {
  return new PlaneWriter(capacity, width(type), range);
}
