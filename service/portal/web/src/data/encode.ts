// The second reading of a file: every cell is checked, and the rows that hold become bit planes.

import { ColumnReader, planesOf, planeWriter, type Chosen } from "./column.ts";
import { MissingWords } from "./cells.ts";
import { PLANES_AT_ONCE } from "./limits.ts";
import { strideOf, type PlaneRange, type PlaneWriter } from "./planes.ts";
import { Problems, type Cause, type Problem } from "./problems.ts";
import type { Place } from "./reader.ts";
import { Rejects } from "./rejects.ts";
import { readRows } from "./rows.ts";
import { FileDigest, SourceChanged, type Source, type Watch } from "./source.ts";
import type { Survey } from "./survey.ts";
import { writeType } from "../contract/types.ts";
import type { ColumnMeta } from "./types.ts";

/** A table ready to be split. */
export interface Table {
  readonly columns: readonly ColumnMeta[];
  readonly rows: number;
  /** Of one component: the planes of all columns, in order. */
  readonly bytes: number;
  /** The bytes of the component, from the beginning each time; pieces are whole 64-bit words. */
  pieces(watch?: Watch): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

export interface Encoded {
  readonly table: Table;
  /** What keeps rows out of the table. A person decides whether the rest is uploaded without them. */
  readonly problems: readonly Problem[];
  readonly rejects: Rejects;
}

export interface EncodeOptions {
  /** Bytes of planes held at a time. */
  readonly atOnce?: number;
  /** What a rejected row says of its cause. */
  readonly say?: (cause: Cause, column: string | null) => string;
}

/** Reads the file again and encodes the columns chosen. The file must be the one that was surveyed. */
export async function encode(
  source: Source,
  surveyed: Survey,
  chosen: readonly Chosen[],
  options: EncodeOptions = {},
  watch?: Watch,
): Promise<Encoded> {
  const planes = chosen.reduce((sum, { type }) => sum + planesOf(type), 0);
  const atOnce = planesAtOnce(surveyed.rows, options.atOnce ?? PLANES_AT_ONCE);
  const all: PlaneRange = { from: 0, to: planes };
  const nothing: PlaneRange = { from: 0, to: 0 };
  const reading = new Reading(source, surveyed, chosen);
  const problems = new Problems();
  const names = surveyed.columns.map((column) => column.name);
  const rejects = new Rejects(surveyed.format.delimiter, names);
  const say = options.say ?? ((cause, column) => (column === null ? cause : `${column}: ${cause}`));
  const refused = (place: Place, found: readonly Found[], fields: readonly string[]): void => {
    for (const { cause, column, cell } of found) problems.add(cause, column, place, cell);
    const nameOf = (column: number | null): string | null => (column === null ? null : (names[column] ?? ""));
    const words = found.map(({ cause, column }) => say(cause, nameOf(column)));
    rejects.add(place.row, words, fields);
  };
  // What cannot be held whole is only checked now, and encoded when it is needed.
  const held = planes <= atOnce;
  const [first, rows] = await reading.pass(held ? all : nothing, surveyed.rows, refused, watch);
  const columns = chosen.map(({ name, type }) => ({ name, type: writeType(type) }));
  const table: Table = {
    columns,
    rows,
    bytes: planes * strideOf(rows) * 4,
    async *pieces(again) {
      yield* first.map(bytesOf);
      for (let from = held ? planes : 0; from < planes; from += atOnce) {
        const range = { from, to: Math.min(planes, from + atOnce) };
        const [more] = await reading.pass(range, rows, () => {}, again);
        for (let words = more.shift(); words !== undefined; words = more.shift()) yield bytesOf(words);
      }
    },
  };
  return { table, problems: problems.list(), rejects };
}

function bytesOf(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** How many planes fit into so many bytes; one always does. */
function planesAtOnce(rows: number, bytes: number): number {
  return Math.max(1, Math.floor(bytes / Math.max(1, strideOf(rows) * 4)));
}

interface Found {
  readonly cause: Cause;
  /** Number in the file. */
  readonly column: number | null;
  readonly cell: string;
}

type Refused = (place: Place, found: readonly Found[], fields: readonly string[]) => void;

/** Reads the file as often as asked; the same rows hold every time. */
class Reading {
  readonly #source: Source;
  readonly #surveyed: Survey;
  readonly #chosen: readonly Chosen[];
  readonly #missing: MissingWords;

  constructor(source: Source, surveyed: Survey, chosen: readonly Chosen[]) {
    this.#source = source;
    this.#surveyed = surveyed;
    this.#chosen = chosen;
    this.#missing = new MissingWords(surveyed.missing);
  }

  /** The planes of a range, which counts those of all columns in order, and how many rows they have. */
  async pass(
    range: PlaneRange,
    capacity: number,
    refused: Refused,
    watch: Watch | undefined,
  ): Promise<[Uint32Array<ArrayBuffer>[], number]> {
    const digest = new FileDigest();
    const row = new RowCheck(this.#chosen, this.#missing, range, capacity);
    const width = this.#surveyed.columns.length;
    let header = this.#surveyed.format.header;
    let rows = 0;
    await readRows(
      this.#source,
      this.#surveyed.format,
      (fields, place, flaw) => {
        if (header) {
          header = false;
          return;
        }
        if (fields.every((cell) => cell.trim() === "")) return;
        const form: Cause | null = flaw ?? (fields.length === width ? null : "ragged");
        const found: readonly Found[] =
          form === null ? row.take(fields) : [{ cause: form, column: null, cell: String(fields.length) }];
        if (found.length === 0) rows += 1;
        else refused(place, found, fields);
      },
      watch,
      (piece) => digest.add(piece),
    );
    if (digest.hex() !== this.#surveyed.digest) throw new SourceChanged();
    return [row.finish(), rows];
  }
}

const NOTHING: readonly Found[] = [];

/** Takes a row whole or not at all. */
class RowCheck {
  readonly #columns: readonly Checked[];
  readonly #writers: readonly PlaneWriter[];

  constructor(chosen: readonly Chosen[], missing: MissingWords, range: PlaneRange, capacity: number) {
    const writers: PlaneWriter[] = [];
    let before = 0;
    this.#columns = chosen.map((one) => {
      const planes = planesOf(one.type);
      const from = Math.max(0, range.from - before);
      const to = Math.min(planes, range.to - before);
      before += planes;
      const writer = from < to ? planeWriter(one.type, capacity, { from, to }) : null;
      if (writer !== null) writers.push(writer);
      // A column that is not encoded this time is checked all the same.
      const block = writer?.block ?? planeWriter(one.type, 0, { from: 0, to: 0 }).block;
      return { column: one.column, reader: new ColumnReader(one, missing), writer, block, there: false };
    });
    this.#writers = writers;
  }

  take(fields: readonly string[]): readonly Found[] {
    let found: Found[] | null = null;
    for (const one of this.#columns) {
      const cell = fields[one.column] ?? "";
      const taken = one.reader.take(cell, one.block, one.writer?.place ?? 0);
      one.there = taken === "there";
      if (taken !== "there" && taken !== "absent") {
        found ??= [];
        found.push({ cause: taken, column: one.column, cell });
      }
    }
    for (const { writer, there } of this.#columns) {
      if (found === null) writer?.advance(there);
      else writer?.clear();
    }
    return found ?? NOTHING;
  }

  finish(): Uint32Array<ArrayBuffer>[] {
    return this.#writers.map((writer) => writer.finish());
  }
}

interface Checked {
  readonly column: number;
  readonly reader: ColumnReader;
  readonly writer: PlaneWriter | null;
  readonly block: Uint32Array;
  there: boolean;
}
