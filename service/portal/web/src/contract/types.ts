// Column types. Everything here is public: the bounds decide how many bits a value takes.

import { daysOf, dateOf } from "./dates.ts";
import { refuse } from "./codec.ts";
import type { Codec } from "./codec.ts";

/** The longest text a column may hold, in characters. */
export const LONGEST_TEXT = 4096;
/** The largest bound of a whole number, of either sign. */
export const LARGEST = 2n ** 96n - 1n;
/** The largest whole number that takes part in arithmetic, of either sign. */
export const LARGEST_NARROW = 2n ** 63n - 1n;

/** What a column holds, apart from nullability. Bounds are inclusive; dates are days since 1970-01-01. */
export type Kind =
  | { readonly kind: "integer"; readonly min: bigint; readonly max: bigint }
  | { readonly kind: "boolean" }
  | { readonly kind: "date"; readonly min: number; readonly max: number }
  | { readonly kind: "text"; readonly length: number; readonly ascii: boolean }
  | { readonly kind: "mean"; readonly min: bigint; readonly max: bigint };

export type ColumnType = Kind & { readonly nullable: boolean };

/** Why a written type is none. */
export class TypeRefused extends Error {}

const refused = (message: string): never => {
  throw new TypeRefused(message);
};
const needsBoth = (whole: string): never => refused(`the type ${whole} needs both min and max`);

/** Bits one character takes. */
export const characterBits = (ascii: boolean): number => (ascii ? 7 : 21);

/** Bits one value takes: integers and dates as offsets from their minimum. */
export function width(type: Kind): number {
  switch (type.kind) {
    case "integer":
      return bitsOf(type.max - type.min);
    case "date":
      return bitsOf(BigInt(type.max - type.min));
    case "boolean":
      return 1;
    case "text":
      return type.length * characterBits(type.ascii);
    case "mean":
      return 128;
  }
}

/** Bits needed to write the numbers `0..=span`; at least one, so that no column is empty. */
const bitsOf = (span: bigint): number => (span === 0n ? 1 : span.toString(2).length);

/** The canonical form. */
export function writeType(type: ColumnType): string {
  return writeKind(type) + (type.nullable ? "?" : "");
}

function writeKind(kind: Kind): string {
  switch (kind.kind) {
    case "integer":
      return `int[min=${kind.min},max=${kind.max}]`;
    case "boolean":
      return "bool";
    case "date":
      return `date[min=${dateOf(kind.min)},max=${dateOf(kind.max)}]`;
    case "text":
      return kind.ascii ? `varchar[${kind.length},ascii]` : `varchar[${kind.length}]`;
    case "mean":
      return `mean[min=${kind.min},max=${kind.max}]`;
  }
}

/** What counts as a space; `String.trim` takes a few more and one less. */
const trimStart = (text: string): string => text.replace(/^\p{White_Space}+/u, "");
const trimEnd = (text: string): string => text.replace(/\p{White_Space}+$/u, "");
const trim = (text: string): string => trimStart(trimEnd(text));

/**
 * Reads the canonical form and the short ones: `int8` to `int96`, `uint8` to `uint96`, `int` (32 bits),
 * `date` (1900 to 2099), `varchar[12,ascii]`, each with `?` behind it if values may be missing.
 */
export function readType(text: string): ColumnType {
  const written = trim(text);
  const question = written.endsWith("?");
  const body = question ? trimEnd(written.slice(0, -1)) : written;
  const bracket = body.indexOf("[");
  const name = bracket < 0 ? body : trimEnd(body.slice(0, bracket));
  const inside = bracket < 0 ? "" : body.slice(bracket + 1);
  if (bracket >= 0 && !inside.endsWith("]")) refused(`the type ${text} lacks its closing bracket`);
  const given = new Arguments(bracket < 0 ? "" : inside.slice(0, -1), text);
  const kind = readKind(name, given);
  const nullable = given.takeFlag("nullable") || question;
  given.nothingLeft();
  return { ...kind, nullable };
}

function readKind(name: string, given: Arguments): Kind {
  switch (name) {
    case "bool":
      return { kind: "boolean" };
    case "date":
      return given.dateBounds();
    case "varchar":
      return given.text();
    case "mean":
      return { kind: "mean", ...(given.integerBounds() ?? needsBoth(given.whole)) };
    case "int":
      return { kind: "integer", ...(given.integerBounds() ?? { min: -(2n ** 31n), max: 2n ** 31n - 1n }) };
    default:
      return sized(name);
  }
}

