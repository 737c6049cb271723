// Looking for tables.

import type { Table } from "../api/shapes.ts";

/** Those whose name, handle or columns hold every word that is looked for; the latest first. */
export function findTables(tables: readonly Table[], wanted: string, archivedToo: boolean): Table[] {
  const words = wanted
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const says = (table: Table): string =>
    [table.name ?? "", table.handle, table.file_name, ...table.schema.map((column) => column.name)]
      .join(" ")
      .toLowerCase();
  return tables
    .filter((table) => (archivedToo || !table.archived) && words.every((word) => says(table).includes(word)))
    .sort((one, other) => other.created - one.created);
}
