// The versions of a request as this page reads them.

import * as api from "../api/calls.ts";
import type { RequestView } from "../api/shapes.ts";
import type { Script } from "../contract/script.ts";
import type { Report } from "../contract/sentences/report.ts";
import { ui } from "../words/ui.ts";
import { readRequest, type Reading } from "./contract.ts";
import type { Locale } from "./format.ts";
import { latestPayload, readLatest } from "./latest.ts";
import { inWords } from "./problems.ts";

export type Readings = { latest?: Reading; former?: Reading; problem?: string };
type Named = { name: string; script: Script };

/** Approved scripts of this many other requests are compared with; more would keep an approver waiting. */
const MOST_OTHERS = 30;

/** The bytes of the version before the latest, in base64. */
export async function formerPayload(request: RequestView): Promise<string | undefined> {
  if (request.version < 2) return undefined;
  return (await api.oneVersion(request.id, request.version - 1)).payload ?? undefined;
}

export function readVersions(
  request: RequestView,
  before: string | undefined,
  locale: Locale,
  others: Named[],
): Readings {
  let latest: Reading;
  try {
    latest = readRequest(latestPayload(request), locale, others);
  } catch (problem) {
    return { problem: inWords(problem, ui[locale]) };
  }
  if (before === undefined) return { latest };
  try {
    return { latest, former: readRequest(before, locale) };
  } catch {
    return { latest };
  }
}

type OpenedWords = { values: (n: number) => string; what: Record<"groups" | "rows", string> };

/** What is opened, each kind of thing once, single values by their number. */
export function opensInAll(opened: Report["opened"], words: OpenedWords): string[] {
  const values = opened.reduce((sum, one) => sum + (one.what === "values" ? (one.values ?? 1) : 0), 0);
  const others = (["groups", "rows"] as const).filter((kind) => opened.some((one) => one.what === kind));
  return [...(values > 0 ? [words.values(values)] : []), ...others.map((kind) => words.what[kind])];
}

/** Scripts that were approved before: two answers that differ in one condition can tell of one person. */
export async function otherScripts(project: string, id: string): Promise<Named[]> {
  const approved = (await api.requests(project)).filter(
    (one) => one.state === "approved" && one.id !== id && one.kind === "script",
  );
  const views = await Promise.all(approved.slice(0, MOST_OTHERS).map((one) => api.oneRequest(one.id)));
  return views.flatMap((view) => {
    const statement = readLatest(view);
    return statement === undefined ? [] : [{ name: view.name, script: statement.script }];
  });
}
