// The portal's journal, in which every line names the one before: whether nothing was changed, taken out or
// put in.

import { digest } from "../contract/digests.ts";
import { utf8 } from "./base64.ts";

const NOTHING_BEFORE = "0".repeat(64);

/** How many lines hang together, or the first that does not and why. */
export type Verdict =
  | { good: true; count: number; head: string }
  | { good: false; at: number; why: "number" | "digest" | "unreadable" | "missing" };

type Line = { sequence: number; time: number; previous: string };

function readLine(line: string): Line | undefined {
  try {
    const read: unknown = JSON.parse(line);
    if (typeof read !== "object" || read === null) return undefined;
    const { sequence, time, previous } = read as Record<string, unknown>;
    const whole = typeof sequence === "number" && typeof time === "number" && typeof previous === "string";
    return whole ? (read as Line) : undefined;
  } catch {
    return undefined;
  }
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** Each line holds the BLAKE3 of the one before, in lower case. `length`: how many there were by the portal's
 *  own word, before it gave `text`. */
export function checkJournal(text: string, length = 0): Verdict {
  let head = NOTHING_BEFORE;
  const lines = linesOf(text);
  for (const [at, line] of lines.entries()) {
    const read = readLine(line);
    if (read === undefined) return { good: false, at: at + 1, why: "unreadable" };
    if (read.sequence !== at + 1) return { good: false, at: read.sequence, why: "number" };
    if (read.previous !== head) return { good: false, at: read.sequence, why: "digest" };
    head = digest(utf8(line)).toLowerCase();
  }
  if (lines.length < length) return { good: false, at: lines.length + 1, why: "missing" };
  return { good: true, count: lines.length, head };
}
