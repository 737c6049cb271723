// Rows of a CSV file (RFC 4180, and what people really have), from text that comes piece by piece.

/** Where a row stands: as a spreadsheet numbers it (the header is 1), and the line it starts on. */
export interface Place {
  readonly row: number;
  readonly line: number;
}

/** What is wrong with the form of a row, whatever its columns are. */
export type Flaw = "after_quote" | "unclosed_quote";

/** `fields` is used again for the next row: keep what is needed, not the array. */
export type Sink = (fields: readonly string[], place: Place, flaw: Flaw | null) => void;

/** Characters one row may have; a quote that is never closed soon makes one longer. */
export const LONGEST_ROW = 1 << 22;

const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;

/** The row that starts on this line does not end: mostly a quote that is never closed. */
export class RowTooLong extends Error {
  readonly line: number;

  constructor(line: number) {
    super(`the row that starts on line ${line} does not end; is a quote missing?`);
    this.line = line;
  }
}

export class RowReader {
  readonly #delimiter: number;
  readonly #sink: Sink;
  #rest = "";
  #line = 1;
  #row = 0;
  #fields: string[] = [];
  #flaw: Flaw | null = null;
  #breaks = 0;
  #quoted = false;

  constructor(delimiter: string, sink: Sink) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#sink = sink;
  }

  push(text: string): void {
    const whole = this.#rest === "" ? text : this.#rest + text;
    this.#rest = whole.slice(this.#scan(whole, false));
    if (this.#rest.length > LONGEST_ROW) throw new RowTooLong(this.#line);
  }

  /** The last row may lack its line break. */
  end(): void {
    this.#scan(this.#rest, true);
    this.#rest = "";
  }

  /** Where the first row that is not complete yet starts. */
  #scan(text: string, final: boolean): number {
    let at = 0;
    while (at < text.length) {
      const end = this.#record(text, at, final);
      if (end < 0) return at;
      this.#row += 1;
      const blank = this.#fields.length === 1 && !this.#quoted && this.#fields[0]?.trim() === "";
      if (!blank) this.#sink(this.#fields, { row: this.#row, line: this.#line }, this.#flaw);
      this.#line += this.#breaks + 1;
      at = end;
    }
    return at;
  }

  /** Reads one row into `#fields`; where the next one starts, or -1 if it does not end in this text. */
  #record(text: string, start: number, final: boolean): number {
    const fields: string[] = [];
    this.#fields = fields;
    [this.#flaw, this.#breaks, this.#quoted] = [null, 0, false];
    let at = start;
    for (;;) {
      const quote = openingQuote(text, at);
      let end: number;
      if (quote >= 0) {
        end = this.#quotedField(text, quote, final);
        if (end < 0) return -1;
      } else {
        end = this.#endOfField(text, at);
        fields.push(text.slice(at, end));
      }
      if (end >= text.length) return final ? end : -1;
      if (text.charCodeAt(end) === this.#delimiter) {
        at = end + 1;
        continue;
      }
      if (text.charCodeAt(end) === NEWLINE) return end + 1;
      // A return: the line break is of two characters if a newline follows.
      if (end + 1 >= text.length) return final ? end + 1 : -1;
      return text.charCodeAt(end + 1) === NEWLINE ? end + 2 : end + 1;
    }
  }

  #endOfField(text: string, start: number): number {
    const delimiter = this.#delimiter;
    let at = start;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === delimiter || code === NEWLINE || code === RETURN) break;
    }
    return at;
  }

  /** Reads a field whose quote opens at `quote`; where it ends, or -1 if its end has not come. */
  #quotedField(text: string, quote: number, final: boolean): number {
    this.#quoted = true;
    let doubled = false;
    let close = text.indexOf('"', quote + 1);
    while (close >= 0 && text.charCodeAt(close + 1) === QUOTE) {
      doubled = true;
      close = text.indexOf('"', close + 2);
    }
    if (close < 0) {
      if (!final) return -1;
      this.#flaw = "unclosed_quote";
      this.#fields.push(text.slice(quote + 1));
      return text.length;
    }
    // Another piece might begin with the second of two quotes.
    if (close + 1 >= text.length && !final) return -1;
    const inside = text.slice(quote + 1, close);
    const value = doubled ? inside.replaceAll('""', '"') : inside;
    this.#breaks += breaksIn(value);
    let end = close + 1;
    while (text.charCodeAt(end) === SPACE && this.#delimiter !== SPACE) end += 1;
    const stop = this.#endOfField(text, end);
    if (stop > end) this.#flaw = "after_quote";
    this.#fields.push(stop > end ? value + text.slice(close + 1, stop) : value);
    return stop;
  }
}

/** Where the quote of a quoted field is, spaces before it left out; -1 if the field has none. */
function openingQuote(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) === SPACE) at += 1;
  return text.charCodeAt(at) === QUOTE ? at : -1;
}

function breaksIn(value: string): number {
  if (!value.includes("\n") && !value.includes("\r")) return 0;
  return value.split(/\r\n|\n|\r/).length - 1;
}

/** What may separate fields. */
export const DELIMITERS = [",", ";", "\t", "|"] as const;

/** The delimiter with which most rows of a sample have as many fields as each other, and more than one. */
export function delimiterOf(sample: string): string {
  let [best, merit] = [",", 0];
  for (const delimiter of DELIMITERS) {
    const counts: number[] = [];
    const reader = new RowReader(delimiter, (fields) => counts.push(fields.length));
    reader.push(sample);
    // The last row of a sample may be cut; it counts only where it is the only one.
    if (counts.length === 0) reader.end();
    const usual = mostCommon(counts);
    if (usual < 2) continue;
    const alike = counts.filter((count) => count === usual).length / counts.length;
    // Rows that agree count most; among equals, more fields.
    const found = alike * 1000 + Math.min(usual, 900) / 1000;
    if (found > merit) [best, merit] = [delimiter, found];
  }
  return best;
}

function mostCommon(counts: readonly number[]): number {
  const seen = new Map<number, number>();
  for (const count of counts) seen.set(count, (seen.get(count) ?? 0) + 1);
  return [...seen].reduce((best, next) => (next[1] > best[1] ? next : best), [0, 0])[0] ?? 0;
}
