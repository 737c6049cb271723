// Looking for tables.

import type { Table } from "../api/shapes.ts";

/** Those whose name, handle or columns hold every word that is looked for; the latest first. */
export function findTables(tables: readonly Table[], wanted: string, archivedToo: boolean): Table[] {
  const words = wordsOf(wanted);
  const says = (table: Table): string =>
    [table.name ?? "", table.handle, table.file_name, ...table.schema.map((column) => column.name)]
      .join(" ")
      .toLowerCase();
  return tables
    .filter((table) => (archivedToo || !table.archived) && words.every((word) => says(table).includes(word)))
    .sort((one, other) => other.created - one.created);
}

/** As many columns as a list has room for. */
const MOST = 12;

/** Names of columns for a list: all of few, and the first of many, before them those that are looked for. */
export function someColumns(table: Table, wanted: string): { names: string[]; more: number } {
  const names = table.schema.map((column) => column.name);
  if (names.length <= MOST) return { names, more: 0 };
  const words = wordsOf(wanted);
  const found = (name: string): boolean => words.some((word) => name.toLowerCase().includes(word));
  const sorted = [...names.filter(found), ...names.filter((name) => !found(name))];
  return { names: sorted.slice(0, MOST), more: names.length - MOST };
}

const wordsOf = (wanted: string): string[] =>
  wanted
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
