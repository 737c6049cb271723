// What a person says about a file before it is uploaded, kept in this tab in case the page is loaded anew:
// what they changed of what was proposed, never the file nor anything that was read from it.

import { writeType } from "../contract/types.ts";
import type { Reading } from "../data/guess.ts";
import type { FileFormat } from "../data/rows.ts";
import type { Survey } from "../data/survey.ts";
import type { AskedRules } from "./rules.ts";

/** No way of reading the column is chosen yet. */
export const UNDECIDED = -1;

/** What a person says about a column of the file. */
export type Choice = { column: number; take: boolean; name: string; option: number; type: string };

/** What differs from the proposal. A name that was only read is not kept: a file without a header has cells
 *  there. */
export type Change = { column: number; take?: boolean; name?: string; reading?: Reading; type?: string };

/** Whose choices they are, and where the table is to go. */
export type Whose = { user: string; project: string };

export type Kept = Whose & {
  /** By what it is known again. */
  file: { name: string; size: number; modified: number; digest: string };
  format: FileFormat;
  columns: Change[];
  words: { name: string; note: string };
  asked: AskedRules;
};

export function proposedFor(found: Survey): Choice[] {
  return found.columns.map(({ name, guess }, column) => {
    // Without a proposal a person has to say: an ambiguous date, a column of empty cells.
    const option = guess.proposed ?? UNDECIDED;
    return { column, take: guess.options.length > 0, name, option, type: typeOf(found, column, option) };
  });
}

/** The type that goes with a way of reading; empty where there is none yet. */
function typeOf(found: Survey, column: number, option: number): string {
  const tidy = found.columns[column]?.guess.options[option]?.tidy;
  return tidy === undefined ? "" : writeType(tidy);
}

export function changesIn(choices: readonly Choice[], found: Survey): Change[] {
  const proposed = proposedFor(found);
  return choices.flatMap(({ column, take, name, option, type }) => {
    const before = proposed[column];
    if (before === undefined) return [];
    const reading = found.columns[column]?.guess.options[option]?.reading;
    const change: Change = {
      column,
      ...(take === before.take ? {} : { take }),
      ...(name === before.name ? {} : { name }),
      ...(option === before.option || reading === undefined ? {} : { reading }),
      ...(type === typeOf(found, column, option) ? {} : { type }),
    };
    return Object.keys(change).length > 1 ? [change] : [];
  });
}

/** The proposal with the changes in it; what does not go with this file is left as proposed. */
export function withChanges(found: Survey, changes: readonly Change[]): Choice[] {
  return proposedFor(found).map((choice) => {
    const change = changes.find((one) => one.column === choice.column);
    if (change === undefined) return choice;
    const options = found.columns[choice.column]?.guess.options ?? [];
    const wanted = JSON.stringify(change.reading);
    const at = options.findIndex(({ reading }) => JSON.stringify(reading) === wanted);
    const option = at < 0 ? choice.option : at;
    return {
      column: choice.column,
      take: (change.take ?? choice.take) && options.length > 0,
      name: change.name ?? choice.name,
      option,
      type: change.type ?? typeOf(found, choice.column, option),
    };
  });
}

const PLACE = "vdl.upload";
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Takes the place of what was kept before. */
export function keepChoices(kept: Kept, store: Store = sessionStorage): void {
  try {
    store.setItem(PLACE, JSON.stringify(kept));
  } catch {
    // Without room they are lost when the page is, as they would be without this.
  }
}

export function forgetChoices(store: Store = sessionStorage): void {
  store.removeItem(PLACE);
}

/** What is kept for this person. Somebody else's is forgotten. */
export function keptChoices({ user, project }: Whose, store: Store = sessionStorage): Kept | undefined {
  const kept = read(store);
  if (kept?.user !== user) forgetChoices(store);
  return kept?.user === user && kept.project === project ? kept : undefined;
}

function read(store: Store): Kept | undefined {
  try {
    // Only this page writes there.
    return (JSON.parse(store.getItem(PLACE) ?? "null") as Kept | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Whether these are choices about this very file. */
export function isAbout(kept: Kept, file: Pick<File, "name" | "lastModified">, found: Survey): boolean {
  const { name, size, modified, digest } = kept.file;
  const same = name === file.name && modified === file.lastModified;
  return same && size === found.bytes && digest === found.digest;
}