/** `int8`, `uint24` and the like. */
function sized(name: string): Kind {
  const [, unsigned, digits = ""] = /^(u?)int([1-9][0-9]?)$/.exec(name) ?? [];
  const bits = Number(digits);
  if (digits === "" || bits % 8 !== 0 || bits > 96) {
    return refused(
      `\`${name}\` is no column type; there are int8 to int96, uint8 to uint96, int[min=,max=], bool, date ` +
        "and varchar[n]",
    );
  }
  if (unsigned === "u") return { kind: "integer", min: 0n, max: 2n ** BigInt(bits) - 1n };
  // Every int64 has its negative, so that it can take part in arithmetic.
  if (bits === 64) return { kind: "integer", min: -LARGEST_NARROW, max: LARGEST_NARROW };
  const half = 2n ** BigInt(bits - 1);
  return { kind: "integer", min: -half, max: half - 1n };
}

/** What stands between the brackets: `name=value` pairs and bare flags, each at most once. */
class Arguments {
  readonly whole: string;
  private readonly given: [name: string, value: string | undefined][] = [];

  constructor(inside: string, whole: string) {
    this.whole = whole;
    if (trim(inside) === "") return;
    for (const part of inside.split(",")) {
      const at = part.indexOf("=");
      const name = trim(at < 0 ? part : part.slice(0, at));
      if (this.given.some(([earlier]) => earlier === name))
        refused(`the type ${whole} gives \`${name}\` twice`);
      this.given.push([name, at < 0 ? undefined : trim(part.slice(at + 1))]);
    }
  }

  takeFlag(name: string): boolean {
    return this.remove((given, value) => given === name && value === undefined) !== undefined;
  }

  private take(name: string): string | undefined {
    return this.remove((given, value) => given === name && value !== undefined)?.[1];
  }

  private remove(wanted: (name: string, value: string | undefined) => boolean) {
    const at = this.given.findIndex(([name, value]) => wanted(name, value));
    return at < 0 ? undefined : this.given.splice(at, 1)[0];
  }

  private bounds<T extends bigint | number>(
    read: (text: string) => T | undefined,
  ): { min: T; max: T } | undefined {
    const [low, high] = [this.take("min"), this.take("max")];
    if (low === undefined && high === undefined) return undefined;
    if (low === undefined || high === undefined) return needsBoth(this.whole);
    const [min, max] = [read(low), read(high)];
    if (min === undefined || max === undefined) {
      return refused(
        `the bounds of the type ${this.whole} are no whole numbers below 2^96 (for a date: like 2000-01-31)`,
      );
    }
    return min <= max ? { min, max } : refused(`in the type ${this.whole}, min is above max`);
  }

  integerBounds(): { min: bigint; max: bigint } | undefined {
    return this.bounds((text) => {
      const number = /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
      return number !== undefined && number <= LARGEST && number >= -LARGEST ? number : undefined;
    });
  }

  dateBounds(): Kind {
    const usual = { min: daysOf("1900-01-01") ?? 0, max: daysOf("2099-12-31") ?? 0 };
    return { kind: "date", ...(this.bounds(daysOf) ?? usual) };
  }

  /** The length is the one bare number. */
  text(): Kind {
    const isLength = (name: string) => /^[1-9][0-9]*$/.test(name) && Number(name) < 2 ** 32;
    const found = this.remove((name, value) => value === undefined && isLength(name));
    if (found === undefined) return refused(`the type ${this.whole} lacks its length, as in varchar[12]`);
    const length = Number(found[0]);
    if (length > LONGEST_TEXT) refused(`the type ${this.whole} is longer than ${LONGEST_TEXT} characters`);
    const [ascii, unicode] = [this.takeFlag("ascii"), this.takeFlag("unicode")];
    if (ascii && unicode) refused(`the type ${this.whole} is ascii or unicode, not both`);
    return { kind: "text", length, ascii };
  }

  nothingLeft(): void {
    const first = this.given[0];
    if (first !== undefined) refused(`the type ${this.whole} does not know \`${first[0]}\``);
  }
}

/** Inside JSON only the canonical form stands: reading compares. */
export const columnType: Codec<ColumnType> = {
  read: (value, place) => {
    if (typeof value !== "string") return refuse("here should be a column type", place);
    try {
      return readType(value);
    } catch (error) {
      if (error instanceof TypeRefused) return refuse(error.message, place);
      throw error;
    }
  },
  write: writeType,
};
