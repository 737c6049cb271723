// Patterns that bound what may be filled into a hole: few signs, which mean the same in every language that
// reads patterns. Matching takes time linear in the text. What is refused is what servers refuse.

/** Signs for themselves come as ranges of one; `max` is undefined without end. */
type Piece =
  | { readonly is: "ranges"; readonly ranges: readonly (readonly [number, number])[]; readonly one: boolean }
  | { readonly is: "sequence"; readonly of: readonly Piece[] }
  | { readonly is: "choice"; readonly of: readonly Piece[] }
  | { readonly is: "group"; readonly of: Piece }
  | { readonly is: "repeat"; readonly of: Piece; readonly min: number; readonly max: number | undefined };

/** A pattern an approver can read. */
const LONGEST_PATTERN = 200;
/** What a pattern is tried on, in bytes; nothing longer matches any. */
const LONGEST_VALUE = 4096;
const DEEPEST = 50;
const LAST = 0x10ffff;

class NoPattern extends Error {}
const no = (why: string): never => {
  throw new NoPattern(why);
};

/** Why a pattern cannot be used, if so. */
export function patternProblem(pattern: string): string | undefined {
  const read = readPattern(pattern);
  return typeof read === "string" ? read : undefined;
}

/** Whether the whole of a text matches; nothing matches what is no pattern. */
export function matches(pattern: string, text: string): boolean {
  const read = readPattern(pattern);
  return (
    typeof read !== "string" && new TextEncoder().encode(text).length <= LONGEST_VALUE && run(read, text)
  );
}

/** Ready to run, or why not. */
function readPattern(pattern: string): Machine | string {
  const wrong = signProblem(pattern);
  if (wrong !== undefined) return wrong;
  try {
    return compile(pattern);
  } catch (error) {
    if (error instanceof NoPattern) return `\`${pattern}\` is no pattern: ${error.message}`;
    throw error;
  }
}

