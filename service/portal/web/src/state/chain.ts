// Logs in which every line names the one before: whether nothing in them was changed, taken out or put in.

import { digest, digestWithin } from "../contract/digests.ts";
import { utf8 } from "./base64.ts";

const NOTHING_BEFORE = "0".repeat(64);

/** How many lines hang together, or the first that does not and why. */
export type Verdict = { good: true; count: number; head: string } | { good: false; at: number; why: "number" | "digest" | "unreadable" };

/** The portal's own journal: BLAKE3 of the line before, in lower case. */
export const checkJournal = (text: string): Verdict => check(text, (line) => digest(utf8(line)).toLowerCase(), 1);

/** A server's audit log: BLAKE3 with a context of its own. */
export const checkAudit = (text: string): Verdict => check(text, (line) => digestWithin("vdl audit entry 1", utf8(line)), undefined);

export type Line = { sequence: number; time: number; previous: string; [field: string]: unknown };

export function readLine(line: string): Line | undefined {
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

export const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

function check(text: string, name: (line: string) => string, first: number | undefined): Verdict {
  let head = NOTHING_BEFORE;
  let due = first;
  const lines = linesOf(text);
  for (const [at, line] of lines.entries()) {
    const read = readLine(line);
    if (read === undefined) return { good: false, at: at + 1, why: "unreadable" };
    due ??= read.sequence;
    if (read.sequence !== due) return { good: false, at: read.sequence, why: "number" };
    if (read.previous !== head) return { good: false, at: read.sequence, why: "digest" };
    head = name(line);
    due += 1;
  }
  return { good: true, count: lines.length, head };
}
