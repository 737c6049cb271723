// What stands in the menu, for whom.

import type { Membership, Role } from "../api/shapes.ts";
import type { Route } from "./routes.ts";

export type Item = {
  word: "home" | "requests" | "tables" | "members" | "policy" | "journal" | "keys" | "sessions" | "settings";
  icon: "inbox" | "request" | "table" | "people" | "shield" | "journal" | "key" | "session" | "settings";
  route: Route;
  current: boolean;
};
export type Group = { title: "project" | "yours"; items: Item[] };

/** Who may read the journal and the servers' logs. */
export const READ_JOURNAL: readonly Role[] = ["administrator", "auditor"];

export function navigation(here: Route, project: Membership | undefined): Group[] {
  const groups: Group[] = [{ title: "yours", items: [] }];
  const mine = groups[0];
  if (mine === undefined) return [];
  mine.items.push(item(here, "home", "inbox", { page: "home" }));
  if (project !== undefined) {
    const id = project.id;
    const items = [
      item(here, "requests", "request", { page: "requests", project: id }, ["request", "new-request"]),
      item(here, "tables", "table", { page: "tables", project: id }, ["table", "upload", "new-deletion"]),
      item(here, "policy", "shield", { page: "policy", project: id }),
      item(here, "members", "people", { page: "members", project: id }),
    ];
    if (project.roles.some((role) => READ_JOURNAL.includes(role))) {
      items.push(item(here, "journal", "journal", { page: "journal", project: id }));
    }
    groups[0] = { title: "project", items: [...mine.items, ...items] };
    groups.push({ title: "yours", items: [] });
  }
  groups
    .at(-1)
    ?.items.push(
      item(here, "keys", "key", { page: "keys" }),
      item(here, "sessions", "session", { page: "sessions" }),
      item(here, "settings", "settings", { page: "settings" }),
    );
  return groups;
}

function item(
  here: Route,
  word: Item["word"],
  icon: Item["icon"],
  route: Route,
  also: Route["page"][] = [],
): Item {
  return { word, icon, route, current: here.page === route.page || also.includes(here.page) };
}
