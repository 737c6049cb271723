// The first reading of a file: how it is written, which columns it has, and what they seem to hold.

import { MissingWords, trimmed } from "./cells.ts";
import { guessOf, type Guess } from "./guess.ts";
import { Problems, type Problem } from "./problems.ts";
import { copyOf, formatOf, NotText, readRows, type FileFormat } from "./rows.ts";
import { FileDigest, type Source, type Watch } from "./source.ts";
import { Tally } from "./tally.ts";
import { LARGEST_ROWS } from "./limits.ts";

/** What a person said about the file; the rest is found out. */
export interface SurveyOptions extends Partial<FileFormat> {
  /** Words that mean a missing value, beside the empty cell. */
  readonly missing?: readonly string[];
}

export interface SurveyedColumn {
  /** As the header writes it, or made up where that is empty or stands twice. */
  readonly name: string;
  readonly renamed: boolean;
  readonly missing: number;
  readonly guess: Guess;
}

export interface Survey {
  readonly format: FileFormat;
  readonly missing: readonly string[] | undefined;
  readonly columns: readonly SurveyedColumn[];
  /** Rows of data, those with an error among them; rows without any value are none. */
  readonly rows: number;
  readonly emptyRows: number;
  /** The first rows, cut where they are long. */
  readonly preview: readonly (readonly string[])[];
  /** Rows that are none, whatever the types of the columns are. */
  readonly problems: readonly Problem[];
  readonly bytes: number;
  /** SHA-256 of the file, in lower-case hexadecimal. */
  readonly digest: string;
}

/** Why a file is no table. */
export type FileFault = "empty" | "no_columns" | "too_many_columns" | "too_many_rows";

export class BadFile extends Error {
  readonly fault: FileFault;

  constructor(fault: FileFault) {
    super(`the file is no table: ${fault.replaceAll("_", " ")}`);
    this.fault = fault;
  }
}

const PREVIEW = 20;
const MOST_COLUMNS = 4096;

/** Reads the whole file once. Holds no more of it than a piece and what is counted. */
export async function survey(source: Source, options: SurveyOptions = {}, watch?: Watch): Promise<Survey> {
  const format = await formatOf(source, options);
  try {
    return await surveyAs(source, format, options.missing, watch);
  } catch (error) {
    // Bytes that are no UTF-8 may stand far behind the beginning.
    const again = error instanceof NotText && options.encoding === undefined && format.encoding === "utf-8";
    if (!again) throw error;
    return surveyAs(source, { ...format, encoding: "windows-1252" }, options.missing, watch);
  }
}

async function surveyAs(
  source: Source,
  format: FileFormat,
  words: readonly string[] | undefined,
  watch: Watch | undefined,
): Promise<Survey> {
  const missing = new MissingWords(words);
  const digest = new FileDigest();
  const problems = new Problems();
  const preview: string[][] = [];
  let names: readonly string[] | null = null;
  let tallies: Tally[] = [];
  let [rows, emptyRows] = [0, 0];
  await readRows(
    source,
    format,
    (fields, place, flaw) => {
      if (names === null) {
        names = format.header ? fields.map((name) => copyOf(name.trim())) : fields.map(() => "");
        if (names.length > MOST_COLUMNS) throw new BadFile("too_many_columns");
        tallies = names.map(() => new Tally());
        if (format.header) return;
      }
      if (fields.every((cell) => trimmed(cell) === "")) {
        emptyRows += 1;
        return;
      }
      rows += 1;
      if (rows > LARGEST_ROWS) throw new BadFile("too_many_rows");
      if (preview.length < PREVIEW) preview.push(fields.map((cell) => copyOf(cell)));
      const wrong = flaw ?? (fields.length === tallies.length ? null : "ragged");
      if (wrong !== null) {
        problems.add(wrong, null, place, String(fields.length));
        return;
      }
      for (let at = 0; at < tallies.length; at += 1) count(tallies[at], fields[at] ?? "", missing);
    },
    watch,
    (piece) => digest.add(piece),
  );
  if (names === null) throw new BadFile("empty");
  const columns = columnsOf(names, tallies);
  if (columns.length === 0) throw new BadFile("no_columns");
  return {
    format,
    missing: words,
    columns,
    rows,
    emptyRows,
    preview,
    problems: problems.list(),
    bytes: source.size,
    digest: digest.hex(),
  };
}

function count(tally: Tally | undefined, cell: string, missing: MissingWords): void {
  const bare = trimmed(cell);
  if (missing.has(bare)) tally?.addMissing();
  else tally?.add(cell, bare);
}

/** No name is empty, none stands twice. */
function columnsOf(names: readonly string[], tallies: readonly Tally[]): SurveyedColumn[] {
  const taken = new Set<string>();
  const given = new Set(names);
  return tallies.map((tally, at) => {
    const written = names[at] ?? "";
    let name = written === "" ? `column_${at + 1}` : written;
    const renamed = name !== written || taken.has(name);
    for (let number = 2; taken.has(name) || (renamed && given.has(name)); number += 1) {
      name = `${written === "" ? `column_${at + 1}` : written}_${number}`;
    }
    taken.add(name);
    return { name, renamed, missing: tally.missing, guess: guessOf(tally) };
  });
}
