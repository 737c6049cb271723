// The commands, one for each pandas verb, and how they are written. Nothing in them depends on the data. The
// same vocabulary is recorded, shown to approvers, signed and sent.

import {
  inner,
  lazy,
  list,
  optional,
  pair,
  refuse,
  struct,
  tagged,
  text,
  textWhere,
  truth,
  u32,
  u64,
  word,
} from "./codec.ts";
import type { Codec } from "./codec.ts";
import { columnType } from "./types.ts";
import type { ColumnType } from "./types.ts";

/** A value, or a hole written `##name##` that the analyst fills in when the command is run. */
export type Slot<T> = { readonly hole: string } | { readonly value: T };

/** Which table is meant: steps of the same script count from 0, names are resolved when the command runs. */
export type TableRef =
  | { readonly by: "handle"; readonly handle: Slot<string> }
  | { readonly by: "name"; readonly name: Slot<string> }
  | { readonly by: "step"; readonly step: number };

export type BinaryOp =
  | "add"
  | "subtract"
  | "multiply"
  | "equal"
  | "not_equal"
  | "less"
  | "less_or_equal"
  | "greater"
  | "greater_or_equal"
  | "and"
  | "or"
  | "xor";

/** A tree over columns and constants; evaluated for every row. Dates are ISO 8601. */
export type Expression =
  | { readonly is: "column"; readonly column: string }
  | { readonly is: "integer"; readonly integer: Slot<bigint> }
  | { readonly is: "boolean"; readonly boolean: boolean }
  | { readonly is: "text"; readonly text: Slot<string> }
  | { readonly is: "date"; readonly date: Slot<string> }
  | { readonly is: "binary"; readonly op: BinaryOp; readonly left: Expression; readonly right: Expression }
  | { readonly is: "not"; readonly of: Expression }
  | { readonly is: "negate"; readonly of: Expression }
  | { readonly is: "is_null"; readonly of: Expression }
  | { readonly is: "fill_null"; readonly value: Expression; readonly with: Expression };

export type Aggregate = "count" | "sum" | "mean" | "min" | "max";
/** `aggregate(value)` under `name`. `count` counts the rows where `value` is not null. */
export type Aggregation = {
  readonly name: string;
  readonly aggregate: Aggregate;
  readonly value: Expression;
};
/** What the provider of an upload asks of whoever computes with the table. */
export type Rules = {
  /**
   * Fewest different rows of this upload behind any opened value, 2 or more. Single rows are then never
   * opened, nor the smallest or greatest value, which are those of single rows.
   */
  readonly min_rows?: number;
  /** Columns that may be joined on, grouped by and carried along, but neither opened nor computed with. */
  readonly join_only: string[];
  /**
   * Counts are told as multiples of this number only, rounded down; 2 to 1000. Sums are rounded as coarsely,
   * and means are not given. Asks for at least so many rows behind any opened value, too.
   */
  readonly round_counts?: number;
};
export type ColumnMeta = { readonly name: string; readonly type: ColumnType };
/** A column of the result: which one it was, what it is called now. */
export type Projection = { readonly column: string; readonly as?: string };
export type NamedExpression = { readonly name: string; readonly value: Expression };
export type SortKey = { readonly column: string; readonly ascending: boolean };
export type How = "inner" | "left" | "right" | "outer";
/** What the keys of a merge promise. A broken promise is an error that reveals just that. */
export type Validate = "one_to_one" | "many_to_one" | "one_to_many" | "many_to_many";

/** One request to the three servers. What each does says `sentence`. */
export type Command =
  | {
      readonly verb: "upload";
      readonly columns: Slot<ColumnMeta[]>;
      readonly name?: Slot<string>;
      readonly rules?: Slot<Rules>;
    }
  | { readonly verb: "get"; readonly table: TableRef }
  | {
      readonly verb: "filter";
      readonly table: TableRef;
      readonly condition: Expression;
      readonly threshold?: Slot<number>;
    }
  | { readonly verb: "project"; readonly table: TableRef; readonly columns: Projection[] }
  | { readonly verb: "assign"; readonly table: TableRef; readonly columns: NamedExpression[] }
  | {
      readonly verb: "merge";
      readonly left: TableRef;
      readonly right: TableRef;
      readonly how: How;
      readonly left_on: string[];
      readonly right_on: string[];
      readonly validate: Validate;
      readonly suffixes: [string, string];
    }
  | { readonly verb: "concat"; readonly tables: TableRef[] }
  | {
      readonly verb: "aggregate";
      readonly table: TableRef;
      readonly aggregations: Aggregation[];
      readonly threshold?: Slot<number>;
    }
  | {
      readonly verb: "group_by";
      readonly table: TableRef;
      readonly by: string[];
      readonly aggregations: Aggregation[];
    }
  | { readonly verb: "sort"; readonly table: TableRef; readonly by: SortKey[] }
  | { readonly verb: "open"; readonly table: TableRef }
  | { readonly verb: "save"; readonly table: TableRef; readonly name?: Slot<string> }
  | { readonly verb: "remove"; readonly table: TableRef };

export type Verb = Command["verb"];

/** The value, or `undefined` for a hole. */
export function valueOf<T>(slot: Slot<T> | undefined): T | undefined {
  return slot !== undefined && "value" in slot ? slot.value : undefined;
}

/** Between the two `##`: a letter, then letters, digits or `_`; at most 64. */
export const isHole = (text: string): boolean => /^##[A-Za-z][A-Za-z0-9_]{0,63}##$/.test(text);
const isIdentifier = (text: string): boolean => /^[0-9A-F]{64}$/.test(text);

/** Handles, digests and nonces. */
export const identifier = textWhere(isIdentifier, "64 upper-case hexadecimal characters");
export const holeName = textWhere(isHole, "a hole, written ##name##");

