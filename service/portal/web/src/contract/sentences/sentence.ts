// What a command does, in one sentence.

import type { Command, Rules, Slot } from "../language.ts";
import { quoted } from "../visible.ts";
import type { ContractWords } from "../../words/contract/words.ts";
import { aggregation, column, expression, list, names, slotText, table } from "./phrases.ts";

/** Does not compile when the language has a command that nothing is said about here. */
export function sentence(words: ContractWords, command: Command): string {
  const say = words.sentence;
  switch (command.verb) {
    case "upload": {
      const under = command.name === undefined ? "" : say.underName(slotText(command.name));
      const asked = rules(words, command.rules);
      if ("hole" in command.columns) return say.uploadAny(under, command.columns.hole, asked);
      const columns = command.columns.value.map((meta) => column(words, meta));
      return columns.length === 0
        ? say.uploadEmpty(under, asked)
        : say.upload(under, list(words, columns), asked);
    }
    case "get":
      return say.get(table(words, command.table));
    case "filter":
      return say.filter(table(words, command.table), expression(words, command.condition));
    case "project": {
      const kept = command.columns.map(({ column, as }) =>
        as === undefined ? quoted(column) : words.as(quoted(column), quoted(as)),
      );
      return say.project(table(words, command.table), list(words, kept));
    }
    case "assign": {
      const set = command.columns.map(({ name, value }) => say.setTo(quoted(name), expression(words, value)));
      return say.assign(table(words, command.table), list(words, set));
    }
    case "merge": {
      const pairs = Math.min(command.left_on.length, command.right_on.length);
      const keys = command.left_on
        .slice(0, pairs)
        .map((left, at) => `${quoted(left)} = ${quoted(command.right_on[at] ?? "")}`);
      return say.merge(
        table(words, command.left),
        table(words, command.right),
        list(words, keys),
        say.how[command.how],
        say.promise[command.validate],
      );
    }
    case "concat":
      return say.concat(
        list(
          words,
          command.tables.map((one) => table(words, one)),
        ),
      );
    case "aggregate": {
      const values = command.aggregations.map((one) => aggregation(words, one));
      return say.aggregate(table(words, command.table), list(words, values));
    }
    case "group_by": {
      const values = command.aggregations.map((one) => aggregation(words, one));
      return say.group_by(table(words, command.table), names(words, command.by), list(words, values));
    }
    case "sort": {
      const keys = command.by.map(({ column, ascending }) =>
        ascending ? say.upwards(quoted(column)) : say.downwards(quoted(column)),
      );
      return say.sort(table(words, command.table), list(words, keys));
    }
    case "open":
      return say.open(table(words, command.table));
    case "save":
      return command.name === undefined
        ? say.save(table(words, command.table))
        : say.saveAs(table(words, command.table), slotText(command.name));
    case "remove":
      return say.remove(table(words, command.table));
  }
}

/** What the provider of an upload asks, to go on with after the columns. */
function rules(words: ContractWords, asked: Slot<Rules> | undefined): string {
  const say = words.sentence;
  if (asked === undefined) return "";
  if ("hole" in asked) return say.rulesLeftOpen(asked.hole);
  const { min_rows, join_only, round_counts } = asked.value;
  return [
    min_rows === undefined ? "" : say.fewestRows(min_rows),
    round_counts === undefined ? "" : say.roundCounts(round_counts),
    join_only.length === 0 ? "" : say.joinOnly(names(words, join_only)),
  ].join("");
}
