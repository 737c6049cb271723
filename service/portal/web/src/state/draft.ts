// What an analyst says when submitting, and the exact bytes it becomes.

import { base64, fromBase64, Refused } from "../contract/bytes.ts";
import type { Script } from "../contract/script.ts";
import { writeStatement, type NameRule, type Statement, type Terms } from "../contract/statement.ts";
import { firstSecond, isoDay, lastSecond, now } from "./format.ts";
import { tablesOf } from "./flow.ts";

/** As the form holds it: dates as the browser writes them, an empty text for no limit. */
export type Draft = {
  purpose: string;
  analyst: string;
  notBefore: string;
  expires: string;
  maxRuns: string;
  names: NameRule[];
};

export const DAYS = 90;

export function emptyDraft(analyst: string): Draft {
  const today = now();
  return {
    purpose: "",
    analyst,
    notBefore: isoDay(today),
    expires: isoDay(today + DAYS * 86_400),
    maxRuns: "5",
    names: [],
  };
}

export function draftOf(statement: Statement): Draft {
  return {
    purpose: statement.purpose ?? "",
    analyst: statement.analyst,
    notBefore: isoDay(statement.not_before),
    expires: statement.expires === undefined ? "" : isoDay(statement.expires),
    maxRuns: statement.max_runs === undefined ? "" : String(statement.max_runs),
    names: [...statement.names],
  };
}

/** What the form offers for a name besides one table: the first it meets, or whichever has it each time. */
export const FIRST = "first";
export const WHICHEVER = "whichever";

/** The rule for a name by what was chosen; `meant`: one of these two, or a table's handle. */
export function ruleOf(name: string, meant: string): NameRule {
  if (meant === FIRST || meant === WHICHEVER) return { name, may_change: meant === WHICHEVER };
  return { name, table: meant, may_change: false };
}

export const meantBy = ({ table, may_change }: NameRule): string =>
  table ?? (may_change ? WHICHEVER : FIRST);

/** A rule for each name that a script uses; what was said before stays. A name that may change is never the
 *  default: whoever gives names could then have the script asked of any table. */
export function rulesFor(script: Script, before: readonly NameRule[]): NameRule[] {
  return tablesOf(script)
    .filter((table) => table.by === "name" && !table.hole)
    .map(({ text: name }) => before.find((rule) => rule.name === name) ?? ruleOf(name, FIRST));
}

/** The payload in base64. Throws with the place where servers would refuse it. */
export function payloadOf(script: Script, draft: Draft, environment: string, version: number): string {
  const notBefore = secondOf(draft.notBefore, firstSecond);
  const expires = secondOf(draft.expires, lastSecond);
  const runs = draft.maxRuns.trim() === "" ? undefined : Number(draft.maxRuns);
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  const handles = tablesOf(script).filter((table) => table.by === "handle");
  const terms: Terms = {
    analyst: draft.analyst,
    environment,
    policy_version: version,
    not_before: notBefore ?? now(),
    ...(expires === undefined ? {} : { expires }),
    ...(runs === undefined ? {} : { max_runs: runs }),
    ...(draft.purpose.trim() === "" ? {} : { purpose: draft.purpose.trim() }),
    ...(script.ordered && handles.every((table) => !table.hole)
      ? { tables: handles.map((table) => table.text) }
      : {}),
    names: draft.names,
    nonce: nonce.join("").toUpperCase(),
  };
  return base64(writeStatement(script, terms));
}

/** Of no day where none was chosen. A day that cannot be signed is not taken for none. */
function secondOf(date: string, read: (date: string) => number | undefined): number | undefined {
  const second = read(date);
  if (second === undefined && date !== "") throw new Refused("no_such_day", "there is no such day");
  return second;
}

export const bytesOf = (payload: string): Uint8Array => fromBase64(payload) ?? new Uint8Array();
