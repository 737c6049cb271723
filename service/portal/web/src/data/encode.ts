// The second reading of a file: every cell is checked, and the rows that hold become bit planes.

import { ColumnReader, planesOf, planeWriter, type Chosen } from "./column.ts";
import { MissingWords } from "./cells.ts";
import { PLANES_AT_ONCE } from "./limits.ts";
import type { PlaneWriter } from "./planes.ts";
import { strideOf } from "./planes.ts";
import { Problems, type Cause, type Problem } from "./problems.ts";
import type { Place } from "./reader.ts";
import { Rejects } from "./rejects.ts";
import { readRows } from "./rows.ts";
import { FileDigest, SourceChanged, type Source, type Watch } from "./source.ts";
import type { Survey } from "./survey.ts";
import { writeType, type ColumnMeta } from "./types.ts";

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

/** One column alone takes more than a tab may hold: its texts are too long for so many rows. */
export class ColumnTooLarge extends Error {
  readonly column: string;

  constructor(column: string) {
    super(`the column ${column} takes too much memory; cut its texts, or leave it out`);
    this.column = column;
  }
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
  const groups = groupsOf(chosen, surveyed.rows, options.atOnce ?? PLANES_AT_ONCE);
  const reading = new Reading(source, surveyed, chosen);
  const problems = new Problems();
  const names = surveyed.columns.map((column) => column.name);
  const rejects = new Rejects(surveyed.format.delimiter, names);
  const say = options.say ?? ((cause, column) => (column === null ? cause : `${column}: ${cause}`));
  const refused = (place: Place, found: readonly Found[], fields: readonly string[]): void => {
    for (const { cause, column, cell } of found) problems.add(cause, column, place, cell);
    const words = found.map(({ cause, column }) => say(cause, column === null ? null : (names[column] ?? "")));
    rejects.add(place.row, words, fields);
  };
  const [first, rows] = await reading.pass(groups[0] ?? [], surveyed.rows, refused, watch);
  const columns = chosen.map(({ name, type }) => ({ name, type: writeType(type) }));
  const planes = chosen.reduce((sum, { type }) => sum + planesOf(type), 0);
  const table: Table = {
    columns,
    rows,
    bytes: planes * strideOf(rows) * 4,
    async *pieces(again) {
      yield* first.map(bytesOf);
      for (const group of groups.slice(1)) {
        const [more] = await reading.pass(group, rows, () => {}, again);
        for (let column = more.shift(); column !== undefined; column = more.shift()) yield bytesOf(column);
      }
    },
  };
  return { table, problems: problems.list(), rejects };
}

function bytesOf(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Columns that are encoded in one reading of the file. */
function groupsOf(chosen: readonly Chosen[], rows: number, atOnce: number): number[][] {
  const groups: number[][] = [];
  let room = 0;
  chosen.forEach(({ name, type }, number) => {
    const bytes = planesOf(type) * strideOf(rows) * 4;
    if (bytes > atOnce) throw new ColumnTooLarge(name);
    if (bytes > room || groups.length === 0) {
      groups.push([]);
      room = atOnce;
    }
    groups.at(-1)?.push(number);
    room -= bytes;
  });
  return groups;
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

  /** Planes of the columns numbered in `group`, and how many rows they have. */
  async pass(
    group: readonly number[],
    capacity: number,
    refused: Refused,
    watch: Watch | undefined,
  ): Promise<[Uint32Array<ArrayBuffer>[], number]> {
    const digest = new FileDigest();
    const row = new RowCheck(this.#chosen, this.#missing, group, capacity);
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

  constructor(
    chosen: readonly Chosen[],
    missing: MissingWords,
    group: readonly number[],
    capacity: number,
  ) {
    const writers: PlaneWriter[] = [];
    this.#columns = chosen.map((one, number) => {
      const writer = group.includes(number) ? planeWriter(one.type, capacity) : null;
      if (writer !== null) writers.push(writer);
      // A column that is not encoded this time is checked all the same.
      const block = writer?.block ?? planeWriter(one.type, 0).block;
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
