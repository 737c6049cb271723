// Lines of the journal, for people.

import type { Entry } from "../api/shapes.ts";
import { short } from "./format.ts";
import { visible } from "./visible.ts";

/** What it was done to and with, in one line. */
export function detailInWords(entry: Entry): string {
  const { detail } = entry;
  const parts = entry.object === "" ? [] : [short(entry.object)];
  if (typeof detail === "object" && detail !== null) {
    for (const [name, value] of Object.entries(detail)) {
      if (value === null || value === "") continue;
      const text = typeof value === "string" ? short(value) : JSON.stringify(value);
      parts.push(`${name.replaceAll("_", " ")} ${text}`);
    }
  }
  return visible(parts.join(" · "));
}
