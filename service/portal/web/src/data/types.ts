// Column types as the servers know them. What may be written, in which canonical form and how wide, is the
// language of contract/command; vectors/types.json holds both to the same.

/** A column's type, apart from its written form. Bounds are inclusive; dates count days since 1970-01-01. */
export type Kind =
  | { readonly kind: "integer"; readonly min: bigint; readonly max: bigint }
  | { readonly kind: "boolean" }
  | { readonly kind: "date"; readonly min: number; readonly max: number }
  | { readonly kind: "text"; readonly length: number; readonly ascii: boolean }
  | { readonly kind: "mean"; readonly min: bigint; readonly max: bigint };

/** `nullable`: whether a value may be missing, written `?`. */
export type ColumnType = Kind & { readonly nullable: boolean };

/** A column's public description, as a command holds it. */
export interface ColumnMeta {
  readonly name: string;
  readonly type: string;
}

/** The largest bound of a whole number, of either sign. */
export const LARGEST = (1n << 96n) - 1n;
/** The largest whole number that takes part in arithmetic on the servers, of either sign. */
export const LARGEST_NARROW = (1n << 63n) - 1n;
/** The longest text a column may hold, in characters. */
export const LONGEST_TEXT = 4096;

/** Bits one character takes. */
export function characterBits(ascii: boolean): number {
  return ascii ? 7 : 21;
}

/** Bit planes one value takes: whole numbers and dates as offsets from their minimum. */
export function widthOf(type: Kind): number {
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

function bitsOf(span: bigint): number {
  return Math.max(1, span === 0n ? 0 : span.toString(2).length);
}

/** The canonical written form. */
export function writeType(type: ColumnType): string {
  return written(type) + (type.nullable ? "?" : "");
}

function written(type: Kind): string {
  switch (type.kind) {
    case "integer":
      return `int[min=${type.min},max=${type.max}]`;
    case "boolean":
      return "bool";
    case "date":
      return `date[min=${isoOfDays(type.min)},max=${isoOfDays(type.max)}]`;
    case "text":
      return type.ascii ? `varchar[${type.length},ascii]` : `varchar[${type.length}]`;
    case "mean":
      return `mean[min=${type.min},max=${type.max}]`;
  }
}

/** Reads a type as people write it; `null` where it is none. */
export function readType(text: string): ColumnType | null {
  let body = text.trim();
  let nullable = body.endsWith("?");
  if (nullable) body = body.slice(0, -1).trimEnd();
  const bracket = body.indexOf("[");
  if (bracket >= 0 && !body.endsWith("]")) return null;
  const word = bracket < 0 ? body : body.slice(0, bracket).trimEnd();
  const given = readArguments(bracket < 0 ? "" : body.slice(bracket + 1, -1));
  if (given === null) return null;
  const kind = readKind(word, given);
  if (given.delete("nullable")) nullable = true;
  return kind === null || given.size > 0 ? null : { ...kind, nullable };
}

/** What stands between the brackets; a bare flag has the value `null`. */
type Arguments = Map<string, string | null>;

function readArguments(inside: string): Arguments | null {
  const given: Arguments = new Map();
  if (inside.trim() === "") return given;
  for (const part of inside.split(",")) {
    const at = part.indexOf("=");
    const name = (at < 0 ? part : part.slice(0, at)).trim();
    if (given.has(name)) return null;
    given.set(name, at < 0 ? null : part.slice(at + 1).trim());
  }
  return given;
}

function readKind(word: string, given: Arguments): Kind | null {
  if (word === "bool") return { kind: "boolean" };
  if (word === "varchar") return readText(given);
  if (word === "date") {
    const bounds = takeBounds(given, "1900-01-01", "2099-12-31");
    const [min, max] = [bounds && daysOfIso(bounds[0]), bounds && daysOfIso(bounds[1])];
    return min === null || max === null || min > max ? null : { kind: "date", min, max };
  }
  if (word === "int" || word === "mean") {
    const usual = word === "int" ? (["-2147483648", "2147483647"] as const) : ([] as const);
    const bounds = takeBounds(given, ...usual);
    const [min, max] = [bounds && readBound(bounds[0]), bounds && readBound(bounds[1])];
    if (min === null || max === null || min > max) return null;
    return { kind: word === "int" ? "integer" : "mean", min, max };
  }
  return sized(word);
}

function takeBounds(given: Arguments, ...usual: readonly string[]): readonly [string, string] | null {
  const [min, max] = [given.get("min"), given.get("max")];
  const [least, most] = usual;
  if (min === undefined && max === undefined) {
    return least === undefined || most === undefined ? null : [least, most];
  }
  if (min === undefined || min === null || max === undefined || max === null) return null;
  given.delete("min");
  given.delete("max");
  return [min, max];
}

function readBound(text: string): bigint | null {
  if (!/^-?[0-9]{1,39}$/.test(text)) return null;
  const bound = BigInt(text);
  return bound >= -LARGEST && bound <= LARGEST ? bound : null;
}

function readText(given: Arguments): Kind | null {
  const written = [...given].find(([name, value]) => value === null && /^[1-9][0-9]*$/.test(name));
  if (written === undefined) return null;
  const length = Number(written[0]);
  if (length > LONGEST_TEXT) return null;
  given.delete(written[0]);
  const flag = (name: string): boolean => given.get(name) === null && given.delete(name);
  const [ascii, unicode] = [flag("ascii"), flag("unicode")];
  return ascii && unicode ? null : { kind: "text", length, ascii };
}

/** `int8`, `uint24` and the like. */
function sized(word: string): Kind | null {
  const match = /^(u?)int([1-9][0-9]*)$/.exec(word);
  if (match === null) return null;
  const bits = BigInt(match[2] ?? "0");
  if (bits % 8n !== 0n || bits > 96n) return null;
  if (match[1] === "u") return { kind: "integer", min: 0n, max: (1n << bits) - 1n };
  // Every int64 has its negative, so that it can take part in arithmetic.
  if (bits === 64n) return { kind: "integer", min: -LARGEST_NARROW, max: LARGEST_NARROW };
  return { kind: "integer", min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n };
}

/** Days since 1970-01-01; `null` where there is no such day in the years 1 to 9999. */
export function daysOf(year: number, month: number, day: number): number | null {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  // Years that begin in March; the leap day is the last of its year (Hinnant's days_from_civil).
  const from = month > 2 ? year : year - 1;
  const era = Math.floor(from / 400);
  const ofEra = from - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Reads exactly `YYYY-MM-DD`. */
export function daysOfIso(text: string): number | null {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  return daysOf(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)));
}

/** Days outside the years 1 to 9999 come out as a bare number, which reads back as no type. */
export function isoOfDays(days: number): string {
  if (days < -719_162 || days > 2_932_896) return String(days);
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

/** The year of a day. */
export function yearOf(days: number): number {
  return new Date(days * 86_400_000).getUTCFullYear();
}
