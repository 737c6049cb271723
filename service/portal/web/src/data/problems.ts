// What is wrong with a file, grouped by cause: a person corrects a cause, not a cell.

import type { CellCause } from "./cells.ts";
import type { Flaw, Place } from "./reader.ts";
import { copyOf } from "./rows.ts";

export type Cause = CellCause | Flaw | "ragged";

export interface Problem {
  readonly cause: Cause;
  /** Number of the column, from 0; `null` where it is the row as a whole. */
  readonly column: number | null;
  /** How often, in all. */
  readonly count: number;
  /** The first places. */
  readonly places: readonly Place[];
  /** The first cells (of a ragged row: how many it has), cut where they are long. Never leaves the page. */
  readonly examples: readonly string[];
}

const PLACES = 20;
const EXAMPLES = 3;

export class Problems {
  readonly #groups = new Map<
    string,
    { cause: Cause; column: number | null; count: number; places: Place[]; examples: string[] }
  >();

  add(cause: Cause, column: number | null, place: Place, cell: string): void {
    const key = `${cause} ${column ?? ""}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { cause, column, count: 0, places: [], examples: [] };
      this.#groups.set(key, group);
    }
    group.count += 1;
    if (group.places.length < PLACES) group.places.push(place);
    if (group.examples.length < EXAMPLES) {
      const example = copyOf(cell, 40);
      if (!group.examples.includes(example)) group.examples.push(example);
    }
  }

  /** The most frequent first. */
  list(): Problem[] {
    return [...this.#groups.values()].sort((one, other) => other.count - one.count);
  }
}
