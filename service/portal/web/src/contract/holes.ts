// What an approver left open: `##name##` wherever a text may stand in a command.

import { inner, isObject, list, struct, tagged, text, u32 } from "./codec.ts";
import type { Codec } from "./codec.ts";
import { daysOf } from "./dates.ts";
import type { Json } from "./json.ts";
import { command as commandCodec, holeName, identifier, integer, isHole, readLarge } from "./language.ts";
import type { Command } from "./language.ts";
import { matches, patternProblem } from "./pattern.ts";

/** What may be filled into a hole. Bounds are inclusive; days are written as `2027-01-31`. */
export type Domain =
  | { readonly of: "integer"; readonly min: bigint; readonly max: bigint }
  | { readonly of: "one_of"; readonly texts: string[] }
  | { readonly of: "handles"; readonly handles: string[] }
  | { readonly of: "pattern"; readonly pattern: string }
  | { readonly of: "date"; readonly min: string; readonly max: string }
  | { readonly of: "text"; readonly most: number };

export type HoleDomain = { readonly hole: string; readonly domain: Domain };

const domain: Codec<Domain> = tagged<Domain, "of">("of", {
  integer: struct({ min: integer, max: integer }),
  one_of: inner("texts", list(text)),
  handles: inner("handles", list(identifier)),
  pattern: inner("pattern", text),
  date: struct({ min: text, max: text }),
  text: struct({ most: u32 }),
});

export const holeDomain = struct<HoleDomain>({ hole: holeName, domain });

/** Why a domain cannot be used, if so. */
export function domainProblem(domain: Domain): string | undefined {
  switch (domain.of) {
    case "integer":
    case "one_of":
    case "handles":
      return undefined;
    case "pattern":
      return patternProblem(domain.pattern);
    case "date": {
      const [first, last] = [daysOf(domain.min), daysOf(domain.max)];
      if (first === undefined || last === undefined) return "a day is written like 2027-01-31";
      return first <= last ? undefined : `no day lies between ${domain.min} and ${domain.max}`;
    }
    case "text":
      return domain.most === 0 ? "a text of at most 0 characters says nothing" : undefined;
  }
}

/** Whether the value that came for the hole is one of those allowed. */
export function allows(domain: Domain, value: Json): boolean {
  if (domain.of === "integer") {
    const number =
      typeof value === "number" ? BigInt(value) : typeof value === "string" ? readLarge(value) : undefined;
    return number !== undefined && domain.min <= number && number <= domain.max;
  }
  if (typeof value !== "string") return false;
  switch (domain.of) {
    case "one_of":
      return domain.texts.includes(value);
    case "handles":
      return domain.handles.includes(value);
    case "pattern":
      return matches(domain.pattern, value);
    case "date": {
      const [min, day, max] = [daysOf(domain.min), daysOf(value), daysOf(domain.max)];
      return min !== undefined && day !== undefined && max !== undefined && min <= day && day <= max;
    }
    case "text":
      return [...value].length <= domain.most;
  }
}

/** The holes of a command, each once, in the order in which they are written. */
export const holes = (command: Command): string[] => marked(command).filter(isHole);

/** A text between `##` and `##` that is no hole would silently match nothing. */
export const misspeltHole = (command: Command): string | undefined =>
  marked(command).find((text) => !isHole(text));

/** What begins and ends as a hole does. */
function marked(command: Command): string[] {
  const found = new Set<string>();
  visit(commandCodec.write(command), (text) => {
    if (text.length >= 4 && text.startsWith("##") && text.endsWith("##")) found.add(text);
  });
  return [...found];
}

function visit(value: Json, text: (text: string) => void): void {
  if (typeof value === "string") text(value);
  else if (Array.isArray(value)) for (const item of value) visit(item, text);
  else if (isObject(value)) for (const item of Object.values(value)) visit(item, text);
}
