// What this page takes from `contract/`, in the reader's language.

import { fromBase64 } from "../contract/bytes.ts";
import { digest, fingerprint } from "../contract/digests.ts";
import {
  isSame,
  diffScripts,
  diffValues,
  nearIdentical,
  type FieldDiff,
  type ScriptDiff,
} from "../contract/diff.ts";
import type { Script } from "../contract/script.ts";
import { reportStatement, riskOfNearIdentical } from "../contract/sentences/approval.ts";
import type { Report } from "../contract/sentences/report.ts";
import { sortRisks, type Risk, type RiskCode } from "../contract/sentences/risk.ts";
import { keyOf, readStatement, statementCodec, type Statement } from "../contract/statement.ts";
import { en } from "../words/contract/en.ts";
import { nl } from "../words/contract/nl.ts";
import { ui } from "../words/ui.ts";
import { flowOf, tablesOf, type Flow } from "./flow.ts";
import type { Locale } from "./format.ts";

const HOLES: readonly RiskCode[] = ["open_hole", "wide_hole", "bound_hole"];

/** A request as this page decoded it; all of it comes from `bytes`, and `bytes` is what is signed. */
export type Reading = {
  bytes: Uint8Array<ArrayBuffer>;
  digest: string;
  statement: Statement;
  report: Report;
  flow: Flow;
  tables: ReturnType<typeof tablesOf>;
};

/** Decodes what the portal sent. Throws where servers would refuse it. `earlier`: other scripts, with
 *  names. */
export function readRequest(
  payload: string,
  locale: Locale,
  earlier: { name: string; script: Script }[] = [],
): Reading {
  const bytes = fromBase64(payload);
  if (bytes === undefined) throw new Error("the payload is no base64");
  const statement = readStatement(bytes);
  const words = locale === "nl" ? nl : en;
  const near = earlier
    .filter((other) => nearIdentical(other.script, statement.script) !== undefined)
    .map((other) => riskOfNearIdentical(words, other.name));
  const report = plainLeave(reportStatement(words, statement, near), statement.script, locale);
  const flow = flowOf(
    statement.script,
    report.steps.map((step) => step.opens),
  );
  return { bytes, digest: digest(bytes), statement, report, flow, tables: tablesOf(statement.script) };
}

/** Permission to upload is open on purpose: that is one thing to know about it, and no risk for every
 *  column. */
function plainLeave(report: Report, script: Script, locale: Locale): Report {
  if (script.ordered || script.steps.some(({ command }) => command.verb !== "upload")) return report;
  const rest = report.risks.filter(({ code }) => !HOLES.includes(code));
  if (rest.length === report.risks.length) return report;
  const open: Risk = { code: "open_hole", level: "note", text: ui[locale].review.leaveOpen };
  return { ...report, risks: sortRisks([...rest, open]), holes: [] };
}

/** What a signed statement says anew, beside its script. */
export type Changes = { script: ScriptDiff; terms: FieldDiff[]; nothing: boolean };

export function changesBetween(before: Statement, after: Statement): Changes {
  const script = diffScripts(before.script, after.script);
  const terms = diffValues(termsOf(before), termsOf(after));
  return { script, terms, nothing: isSame(script) && terms.length === 0 };
}

/** All but the script, and but the nonce, which is always another. */
function termsOf(statement: Statement) {
  const { nonce: _nonce, ...rest } = statement;
  const written = statementCodec.write({ ...rest, script: { ...statement.script, steps: [] } });
  if (typeof written !== "object" || written === null || Array.isArray(written)) return {};
  const { script: _script, ...terms } = written;
  return terms;
}

/** For people to compare; a question mark for what is no key. */
export function fingerprintOf(spki: string): string {
  const key = keyOf(spki);
  return key === undefined ? "?" : fingerprint(key);
}
