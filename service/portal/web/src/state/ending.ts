// What ends soon: somebody should know before it is over.

import type { PolicyInfo, Project, RequestSummary, RequestView } from "../api/shapes.ts";
import { readLatest } from "./latest.ts";

/** How long before the end it is told, in seconds. */
export const SOON = 14 * 86_400;

export type Ending = {
  readonly what: "policy" | "draft" | "approval" | "leave";
  /** Of the project or the request. */
  readonly name: string;
  readonly project: string;
  readonly request?: string;
  readonly at: number;
};

const soon = (at: number | null | undefined, now: number): at is number =>
  at != null && at > now && at - now <= SOON;

/** Lists of approvers: the one that holds, and one that waits for signatures. */
export function endingPolicies(
  project: Pick<Project, "id" | "name">,
  policies: { current?: PolicyInfo | null; draft?: PolicyInfo | null },
  now: number,
): Ending[] {
  const { id, name } = project;
  const [held, draft] = [policies.current?.expires, policies.draft?.adopt_before];
  return [
    ...(soon(held, now) ? [{ what: "policy", name, project: id, at: held } as const] : []),
    ...(soon(draft, now) ? [{ what: "draft", name, project: id, at: draft } as const] : []),
  ];
}

/** Those whose end concerns the reader: their own that are approved. */
export const mayEnd = (all: readonly RequestSummary[], user: string): RequestSummary[] =>
  all.filter((one) => one.state === "approved" && one.user === user);

export function endingApprovals(requests: readonly RequestView[], now: number): Ending[] {
  return requests.flatMap((request) => {
    const statement = readLatest(request);
    if (!soon(statement?.expires, now)) return [];
    const what = request.kind === "upload" ? "leave" : "approval";
    return [
      {
        what,
        name: request.name,
        project: request.project,
        request: request.id,
        at: statement?.expires ?? 0,
      },
    ];
  });
}

export const byTime = (all: readonly Ending[]): Ending[] => [...all].sort((a, b) => a.at - b.at);
