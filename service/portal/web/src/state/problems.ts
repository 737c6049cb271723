// What went wrong, in the reader's language where it happened in this page.

import { troubleOf } from "../data/trouble.ts";
import { Refused } from "../contract/bytes.ts";
import { readingInDutch } from "../words/reading.nl.ts";
import { ui, type UiWords } from "../words/ui.ts";
import { KeyFileError } from "./keyfile.ts";

export function inWords(problem: unknown, words: UiWords): string {
  if (problem instanceof KeyFileError) return words.keys.problems[problem.problem];
  const trouble = troubleOf(problem);
  if (trouble !== undefined) {
    const said = words.upload.troubles;
    if (trouble.code === "not_text") return said.not_text(trouble.encoding);
    if (trouble.code === "row_too_long") return said.row_too_long(trouble.line);
    return said[trouble.code];
  }
  if (problem instanceof Refused && words === ui.nl) return readingInDutch(problem.message);
  return problem instanceof Error ? problem.message : String(problem);
}
