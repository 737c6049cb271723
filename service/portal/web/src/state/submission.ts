// Submitting: a script from its file, the bytes that approvers will sign, and whether the portal keeps just
// those.

import * as calls from "../api/calls.ts";
import type { Key, Project, RequestKind, RequestView } from "../api/shapes.ts";
import type { NameRule } from "../contract/statement.ts";
import { readScript, type Script } from "../contract/script.ts";
import { payloadOf, rulesFor, type Draft } from "./draft.ts";
import { readBytes } from "./files.ts";
import { policyVersion } from "./requests.ts";
import { isAsked, type AskedRules } from "./rules.ts";
import { altered, rememberSent } from "./sent.ts";

type Store = Parameters<typeof rememberSent>[3];
type Words = { note: string; dummyOutput?: string };
type Portal = Pick<typeof calls, "submit" | "resubmit" | "oneRequest">;
/** Where it went, and whether the portal keeps other bytes than were sent. */
export type Submitted = { id: string; altered: boolean };

/** The reader's keys that such a request can be for. */
export function keysFor(kind: RequestKind, keys: readonly Key[]): Key[] {
  const purpose = kind === "script" ? "analyst" : "provider";
  return keys.filter((key) => key.purpose === purpose && !key.retired);
}

/** Throws where servers would refuse it. `names`: what was said of names before. */
export async function takeScript(
  file: File,
  names: readonly NameRule[],
): Promise<{ script: Script; title: string; names: NameRule[] }> {
  const script = readScript(await readBytes(file));
  return { script, title: script.name ?? file.name.replace(/\.json$/, ""), names: rulesFor(script, names) };
}

/** Whether all is said that has to be. */
export const isComplete = (draft: Draft, asked: AskedRules): boolean =>
  draft.purpose.trim() !== "" && isAsked(asked);

export const payloadFor = (project: Project, script: Script, draft: Draft): string =>
  payloadOf(script, draft, project.environment, policyVersion(project));

export async function sendNew(
  project: string,
  what: { kind: RequestKind; name: string; payload: string },
  words: Words,
  portal: Portal = calls,
  store?: Store,
): Promise<Submitted> {
  const body = { ...what, name: what.name.trim(), ...said(words) };
  const made = await portal.submit(project, body);
  return remembered(made.id, made.version, what.payload, portal, store);
}

export async function sendVersion(
  request: RequestView,
  payload: string,
  words: Words,
  portal: Portal = calls,
  store?: Store,
): Promise<Submitted> {
  const made = await portal.resubmit(request.id, { payload, ...said(words) });
  return remembered(request.id, made.version, payload, portal, store);
}

/** As it is kept, not as it was answered: the version too is the one that is shown. Where it differs, the
 *  page of the request says so as long as it does. */
async function remembered(
  id: string,
  version: number,
  payload: string,
  portal: Portal,
  store?: Store,
): Promise<Submitted> {
  rememberSent(id, version, payload, store);
  const kept = await portal.oneRequest(id);
  rememberSent(id, kept.version, payload, store);
  return { id, altered: altered({ ...kept, id }, store) !== undefined };
}

const said = ({ note, dummyOutput = "" }: Words): { note?: string; dummy_output?: string } => ({
  ...(note.trim() === "" ? {} : { note: note.trim() }),
  ...(dummyOutput.trim() === "" ? {} : { dummy_output: dummyOutput.trim() }),
});
