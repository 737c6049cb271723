// What others wrote, as it is shown: signs that cannot be seen or that turn the writing direction are spelled
// out. The tables are those of the servers' language and not the browser's, so that all show the same.

import { HIDDEN, JOINED } from "./visible-table.ts";

/** First and last of each range, as distances in base 36. */
function ranges(table: string): Uint32Array {
  let at = 0;
  return Uint32Array.from(table.split(" "), (distance) => (at += Number.parseInt(distance, 36)));
}

const hidden = ranges(HIDDEN);
const joined = ranges(JOINED);

function isIn(table: Uint32Array, code: number): boolean {
  let [low, high] = [0, table.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((table[middle] ?? 0) <= code) low = middle + 1;
    else high = middle;
  }
  // An odd number of limits at or below it: it lies within.
  return low % 2 === 1;
}

const SHORT: Record<string, string> = { "\0": "\\0", "\t": "\\t", "\r": "\\r", "\n": "\\n", "\\": "\\\\" };

/** `marks` are the quotes to be spelled out; `alone` is a sign with nothing before it that it could join. */
function spell(character: string, marks: string, alone: boolean): string {
  if (marks.includes(character)) return `\\${character}`;
  const code = character.codePointAt(0) ?? 0;
  const short = SHORT[character];
  if (short !== undefined) return short;
  return isIn(hidden, code) || (alone && isIn(joined, code)) ? `\\u{${code.toString(16)}}` : character;
}

/** Everything spelled out that is not plainly what it looks like, quotes as well. */
export function escaped(text: string): string {
  return Array.from(text, (character, at) => spell(character, `"'`, at === 0)).join("");
}

/** A name in quotes. */
export const quoted = (text: string): string => `"${escaped(text)}"`;

/** In quotes as programs write a text. */
export const debugged = (text: string): string =>
  `"${Array.from(text, (character) => spell(character, `"`, true)).join("")}"`;

/** Without quotes around it, and those inside as they are. */
export const visible = (text: string): string =>
  Array.from(text, (character) => (character === "\\" ? character : spell(character, "", true))).join("");

/** The same of a text in several lines, each by itself. */
export const visibleLines = (text: string): string[] => text.split(/\r\n|\n/).map(visible);
