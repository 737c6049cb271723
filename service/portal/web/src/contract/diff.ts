// What changed between two scripts: steps that came or went, and in the others the fields that differ. The
// shapes are those that the servers' programs write.

import { isObject } from "./codec.ts";
import type { Json } from "./json.ts";
import { command as commandCodec, inputs, withInputs } from "./language.ts";
import type { Command, TableRef } from "./language.ts";
import { scriptCodec } from "./script.ts";
import type { Script, Step } from "./script.ts";

/** Tables of more cells than this are not filled in; the steps are then compared one by one. */
const MOST_CELLS = 4 << 20;
/** Scripts that differ in more places ask something else. */
const FEW = 3;
const LAST = 2 ** 32 - 1;

/** All that differs, in the order of the steps. */
export type ScriptDiff = {
  /** Outside the steps: the name, the order, what may be filled into holes. */
  readonly fields: FieldDiff[];
  readonly steps: StepDiff[];
};

/** Steps count from 1. Source lines decide nothing and are not compared. */
export type StepDiff =
  | { readonly same: { readonly left: number; readonly right: number } }
  | { readonly changed: { readonly left: number; readonly right: number; readonly fields: FieldDiff[] } }
  | { readonly removed: { readonly left: number } }
  | { readonly added: { readonly right: number } };

/** One place of a command, in compact JSON; `null` on the side that has no such place. */
export type FieldDiff = {
  readonly path: string;
  readonly left: string | null;
  readonly right: string | null;
};

/** Both say the same. */
export const isSame = (diff: ScriptDiff): boolean =>
  diff.fields.length === 0 && diff.steps.every((step) => "same" in step);

/** Compares two scripts. A step that came in between changes nothing about those behind it. */
export function diffScripts(left: Script, right: Script): ScriptDiff {
  const pairs = pairUp(left.steps, right.steps);
  const partners = new Map<number, number>();
  for (const [mine, theirs] of pairs)
    if (mine !== undefined && theirs !== undefined) partners.set(theirs, mine);
  const steps = pairs.flatMap(([mine, theirs]): StepDiff[] => {
    const [leftStep, rightStep] = [left.steps[mine ?? -1], right.steps[theirs ?? -1]];
    if (mine === undefined || leftStep === undefined)
      return theirs === undefined ? [] : [{ added: { right: theirs + 1 } }];
    if (theirs === undefined || rightStep === undefined) return [{ removed: { left: mine + 1 } }];
    const fields = compareCommands(leftStep.command, rightStep.command, partners);
    const numbers = { left: mine + 1, right: theirs + 1 };
    return [fields.length === 0 ? { same: numbers } : { changed: { ...numbers, fields } }];
  });
  const bare = (script: Script) => scriptCodec.write({ ...script, steps: [] });
  return { fields: diffValues(bare(left), bare(right)), steps };
}

/** Every place where two written values differ. */
export function diffValues(left: Json, right: Json): FieldDiff[] {
  const found: FieldDiff[] = [];
  compare(left, right, "", found);
  return found;
}

/**
 * Whether `right` asks nearly what `left` asked: the same commands over the same tables, but for one to three
 * constants, minimums or conditions. What lies between the two answers can be the value of one row.
 */
export function nearIdentical(left: Script, right: Script): ScriptDiff | undefined {
  const { steps } = diffScripts(left, right);
  const places = new Set<string>();
  for (const step of steps) {
    if ("same" in step) continue;
    if (!("changed" in step)) return undefined;
    for (const { path } of step.changed.fields) {
      const place = chosenByTheAnalyst(path);
      if (place === undefined) return undefined;
      places.add(`${step.changed.left} ${place}`);
    }
  }
  return places.size >= 1 && places.size <= FEW ? { fields: [], steps } : undefined;
}

/** The condition, minimum or constant that a path leads into. */
function chosenByTheAnalyst(path: string): string | undefined {
  const condition = "filter.condition";
  if (path.startsWith(condition)) return condition;
  const last = path.split(".").at(-1) ?? "";
  return ["threshold", "integer", "text", "date", "boolean"].includes(last) ? path : undefined;
}

type Pair = readonly [number | undefined, number | undefined];