const EXACT = 2n ** 53n;
const WIDEST = 2n ** 127n;

/** Reads the text form, which only numbers beyond ±2^53 have. */
export function readLarge(text: string): bigint | undefined {
  if (!/^-?[1-9][0-9]{15,38}$/.test(text)) return undefined;
  const number = BigInt(text);
  return (number > EXACT || number < -EXACT) && number >= -WIDEST && number < WIDEST ? number : undefined;
}

/** A whole number; beyond ±2^53 it is written as a string, so that every JSON reader agrees on it. */
export const integer: Codec<bigint> = {
  read: (value, place) => {
    const number =
      typeof value === "number" ? BigInt(value) : typeof value === "string" ? readLarge(value) : undefined;
    return number ?? refuse("an integer is a number within ±2^53, or beyond that a string", place);
  },
  write: (value) => (value > EXACT || value < -EXACT ? value.toString() : Number(value)),
};

export function slot<T>(codec: Codec<T>): Codec<Slot<T>> {
  return {
    read: (value, place) =>
      typeof value === "string" && isHole(value) ? { hole: value } : { value: codec.read(value, place) },
    write: (value) => ("hole" in value ? value.hole : codec.write(value.value)),
  };
}

export const tableRef: Codec<TableRef> = tagged<TableRef, "by">("by", {
  handle: inner("handle", slot(identifier)),
  name: inner("name", slot(text)),
  step: inner("step", u32),
});

const binaryOp = word<BinaryOp>({
  add: true,
  subtract: true,
  multiply: true,
  equal: true,
  not_equal: true,
  less: true,
  less_or_equal: true,
  greater: true,
  greater_or_equal: true,
  and: true,
  or: true,
  xor: true,
});

const below = lazy(() => expression);

export const expression: Codec<Expression> = tagged<Expression, "is">("is", {
  column: inner("column", text),
  integer: inner("integer", slot(integer)),
  boolean: inner("boolean", truth),
  text: inner("text", slot(text)),
  date: inner("date", slot(text)),
  binary: struct({ op: binaryOp, left: below, right: below }),
  not: inner("of", below),
  negate: inner("of", below),
  is_null: inner("of", below),
  fill_null: struct({ value: below, with: below }),
});

const columnMeta = struct<ColumnMeta>({ name: text, type: columnType });
const rules = struct<Rules>({
  min_rows: optional(u64),
  join_only: { codec: list(text), absent: [], isAbsent: (columns) => columns.length === 0 },
  round_counts: optional(u64),
});
const projection = struct<Projection>({ column: text, as: optional(text) });
const namedExpression = struct<NamedExpression>({ name: text, value: expression });
const sortKey = struct<SortKey>({ column: text, ascending: truth });
const aggregation = struct<Aggregation>({
  name: text,
  aggregate: word<Aggregate>({ count: true, sum: true, mean: true, min: true, max: true }),
  value: expression,
});

type Of<V extends Verb> = Omit<Extract<Command, { verb: V }>, "verb">;

export const command: Codec<Command> = tagged<Command, "verb">("verb", {
  upload: struct<Of<"upload">>({
    columns: slot(list(columnMeta)),
    name: optional(slot(text)),
    rules: optional(slot(rules)),
  }),
  get: struct<Of<"get">>({ table: tableRef }),
  filter: struct<Of<"filter">>({ table: tableRef, condition: expression, threshold: optional(slot(u64)) }),
  project: struct<Of<"project">>({ table: tableRef, columns: list(projection) }),
  assign: struct<Of<"assign">>({ table: tableRef, columns: list(namedExpression) }),
  merge: struct<Of<"merge">>({
    left: tableRef,
    right: tableRef,
    how: word<How>({ inner: true, left: true, right: true, outer: true }),
    left_on: list(text),
    right_on: list(text),
    validate: word<Validate>({ one_to_one: true, many_to_one: true, one_to_many: true, many_to_many: true }),
    suffixes: pair(text),
  }),
  concat: struct<Of<"concat">>({ tables: list(tableRef) }),
  aggregate: struct<Of<"aggregate">>({
    table: tableRef,
    aggregations: list(aggregation),
    threshold: optional(slot(u64)),
  }),
  group_by: struct<Of<"group_by">>({ table: tableRef, by: list(text), aggregations: list(aggregation) }),
  sort: struct<Of<"sort">>({ table: tableRef, by: list(sortKey) }),
  open: struct<Of<"open">>({ table: tableRef }),
  save: struct<Of<"save">>({ table: tableRef, name: optional(slot(text)) }),
  remove: struct<Of<"remove">>({ table: tableRef }),
});

/** Whether a later step may refer to its result. */
export function makesTable(command: Command): boolean {
  switch (command.verb) {
    case "aggregate":
    case "open":
    case "remove":
      return false;
    case "upload":
    case "get":
    case "filter":
    case "project":
    case "assign":
    case "merge":
    case "concat":
    case "group_by":
    case "sort":
    case "save":
      return true;
  }
}

/** The tables it reads, in order. */
export function inputs(command: Command): TableRef[] {
  switch (command.verb) {
    case "upload":
      return [];
    case "merge":
      return [command.left, command.right];
    case "concat":
      return command.tables;
    default:
      return [command.table];
  }
}

/** The same command over other tables, as many as it reads. */
export function withInputs(command: Command, tables: readonly TableRef[]): Command {
  const [first, second] = tables;
  switch (command.verb) {
    case "upload":
      return command;
    case "merge":
      return { ...command, left: first ?? command.left, right: second ?? command.right };
    case "concat":
      return { ...command, tables: [...tables] };
    default:
      return { ...command, table: first ?? command.table };
  }
}
