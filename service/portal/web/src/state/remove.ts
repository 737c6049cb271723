// Deleting a table on the servers: the script that is asked for, and the run of it.

import * as api from "../api/calls.ts";
import { Refusal } from "../api/refusal.ts";
import type { Project, RequestSummary, RequestView } from "../api/shapes.ts";
import { SCRIPT_FORMAT, type Script } from "../contract/script.ts";
import { removeTable } from "../data/remove.ts";
import type { Signer } from "./keys.ts";
import { serversOf, signerFor } from "./provider.ts";

/** One step. */
export const removeScript = (handle: string): Script => ({
  format: SCRIPT_FORMAT,
  name: "Delete a table",
  ordered: true,
  holes: [],
  steps: [{ command: { verb: "remove", table: { by: "handle", handle: { value: handle } } } }],
});

/** The table that a script deletes; undefined where it does anything else. */
export function readRemoveScript({ ordered, steps }: Script): string | undefined {
  const [command, ...more] = steps.map((step) => step.command);
  if (!ordered || more.length > 0 || command?.verb !== "remove" || command.table.by !== "handle")
    return undefined;
  return "value" in command.table.handle ? command.table.handle.value : undefined;
}

/** The reader's latest request to delete one of their tables that can still lead to it. */
export const deletionAmong = (
  requests: readonly RequestSummary[],
  user: string,
): RequestSummary | undefined =>
  requests
    .filter(({ kind, user: whose }) => kind === "deletion" && whose === user)
    .filter(({ state }) => state === "approved" || state === "submitted" || state === "changes_requested")
    .sort((one, other) => other.changed - one.changed)[0];

/** Deletes it on the servers, then takes it off the list. In design mode nobody approves. */
export async function removeNow(
  project: Project,
  handle: string,
  approved?: { request: RequestView; key: Signer },
): Promise<"deleted" | "gone"> {
  const signer = approved === undefined ? null : await signerFor(approved.request, approved.key);
  const done = await removeTable(handle, serversOf(project), signer, AbortSignal.timeout(120_000));
  await api.deleteTable(handle).catch((problem: unknown) => {
    // Off the list already: that is where it should be.
    if (!(problem instanceof Refusal) || problem.code !== "no_such_thing") throw problem;
  });
  return done;
}
