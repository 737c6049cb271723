// What the tests of src/data share.

import { readFileSync } from "node:fs";
import { MissingWords } from "../../src/data/cells.ts";
import type { Chosen } from "../../src/data/column.ts";
import { encode, type Encoded } from "../../src/data/encode.ts";
import type { Reading } from "../../src/data/guess.ts";
import { survey, type Survey, type SurveyOptions } from "../../src/data/survey.ts";
import { readType, type ColumnType } from "../../src/contract/types.ts";
import type { ColumnMeta } from "../../src/data/types.ts";

/** A file of the folder that every part of the house reads. `npm test` runs beside package.json. */
export function vector<T>(name: string): T {
  return JSON.parse(readFileSync(`../../../vectors/${name}`, "utf8")) as T;
}

export function typeOf(text: string): ColumnType {
  const type = readType(text);
  if (type === null) throw new Error(`${text} is no type`);
  return type;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "hex"));
}

export function surveyed(text: string, options: SurveyOptions = {}): Promise<Survey> {
  return survey(new Blob([text]), options);
}

/** The readings proposed, with exact bounds. */
export function proposals(found: Survey): string[] {
  return found.columns.map(({ guess }) => {
    const option = guess.proposed === null ? undefined : guess.options[guess.proposed];
    return option === undefined ? "?" : writtenOption(option.reading, option.exact);
  });
}

function writtenOption(reading: Reading, type: ColumnType): string {
  const shown = { ...type };
  const mark = shown.nullable ? "?" : "";
  if (shown.kind === "integer") return `${shown.min}..${shown.max}${mark}`;
  if (shown.kind === "text") return `text ${shown.length}${shown.ascii ? " ascii" : ""}${mark}`;
  return `${reading.kind === "date" ? reading.format : shown.kind}${mark}`;
}

/** The columns of a table as a person would choose them for these types. */
export function chosenFor(columns: readonly ColumnMeta[]): Chosen[] {
  return columns.map(({ name, type }, column) => {
    const read = typeOf(type);
    const reading: Reading =
      read.kind === "date"
        ? { kind: "date", format: "Y-m-d" }
        : { kind: read.kind === "mean" ? "integer" : read.kind };
    return { column, name, reading, type: read };
  });
}

export async function encoded(
  text: string,
  columns: readonly ColumnMeta[],
  atOnce?: number,
): Promise<Encoded> {
  const source = new Blob([text]);
  const found = await survey(source, { delimiter: "," });
  return encode(source, found, chosenFor(columns), atOnce === undefined ? {} : { atOnce });
}

/** Cells by column as CSV; `null` is a missing value. */
export function csvOf(
  columns: readonly ColumnMeta[],
  cells: readonly (readonly (string | null)[])[],
): string {
  const rows = cells[0]?.length ?? 0;
  const lines = [columns.map(({ name }) => name)];
  for (let row = 0; row < rows; row += 1) {
    lines.push(cells.map((column) => `"${(column[row] ?? "").replaceAll('"', '""')}"`));
  }
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

export async function gathered(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part.slice());
  return Buffer.concat(all);
}

export const missingWords = new MissingWords();
