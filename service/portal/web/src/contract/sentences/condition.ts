// Names for comparisons. They are the servers' own, made from the same text, so that even where not all can
// be followed the same ones are.

import { blake3 } from "@noble/hashes/blake3.js";
import { utf8 } from "../bytes.ts";
import type { BinaryOp, Expression, Slot } from "../language.ts";
import { debugged } from "../visible.ts";

/** Keys of conditions are added up, so that one can be taken out again. */
export const SPAN = 1n << 128n;
/** Stands for every whole number where constants do not count. */
const LEAST = { value: -(1n << 127n) };

const OPERATOR: Record<BinaryOp, string> = {
  add: "Add",
  subtract: "Subtract",
  multiply: "Multiply",
  equal: "Equal",
  not_equal: "NotEqual",
  less: "Less",
  less_or_equal: "LessOrEqual",
  greater: "Greater",
  greater_or_equal: "GreaterOrEqual",
  and: "And",
  or: "Or",
  xor: "Xor",
};

/**
 * Names a comparison, and the one that is the same but for its constants. Two tests for equality with
 * different constants choose rows that have nothing in common, so they have no such name.
 */
export function conditionKeys(condition: Expression): [key: bigint, shape: bigint | undefined] {
  const whole = written(condition, false);
  const shape = written(condition, true);
  const disjoint = condition.is === "binary" && condition.op === "equal";
  return [keyOf(whole), disjoint || shape === whole ? undefined : keyOf(shape)];
}

export function keyOf(text: string): bigint {
  return blake3(utf8(text))
    .slice(0, 16)
    .reduceRight((key, byte) => (key << 8n) | BigInt(byte), 0n);
}

/** As the servers' language prints it; `bare` is without constants. */
export function written(value: Expression, bare: boolean): string {
  const below = (part: Expression) => written(part, bare);
  switch (value.is) {
    case "column":
      return `Column(${debugged(value.column)})`;
    case "integer":
      return `Integer(${slot(bare ? LEAST : value.integer, (number) => `Integer(${number})`)})`;
    case "boolean":
      return `Boolean(${value.boolean})`;
    case "text":
      return `Text(${slot(bare ? { value: "" } : value.text, debugged)})`;
    case "date":
      return `Date(${slot(bare ? { value: "" } : value.date, debugged)})`;
    case "binary":
      return `Binary { op: ${OPERATOR[value.op]}, left: ${below(value.left)}, right: ${below(value.right)} }`;
    case "not":
      return `Not(${below(value.of)})`;
    case "negate":
      return `Negate(${below(value.of)})`;
    case "is_null":
      return `IsNull(${below(value.of)})`;
    case "fill_null":
      return `FillNull { value: ${below(value.value)}, with: ${below(value.with)} }`;
  }
}

function slot<T>(slot: Slot<T>, print: (value: T) => string): string {
  return "hole" in slot
    ? `Hole(HoleName(${debugged(slot.hole.slice(2, -2))}))`
    : `Value(${print(slot.value)})`;
}
