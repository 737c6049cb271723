// The forms of documents: which keys an object has, and what is in them. Nothing unknown passes, and what
// may be absent is absent, never null.

import { Refused } from "./bytes.js";
import type { Json } from "./json.js";

/** Reads one value, or throws. */
export type Form<T> = (value: Json, code: string) => T;
type Keys = Record<string, Form<unknown>>;
type Read<K extends Keys> = { [key in keyof K]: K[key] extends Form<infer T> ? T : never };

const wrong = (code: string, what: string): never => {
  throw new Refused(code, `here should be ${what}`);
};

export const text: Form<string> = (value, code) =>
  typeof value === "string" ? value : wrong(code, "a text");
export const truth: Form<boolean> = (value, code) =>
  typeof value === "boolean" ? value : wrong(code, "true or false");
export const anything: Form<Json> = (value) => value;

/** A whole number within bounds, both included. */
export function whole(least: number, most: number): Form<number> {
  return (value, code) =>
    typeof value === "number" && value >= least && value <= most ? value : wrong(code, "a whole number");
}

export const u8 = whole(0, 2 ** 8 - 1);
export const u32 = whole(0, 2 ** 32 - 1);
export const u64 = whole(0, 2 ** 53);
export const seconds = whole(-(2 ** 53), 2 ** 53);

/** Digests, handles, job ids and nonces: 64 upper-case hexadecimal characters. */
export const identifier: Form<string> = (value, code) =>
  typeof value === "string" && /^[0-9A-F]{64}$/.test(value) ? value : wrong(code, "an identifier");

export function list<T>(item: Form<T>): Form<T[]> {
  return (value, code) =>
    Array.isArray(value) ? value.map((each) => item(each, code)) : wrong(code, "a list");
}

/** An object with all of `must`, perhaps some of `may`, and nothing else. */
export function object<M extends Keys, O extends Keys = {}>(
  must: M,
  may: O = {} as O,
): Form<Read<M> & Partial<Read<O>>> {
  return (value, code) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return wrong(code, "an object");
    const read: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const form = Object.hasOwn(must, key) ? must[key] : Object.hasOwn(may, key) ? may[key] : undefined;
      read[key] = form === undefined ? wrong(code, `no key \`${key}\``) : form(item, code);
    }
    const missing = Object.keys(must).find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) wrong(code, `a key \`${missing}\``);
    return read as Read<M> & Partial<Read<O>>;
  };
}

/** One of several things, named by the only key of an object. */
export function oneOf<K extends Keys>(kinds: K): Form<{ [key in keyof K]: [key, Read<K>[key]] }[keyof K]> {
  return (value, code) => {
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    const entries = isObject ? Object.entries(value) : [];
    const [kind, inside] = entries.length === 1 ? entries[0]! : wrong(code, "one thing");
    const form = Object.hasOwn(kinds, kind) ? kinds[kind]! : wrong(code, "something known");
    return [kind, form(inside, code)] as never;
  };
}
