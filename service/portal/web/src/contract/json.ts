// Strict JSON, so that what is signed means the same to every reader. Refused: keys that come twice,
// fractions and exponents, whole numbers beyond 2^53, text after the end, byte-order marks, lone
// surrogates, too much depth, width or size.

import { Refused, fromUtf8 } from "./bytes.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const LARGEST = 16 << 20;
const DEEPEST = 120;
const WIDEST = 64;
const EXACT = 2n ** 53n;

const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads one whole JSON text. `code` is what a refusal is reported as. */
export function readJson(bytes: Uint8Array, code: string): Json {
  const text = bytes.length <= LARGEST ? fromUtf8(bytes) : undefined;
  if (text === undefined) throw new Refused(code, "the text is too long, or no UTF-8");
  const reader = new Reader(text, code);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  private at = 0;
  private readonly text: string;
  private readonly code: string;

  constructor(text: string, code: string) {
    this.text = text;
    this.code = code;
  }

  end(): void {
    this.spaces();
    if (this.at < this.text.length) this.refuse("there is text after the end");
  }

  value(depth: number): Json {
    this.spaces();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth + 1);
      case "[":
        return this.list(depth + 1);
      case '"':
        return this.string();
    }
    for (const [word, value] of [
      ["null", null],
      ["true", true],
      ["false", false],
    ] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(depth: number): Json {
    this.deeper(depth);
    // Without a prototype, so that no key means anything else.
    const object: { [key: string]: Json } = Object.create(null);
    let keys = 0;
    for (let more = !this.closes("}"); more; more = this.goesOn("}")) {
      this.spaces();
      const key = this.string();
      if (Object.hasOwn(object, key)) this.refuse("a key comes twice");
      keys += 1;
      if (keys > WIDEST) this.refuse("an object has too many keys");
      this.spaces();
      this.expect(":");
      object[key] = this.value(depth);
    }
    return object;
  }

  private list(depth: number): Json {
    this.deeper(depth);
    const list: Json[] = [];
    for (let more = !this.closes("]"); more; more = this.goesOn("]")) list.push(this.value(depth));
    return list;
  }

  private string(): string {
    this.expect('"');
    let text = "";
    for (;;) {
      const character = this.text[this.at];
      this.at += 1;
      if (character === '"') break;
      if (character === undefined || character < " ") this.refuse("a text does not end");
      text += character === "\\" ? this.escape() : character;
    }
    if (/\p{Surrogate}/u.test(text)) this.refuse("half a character");
    return text;
  }

  private escape(): string {
    const character = this.text[this.at] ?? "";
    this.at += 1;
    if (character !== "u") return ESCAPES[character] ?? this.refuse("an unknown escape");
    const digits = this.text.slice(this.at, this.at + 4);
    this.at += 4;
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.refuse("an unknown escape");
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private number(): number {
    const digits = /^-?(?:0|[1-9][0-9]*)(?![0-9.eE])/.exec(this.text.slice(this.at, this.at + 24))?.[0];
    if (digits === undefined || digits === "-0") return this.refuse("this is no value");
    const whole = BigInt(digits);
    if (whole > EXACT || whole < -EXACT) this.refuse("a whole number beyond 2^53");
    this.at += digits.length;
    return Number(whole);
  }

  private deeper(depth: number): void {
    this.at += 1;
    if (depth > DEEPEST) this.refuse("too many levels within each other");
  }

  private closes(bracket: string): boolean {
    this.spaces();
    if (this.text[this.at] !== bracket) return false;
    this.at += 1;
    return true;
  }

  private goesOn(bracket: string): boolean {
    if (this.closes(bracket)) return false;
    this.expect(",");
    return true;
  }

  private spaces(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private expect(character: string): void {
    if (this.text[this.at] !== character) this.refuse(`\`${character}\` is missing`);
    this.at += 1;
  }

  private refuse(why: string): never {
    throw new Refused(this.code, `${why} (at ${this.at})`);
  }
}
