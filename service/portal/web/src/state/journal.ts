// Lines of the journal, for people.

import type { Entry } from "../api/shapes.ts";
import type { UiWords } from "../words/ui.ts";
import { count, day, short, size, type Locale } from "./format.ts";
import { visible } from "./visible.ts";

/** What it was done to and with, in one line. */
export function detailInWords(entry: Entry, words: UiWords, locale: Locale): string {
  const { detail } = entry;
  const parts = entry.object === "" ? [] : [short(entry.object)];
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