/** Steps side by side: equal ones first, then between them those of one verb. */
function pairUp(left: readonly Step[], right: readonly Step[]): Pair[] {
  const verbs = (steps: readonly Step[]) => steps.map(({ command }) => command.verb);
  const [mine, theirs] = [verbs(left), verbs(right)];
  const number = numbering();
  const equal = common(keys(left, number), keys(right, number));
  const pairs: [number, number][] = [];
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...equal, [left.length, right.length] as const]) {
    const between = common(mine.slice(i, nextI), theirs.slice(j, nextJ));
    pairs.push(...between.map(([a, b]): [number, number] => [i + a, j + b]), [nextI, nextJ]);
    [i, j] = [nextI + 1, nextJ + 1];
  }
  return withTheRest(pairs);
}

/** Puts what has no partner between the pairs, the last of which is the end of both. */
function withTheRest(pairs: readonly [number, number][]): Pair[] {
  const all: Pair[] = [];
  let [i, j] = [0, 0];
  for (const [a, b] of pairs) {
    for (; i < a; i += 1) all.push([i, undefined]);
    for (; j < b; j += 1) all.push([undefined, j]);
    all.push([a, b]);
    [i, j] = [a + 1, b + 1];
  }
  all.pop();
  return all;
}

/** The same number for the same text, and another one for any other. */
function numbering(): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const number = known.get(text) ?? known.size;
    known.set(text, number);
    return number;
  };
}

/** Names each step by what it says and what the steps say that it refers to, wherever these stand. */
function keys(steps: readonly Step[], number: (text: string) => number): number[] {
  const keys: number[] = [];
  for (const { command } of steps) {
    const tables = inputs(command);
    const earlier = tables.flatMap((input) => (input.by === "step" ? [keys[input.step] ?? -1] : []));
    const placeless = tables.map((input): TableRef =>
      input.by === "step" ? { by: "step", step: 0 } : input,
    );
    keys.push(number(JSON.stringify([commandCodec.write(withInputs(command, placeless)), earlier])));
  }
  return keys;
}

/** Places of a longest common subsequence; of very long ones what stands at the same place. */
function common<T>(left: readonly T[], right: readonly T[]): [number, number][] {
  const found: [number, number][] = [];
  let alike = 0;
  for (; alike < left.length && alike < right.length && left[alike] === right[alike]; alike += 1) {
    found.push([alike, alike]);
  }
  const [tail, other] = [left.slice(alike), right.slice(alike)];
  const wide = other.length + 1;
  if (tail.length * wide > MOST_CELLS) {
    tail.forEach((one, at) => at < other.length && one === other[at] && found.push([alike + at, alike + at]));
    return found;
  }
  const lengths = new Uint32Array((tail.length + 1) * wide);
  const length = (i: number, j: number) => lengths[i * wide + j] ?? 0;
  for (let i = tail.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      lengths[i * wide + j] =
        tail[i] === other[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }
  let [i, j] = [0, 0];
  while (i < tail.length && j < other.length) {
    if (tail[i] === other[j]) {
      found.push([alike + i, alike + j]);
      [i, j] = [i + 1, j + 1];
    } else if (length(i + 1, j) >= length(i, j + 1)) i += 1;
    else j += 1;
  }
  return found;
}

/** Where references lead to partners they are the same, whatever their numbers. */
function compareCommands(left: Command, right: Command, partners: ReadonlyMap<number, number>): FieldDiff[] {
  const mine = inputs(left);
  const moved = inputs(right).map((theirs, at): TableRef => {
    const own = mine[at];
    if (theirs.by !== "step" || own === undefined) return theirs;
    const partner = partners.get(theirs.step);
    if (own.by === "step" && own.step === partner) return own;
    // No step of a script has this number, so it equals no other reference.
    return { by: "step", step: LAST - theirs.step };
  });
  const fields = diffValues(commandCodec.write(left), commandCodec.write(withInputs(right, moved)));
  return fields.map((field) => {
    const isStep = field.path.endsWith(".step") && field.right !== null && /^[0-9]+$/.test(field.right);
    return isStep ? { ...field, right: String(LAST - Number(field.right)) } : field;
  });
}

function compare(left: Json | undefined, right: Json | undefined, path: string, found: FieldDiff[]): void {
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  if (isObject(left) && isObject(right)) {
    for (const [key, value] of Object.entries(left)) compare(value, right[key], below(key), found);
    for (const [key, value] of Object.entries(right)) {
      if (!Object.hasOwn(left, key)) compare(undefined, value, below(key), found);
    }
  } else if (Array.isArray(left) && Array.isArray(right)) {
    for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
      compare(left[at], right[at], `${path}[${at}]`, found);
    }
  } else if (left !== right) {
    const text = (value: Json | undefined) => (value === undefined ? null : JSON.stringify(value));
    found.push({ path, left: text(left), right: text(right) });
  }
}
