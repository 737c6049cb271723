// One declaration per form, from which it is both read and written. What is read has one written form: a
// reading that would be written differently (null for what is absent, a short type name) is refused.

import { Refused, utf8 } from "./bytes.ts";
import { readJson } from "./json.ts";
import type { Json } from "./json.ts";
import { visible } from "./visible.ts";

/** Where in a document: `steps[3].command.filter`. */
export type Place = readonly (string | number)[];

/** Well-formed, but not what should stand here. */
export class Misfit extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

export type Codec<T> = {
  read(value: Json, place: Place): T;
  write(value: T): Json;
};

/** A key that may be missing. */
export type Optional<T> = { readonly optional: Codec<T> };
/** A key that is missing where it would say `absent`. */
export type Defaulted<T> = { readonly codec: Codec<T>; readonly absent: T; isAbsent(value: T): boolean };

type Fields<T> = {
  readonly [K in keyof T]-?: {} extends Pick<T, K>
    ? Optional<Exclude<T[K], undefined>>
    : Codec<T[K]> | Defaulted<T[K]>;
};
type AnyField = Codec<unknown> | Optional<unknown> | Defaulted<unknown>;

export const refuse = (message: string, place: Place): never => {
  throw new Misfit(message, place);
};

export function shownPlace(place: Place): string {
  const pieces = place.map((piece, at) =>
    typeof piece === "number" ? `[${piece}]` : at === 0 ? piece : `.${piece}`,
  );
  return pieces.join("") || "the top";
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Texts that pass a test. */
export function textWhere(passes: (text: string) => boolean, what: string): Codec<string> {
  return {
    read: (value, place) =>
      typeof value === "string" && passes(value) ? value : refuse(`here should be ${what}`, place),
    write: (value) => value,
  };
}

export const text = textWhere(() => true, "a text");

export const truth: Codec<boolean> = {
  read: (value, place) =>
    typeof value === "boolean" ? value : refuse("here should be true or false", place),
  write: (value) => value,
};

/** Whole numbers within bounds, both included. */
export function whole(least: number, most: number): Codec<number> {
  return {
    read: (value, place) =>
      typeof value === "number" && value >= least && value <= most
        ? value
        : refuse(`here should be a whole number from ${least} to ${most}`, place),
    write: (value) => value,
  };
}

export const u8 = whole(0, 2 ** 8 - 1);
export const u32 = whole(0, 2 ** 32 - 1);
export const u64 = whole(0, 2 ** 53);
export const i64 = whole(-(2 ** 53), 2 ** 53);

/** One of some words; `words` has each of the type. */
export function word<W extends string>(words: Record<W, true>): Codec<W> {
  const known = (value: Json): value is W => typeof value === "string" && Object.hasOwn(words, value);
  return {
    read: (value, place) =>
      known(value) ? value : refuse(`here should be one of ${Object.keys(words).join(", ")}`, place),
    write: (value) => value,
  };
}

export function list<T>(item: Codec<T>): Codec<T[]> {
  return {
    read: (value, place) =>
      Array.isArray(value)
        ? value.map((one, at) => item.read(one, [...place, at]))
        : refuse("here should be a list", place),
    write: (value) => value.map(item.write),
  };
}

export function pair<T>(item: Codec<T>): Codec<[T, T]> {
  return {
    read: (value, place) => {
      const [first, second, ...rest] = list(item).read(value, place);
      return first !== undefined && second !== undefined && rest.length === 0
        ? [first, second]
        : refuse("here should be a list of two", place);
    },
    write: (value) => value.map(item.write),
  };
}

/** For what contains itself. */
export function lazy<T>(codec: () => Codec<T>): Codec<T> {
  return { read: (value, place) => codec().read(value, place), write: (value) => codec().write(value) };
}

export const optional = <T>(codec: Codec<T>): Optional<T> => ({ optional: codec });

/** An object with these keys, written in this order, and no other. */
export function struct<T extends object>(fields: Fields<T>): Codec<T> {
  const known = Object.entries(fields) as [string, AnyField][];
  return {
    read: (value, place) => {
      if (!isObject(value)) return refuse("here should be an object", place);
      const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
      if (unknown !== undefined) refuse(`unknown field \`${unknown}\``, place);
      const read: Record<string, unknown> = {};
      for (const [key, field] of known) {
        const given = Object.hasOwn(value, key) ? value[key] : undefined;
        if (given !== undefined) read[key] = codecOf(field).read(given, [...place, key]);
        else if ("absent" in field) read[key] = field.absent;
        else if (!("optional" in field)) refuse(`missing field \`${key}\``, place);
      }
      return read as T;
    },
    write: (value) => {
      const written: { [key: string]: Json } = {};
      for (const [key, field] of known) {
        const given = (value as Record<string, unknown>)[key];
        if (given === undefined || ("absent" in field && field.isAbsent(given))) continue;
        written[key] = codecOf(field).write(given);
      }
      return written;
    },
  };
}

function codecOf(field: AnyField): Codec<unknown> {
  return "optional" in field ? field.optional : "codec" in field ? field.codec : field;
}

/** What stands bare in JSON, under a name of its own in our types. */
export function inner<K extends string, T>(name: K, codec: Codec<T>): Codec<Record<K, T>> {
  return {
    read: (value, place) => ({ [name]: codec.read(value, place) }) as Record<K, T>,
    write: (value) => codec.write(value[name]),
  };
}

/** One of several things: in JSON an object whose only key names it, here a value with that name in `tag`. */
export function tagged<U extends object, T extends keyof U>(
  tag: T,
  kinds: { readonly [K in U[T] & string]: Codec<Omit<Extract<U, Record<T, K>>, T>> },
): Codec<U> {
  const kindOf = (kind: unknown) => (kinds as unknown as Record<string, Codec<object>>)[kind as string];
  return {
    read: (value, place) => {
      const keys = isObject(value) ? Object.keys(value) : [];
      const kind = keys[0];
      if (!isObject(value) || kind === undefined || keys.length > 1)
        return refuse("here should be one thing", place);
      const codec = Object.hasOwn(kinds, kind) ? kindOf(kind) : undefined;
      if (codec === undefined) return refuse(`unknown variant \`${kind}\``, place);
      return { [tag]: kind, ...codec.read(value[kind] ?? null, [...place, kind]) } as unknown as U;
    },
    write: (value) => {
      const kind = value[tag] as string;
      const codec = kindOf(kind);
      return codec === undefined ? refuse(`unknown variant \`${kind}\``, []) : { [kind]: codec.write(value) };
    },
  };
}

/** Where two values first differ; the order of keys does not count. */
export function difference(
  left: Json | undefined,
  right: Json | undefined,
  place: Place = [],
): Place | undefined {
  if (Array.isArray(left) && Array.isArray(right)) {
    for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
      const found = difference(left[at], right[at], [...place, at]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(left) && isObject(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const found = difference(left[key], right[key], [...place, key]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return left === right ? undefined : place;
}

/** Reads exact bytes. `check` sees what reading cannot see field by field. */
export function readStrict<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  code: string,
  check: (value: T) => void = () => {},
): T {
  const json = readJson(bytes, code);
  try {
    const value = codec.read(json, []);
    const other = difference(json, codec.write(value));
    if (other !== undefined) refuse("this is not the way it is written", other);
    check(value);
    return value;
  } catch (error) {
    if (error instanceof Misfit)
      throw new Refused(code, visible(`${error.message} (at ${shownPlace(error.place)})`));
    throw error;
  }
}

/** Writes a value, and makes sure that it reads back as the same. */
export function writeStrict<T>(codec: Codec<T>, value: T, code: string, indented: boolean): string {
  const json = codec.write(value);
  const written = indented ? `${JSON.stringify(json, null, 2)}\n` : JSON.stringify(json);
  const read = readStrict(codec, utf8(written), code);
  if (!same(read, value)) throw new Refused(code, "written, this would read as something else");
  return written;
}

/** The same value all the way down; a key that is undefined is none. */
export function same(left: unknown, right: unknown): boolean {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null)
    return left === right;
  const [mine, theirs] = [left as Record<string, unknown>, right as Record<string, unknown>];
  const keys = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
  return (
    Array.isArray(left) === Array.isArray(right) && [...keys].every((key) => same(mine[key], theirs[key]))
  );
}
