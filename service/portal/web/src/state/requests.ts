// What follows from a project and its requests, without asking anybody.

import type { Key, Member, Project, RequestState, RequestSummary } from "../api/shapes.ts";
import { POLICY_VERSION } from "../contract/statement.ts";
import type { UiWords } from "../words/ui.ts";

/** Who enrolled this key. */
export const ownerOf = (project: Project, spki: string): Member | undefined =>
  project.members.find((member) => member.keys.some((key) => key.public === spki));

export const nameOfUser = (project: Project | undefined, id: string): string =>
  project?.members.find((member) => member.user === id)?.name ?? id;

/** The reader's key that stands in the approvers' list, if one does. */
export function approverKey(project: Project, mine: readonly Key[]): Key | undefined {
  const listed = new Set(project.policy?.approvers.map((approver) => approver.key));
  return mine.find((key) => key.purpose === "approver" && !key.retired && listed.has(key.public));
}

export const policyVersion = (project: Project): number => project.policy?.version ?? POLICY_VERSION;

/** Whether somebody still has to do something about it. */
export const isWaiting = (state: RequestState): boolean =>
  state === "submitted" || state === "changes_requested";

/** The cell an analyst runs an approved script with; `steps` stands for their own lines. */
export function notebookCell(file: string, keyFile: string): string {
  return [
    "import crandas as cd",
    "",
    `cd.base.session.analyst_key = ${python(keyFile)}`,
    `script = cd.script.load(${python(file)})`,
    "",
    "# ... the same lines that were recorded ...",
    "",
    "script.close()",
    "",
  ].join("\n");
}

/** A text as Python writes it. */
export const python = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** What kind of request it is, in words, where its title does not say just that. Scripts are what is
 *  usual. */
export function kindBeside(
  { kind, name }: Pick<RequestSummary, "kind" | "name">,
  words: UiWords,
): string | undefined {
  if (kind === "script") return undefined;
  const said = kind === "upload" ? words.requests.uploadKind : words.remove.kind;
  return name.trim() === said ? undefined : said;
}