/** Only what means the same everywhere. */
function signProblem(pattern: string): string | undefined {
  if (pattern === "" || new TextEncoder().encode(pattern).length > LONGEST_PATTERN) {
    return `a pattern has 1 to ${LONGEST_PATTERN} characters`;
  }
  if (!/^[ -~]*$/.test(pattern)) return "a pattern is written in ASCII";
  let inClass = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const [sign, next] = [pattern.charAt(at), pattern.charAt(at + 1)];
    let meant = true;
    if (sign === "\\") {
      // Before `<` and `>` it stands for the edges of a word.
      meant = /^[!-/:;=?@[-`{-~]$/.test(next);
      at += 1;
    } else if (sign === "[" && !inClass) {
      inClass = true;
      if (next === "^") at += 1;
    } else if (sign === "]") {
      [meant, inClass] = [inClass, false];
    } else if (sign === "[" || sign === "^") meant = false;
    else if ("&-~".includes(sign) && inClass) meant = next !== sign;
    else if (sign === "." || sign === "$") meant = inClass;
    else if (sign === "(") meant = inClass || next !== "?";
    if (!meant) return `\`${sign}\` in a pattern; write \\${sign} if the sign itself is meant`;
  }
  return undefined;
}

class Parser {
  groups = 0;
  private at = 0;
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Until the end, or the bracket that closes the group. */
  parse(top: boolean): Piece {
    this.depth += 1;
    // One level is the group around the whole.
    if (this.depth > DEEPEST) no("it nests too deep");
    const choices: Piece[] = [];
    let parts: Piece[] = [];
    for (;;) {
      const sign = this.text[this.at];
      if (sign === undefined || (sign === ")" && !top)) break;
      this.at += 1;
      if (sign === "|") {
        choices.push(together("sequence", parts));
        parts = [];
      } else if (sign === ")") no("a bracket closes that was not opened");
      else if (sign === "(") {
        this.groups += 1;
        parts.push({ is: "group", of: this.parse(false) });
        if (this.text[this.at] !== ")") no("a bracket is not closed");
        this.at += 1;
      } else if (sign === "[") parts.push(this.signs());
      else if ("?*+{".includes(sign)) parts.push(this.repeated(sign, parts.pop()));
      else parts.push(single(this.literal(sign)));
    }
    this.depth -= 1;
    return together("choice", [...choices, together("sequence", parts)]);
  }

  private repeated(sign: string, of: Piece | undefined): Piece {
    if (of === undefined) return no("there is nothing to repeat");
    const [min, max] =
      sign === "{" ? this.counts() : ([sign === "+" ? 1 : 0, sign === "?" ? 1 : undefined] as const);
    if (this.text[this.at] === "?") this.at += 1;
    if (max !== undefined && min > max) no("the most is below the least");
    if (max === 0) return { is: "sequence", of: [] };
    return min === 1 && max === 1 ? of : { is: "repeat", of, min, max };
  }

  private counts(): [min: number, max: number | undefined] {
    const found = /^ *([0-9]+) *(,)?(?: *([0-9]+) *)?\}/.exec(this.text.slice(this.at)) ?? no("how often?");
    const [all, least = "", comma, most] = found;
    if (comma === undefined && most !== undefined) no("how often?");
    this.at += all.length;
    const [min, max] = [Number(least), comma === undefined ? Number(least) : Number(most)];
    if (min >= 2 ** 32 || max >= 2 ** 32) no("too many repetitions");
    return [min, comma !== undefined && most === undefined ? undefined : max];
  }

  /** A sign for itself. */
  private literal(sign: string): number {
    if (sign !== "\\") return sign.charCodeAt(0);
    const escaped = this.text[this.at] ?? no("a \\ at the end");
    this.at += 1;
    return escaped.charCodeAt(0);
  }

  /** Behind `[`. */
  private signs(): Piece {
    const ranges: [number, number][] = [];
    const negated = this.text[this.at] === "^";
    if (negated) this.at += 1;
    for (; this.text[this.at] === "-"; this.at += 1) ranges.push([45, 45]);
    if (ranges.length === 0 && this.text[this.at] === "]") {
      ranges.push([93, 93]);
      this.at += 1;
    }
    for (;;) {
      const sign = this.text[this.at] ?? no("a [ is not closed");
      this.at += 1;
      if (sign === "]") break;
      const first = this.literal(sign);
      const [dash, behind] = [this.text[this.at] ?? no("a [ is not closed"), this.text[this.at + 1]];
      if (dash !== "-" || behind === "]" || behind === "-") {
        ranges.push([first, first]);
        continue;
      }
      if (behind === undefined) no("a [ is not closed");
      this.at += 2;
      const last = this.literal(behind ?? "");
      if (first > last) no("a range that ends before it begins");
      ranges.push([first, last]);
    }
    return { is: "ranges", ranges: negated ? complement(merged(ranges)) : merged(ranges), one: false };
  }
}

const single = (code: number): Piece => ({ is: "ranges", ranges: [[code, code]], one: true });

function together(is: "sequence" | "choice", of: readonly Piece[]): Piece {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { is, of };
}

/** In order, those that touch in one. */
function merged(ranges: [number, number][]): [number, number][] {
  const found: [number, number][] = [];
  for (const [first, last] of [...ranges].sort(([a, b], [c, d]) => a - c || b - d)) {
    const before = found.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else found.push([first, last]);
  }
  return found;
}

function complement(ranges: [number, number][]): [number, number][] {
  const found: [number, number][] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) found.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) found.push([next, LAST]);
  return found;
}

function depthOf(piece: Piece): number {
  switch (piece.is) {
    case "ranges":
      return 0;
    case "group":
    case "repeat":
      return 1 + depthOf(piece.of);
    case "sequence":
    case "choice":
      return piece.of.length === 0 ? 0 : 1 + Math.max(...piece.of.map(depthOf));
  }
}

/** Whether nothing at all matches. */
function takesNothing(piece: Piece): boolean {
  switch (piece.is) {
    case "ranges":
      return false;
    case "group":
      return takesNothing(piece.of);
    case "sequence":
      return piece.of.every(takesNothing);
    case "choice":
      return piece.of.some(takesNothing);
    case "repeat":
      return piece.min === 0 || takesNothing(piece.of);
  }
}

/** What servers reckon with, in bytes: a state, a way to go on from one, a range of signs, a group. */
const LARGEST = 1 << 20;
const [STATE, WAY, RANGE, GROUP] = [32, 4, 8, 16];

