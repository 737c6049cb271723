// Rows that were refused, as a CSV file to correct and upload again.

import { REJECTS_KEPT } from "./limits.ts";
import type { Octets } from "./source.ts";

const FLUSH = 1 << 16;

/** Collects rows; once `REJECTS_KEPT` bytes are held, further rows are only counted. */
export class Rejects {
  readonly #delimiter: string;
  readonly #parts: Octets[] = [];
  #text = "\ufeff";
  #bytes = 0;
  count = 0;
  /** How many of them the file holds. */
  kept = 0;

  constructor(delimiter: string, header: readonly string[]) {
    this.#delimiter = delimiter;
    this.#text += this.#line(["row", "problem", ...header]);
  }

  add(row: number, problems: readonly string[], fields: readonly string[]): void {
    this.count += 1;
    if (this.#bytes + this.#text.length > REJECTS_KEPT) return;
    this.kept += 1;
    this.#text += this.#line([String(row), problems.join("; "), ...fields]);
    if (this.#text.length >= FLUSH) this.#flush();
  }

  /** The file, in pieces: UTF-8 with a byte-order mark, as spreadsheets want it. */
  file(): readonly Octets[] {
    this.#flush();
    return this.#parts;
  }

  #line(fields: readonly string[]): string {
    return `${fields.map((field) => writeCell(field, this.#delimiter)).join(this.#delimiter)}\r\n`;
  }

  #flush(): void {
    const part = new TextEncoder().encode(this.#text);
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#text = "";
  }
}

/** A cell as CSV. What a spreadsheet would run as a formula gets an apostrophe in front; numbers do not. */
export function writeCell(cell: string, delimiter: string): string {
  const formula = /^[\s]*[=+\-@\t\r|%]/.test(cell) && !/^[+-]?[0-9]+([.,][0-9]+)?$/.test(cell);
  const safe = formula ? `'${cell}` : cell;
  const quoted = safe.includes(delimiter) || /["\r\n;,\t]|^\s|\s$/.test(safe);
  return quoted ? `"${safe.replaceAll('"', '""')}"` : safe;
}
