// The small words: tables, columns, types and conditions. Everything a stranger chose is quoted and spelled
// out, so that no name can pass for part of a sentence.

import { dateOf } from "../dates.ts";
import type { Domain } from "../holes.ts";
import type { Aggregation, ColumnMeta, Expression, Slot, TableRef } from "../language.ts";
import type { ColumnType, Kind } from "../types.ts";
import { escaped, quoted } from "../visible.ts";
import type { ContractWords } from "../../words/contract/words.ts";

export const slotText = (slot: Slot<string>): string => ("hole" in slot ? slot.hole : quoted(slot.value));

/** A value or a hole as it stands. */
export const bare = (slot: Slot<string | number | bigint>): string =>
  "hole" in slot ? slot.hole : String(slot.value);

export function table(words: ContractWords, table: TableRef): string {
  switch (table.by) {
    case "handle":
      return words.table(bare(table.handle));
    case "name":
      return words.tableNamed(slotText(table.name));
    case "step":
      return words.resultOfStep(table.step + 1);
  }
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: ContractWords, items: readonly string[]): string {
  const last = items.at(-1);
  if (last === undefined) return words.nothing;
  return items.length === 1 ? last : `${items.slice(0, -1).join(", ")} ${words.and} ${last}`;
}

export const names = (words: ContractWords, items: readonly string[]): string =>
  list(words, items.map(quoted));

export const column = (words: ContractWords, meta: ColumnMeta): string =>
  words.columnOf(quoted(meta.name), columnType(words, meta.type));

export function columnType(words: ContractWords, type: ColumnType): string {
  const said = kind(words, type);
  return type.nullable ? words.mayBeMissing(said) : said;
}

function kind(words: ContractWords, kind: Kind): string {
  switch (kind.kind) {
    case "integer":
      return words.wholeNumbers(String(kind.min), String(kind.max));
    case "boolean":
      return words.trueOrFalse;
    case "date":
      return words.dates(dateOf(kind.min), dateOf(kind.max));
    case "text":
      return kind.ascii ? words.asciiTexts(kind.length) : words.texts(kind.length);
    case "mean":
      return words.means(String(kind.min), String(kind.max));
  }
}

export function aggregation(words: ContractWords, { name, aggregate, value }: Aggregation): string {
  const what = words.aggregate[aggregate](expression(words, value));
  return value.is === "column" && value.column === name ? what : words.as(what, quoted(name));
}

export function expression(words: ContractWords, value: Expression): string {
  const say = (part: Expression) => expression(words, part);
  switch (value.is) {
    case "column":
      return quoted(value.column);
    case "integer":
      return bare(value.integer);
    case "boolean":
      return words.truth(value.boolean);
    case "text":
      return words.text(slotText(value.text));
    case "date":
      return words.date(slotText(value.date));
    case "binary":
      return `(${say(value.left)} ${words.operator[value.op]} ${say(value.right)})`;
    case "not":
      return words.not(say(value.of));
    case "negate":
      return `-${say(value.of)}`;
    case "is_null":
      return words.isMissing(say(value.of));
    case "fill_null":
      return words.orWhereMissing(say(value.value), say(value.with));
  }
}

export function domain(words: ContractWords, domain: Domain): string {
  switch (domain.of) {
    case "integer":
      return words.domain.integer(String(domain.min), String(domain.max));
    case "one_of":
      return words.domain.one_of(names(words, domain.texts));
    case "handles":
      return words.domain.handles(list(words, domain.handles));
    case "pattern":
      return words.domain.pattern(escaped(domain.pattern));
    case "date":
      return words.domain.date(escaped(domain.min), escaped(domain.max));
    case "text":
      return words.domain.text(domain.most);
  }
}