/** How much a pattern takes on a server, groups apart. */
function sizeOf(piece: Piece): number {
  switch (piece.is) {
    case "ranges":
      return STATE + (piece.one ? 0 : RANGE * piece.ranges.length);
    case "group":
      return 2 * STATE + sizeOf(piece.of);
    case "sequence":
      return piece.of.length === 0 ? STATE : sum(piece.of);
    case "choice":
      return 2 * STATE + piece.of.length * WAY + sum(piece.of);
    case "repeat": {
      const [one, { min, max }] = [sizeOf(piece.of), piece];
      if (min === 0 && max === 1) return one + 2 * STATE + 2 * WAY;
      if (min === 0 && max === undefined && takesNothing(piece.of)) return one + 3 * STATE + 4 * WAY;
      if (max === undefined) return Math.max(min, 1) * one + STATE + 2 * WAY;
      if (min === max) return min * one;
      return (min === 0 ? STATE : min * one) + STATE + (max - min) * (one + STATE + 2 * WAY);
    }
  }
}

const sum = (pieces: readonly Piece[]): number => pieces.reduce((total, piece) => total + sizeOf(piece), 0);

/** One step: signs to go on with, and where to, or only places to go to. */
type State = { readonly ranges?: readonly (readonly [number, number])[]; readonly to: number[] };
type Part = { readonly start: number; readonly end: number };

class Machine {
  readonly states: State[] = [];
  readonly whole: Part;

  constructor(piece: Piece) {
    this.whole = this.build(piece);
  }

  private add(state: State): number {
    return this.states.push(state) - 1;
  }

  private join(from: number, to: number): void {
    this.states[from]?.to.push(to);
  }

  private build(piece: Piece): Part {
    switch (piece.is) {
      case "ranges": {
        const at = this.add({ ranges: piece.ranges, to: [] });
        const end = this.add({ to: [] });
        this.join(at, end);
        return { start: at, end };
      }
      case "group":
        return this.build(piece.of);
      case "sequence":
        return this.repeat(piece.of, 1, 1);
      case "choice": {
        const [start, end] = [this.add({ to: [] }), this.add({ to: [] })];
        for (const part of piece.of.map((one) => this.build(one))) {
          this.join(start, part.start);
          this.join(part.end, end);
        }
        return { start, end };
      }
      case "repeat":
        return this.repeat([piece.of], piece.min, piece.max);
    }
  }

  /** All these one after the other, so often. */
  private repeat(pieces: readonly Piece[], min: number, max: number | undefined): Part {
    const start = this.add({ to: [] });
    const last = this.add({ to: [] });
    let end = start;
    for (let time = 0; time < (max ?? min + 1); time += 1) {
      if (time >= min) this.join(end, last);
      const before = end;
      for (const piece of pieces) {
        const part = this.build(piece);
        this.join(end, part.start);
        end = part.end;
      }
      if (max === undefined && time === min) this.join(end, before);
    }
    this.join(end, last);
    return { start, end: last };
  }
}

function compile(pattern: string): Machine {
  const parser = new Parser(pattern);
  const piece = parser.parse(true);
  // Servers put the two ends of the text around it, and a group around that.
  if (depthOf(piece) + 1 > DEEPEST) no("it nests too deep");
  if (sizeOf(piece) + 5 * STATE + (parser.groups + 1) * GROUP > LARGEST) no("it is too large");
  return new Machine(piece);
}

function run(machine: Machine, text: string): boolean {
  let now = reach(machine, [machine.whole.start]);
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const next: number[] = [];
    for (const at of now) {
      const state = machine.states[at];
      if (state?.ranges?.some(([first, last]) => first <= code && code <= last)) next.push(...state.to);
    }
    now = reach(machine, next);
  }
  return now.has(machine.whole.end);
}

/** All states that can be come to without a sign. */
function reach(machine: Machine, from: readonly number[]): Set<number> {
  const found = new Set<number>();
  const open = [...from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    const state = machine.states[at];
    if (state !== undefined && state.ranges === undefined) open.push(...state.to);
  }
  return found;
}
