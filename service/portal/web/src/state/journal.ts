// Lines of the journal, for people.

import type { Entry, Project, RequestSummary, Table } from "../api/shapes.ts";
import type { UiWords } from "../words/ui.ts";
import { count, day, short, size, type Locale } from "./format.ts";
import type { Route } from "./routes.ts";
import { visible } from "./visible.ts";

export type Known = {
  project: Pick<Project, "id" | "members">;
  requests: readonly RequestSummary[];
  tables: readonly Table[];
};

/** So many entries the portal gives in one answer, where it has them. */
export const AT_ONCE = 200;

/** What people call the thing it was done to, and where it is looked at. Undefined where nobody has a name
 *  for it. */
export function aboutOf({ object }: Entry, known: Known): { name: string; route?: Route } | undefined {
  const project = known.project.id;
  const request = known.requests.find(({ id }) => id === object);
  if (request !== undefined)
    return { name: request.name, route: { page: "request", project, id: request.id } };
  const table = known.tables.find(({ handle }) => handle === object);
  if (table?.name != null) return { name: table.name, route: { page: "table", project, handle: object } };
  const member = known.project.members.find(({ user }) => user === object);
  return member === undefined ? undefined : { name: member.name };
}

/** What it was done to and with, in one line. `named`: what it was done to stands there by its name
 *  already. */
export function detailInWords(entry: Entry, words: UiWords, locale: Locale, named = false): string {
  const { detail } = entry;
  const parts = entry.object === "" || named ? [] : [short(entry.object)];
  if (typeof detail === "object" && detail !== null) {
    for (const [name, value] of Object.entries(detail)) {
      if (value === null || value === "") continue;
      const label = own(words.journal.details, name) ?? name.replaceAll("_", " ");
      parts.push(`${label}: ${told(name, value, words, locale)}`);
    }
  }
  return visible(parts.join(" · "));
}

function told(name: string, value: unknown, words: UiWords, locale: Locale): string {
  if (Array.isArray(value)) {
    return value.length === 0
      ? words.common.none
      : value.map((one) => told(name, one, words, locale)).join(", ");
  }
  if (typeof value === "number") {
    if (name === "sizes") return size(value, locale);
    return name === "expires" ? day(value, locale) : count(value, locale);
  }
  if (typeof value !== "string") return JSON.stringify(value);
  switch (name) {
    case "roles":
    case "before":
    case "after":
      return own(words.common.roles, value) ?? value;
    case "state":
      return own(words.common.states, value) ?? value;
    case "purpose":
      return own(words.keys.purposes, value) ?? value;
    case "email":
    case "code":
      return value;
    default:
      return short(value);
  }
}

const own = (list: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(list, name) ? list[name] : undefined;
