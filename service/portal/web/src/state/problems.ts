// What went wrong, in the reader's language where it happened in this page.

import type { UiWords } from "../words/ui.ts";
import { KeyFileError } from "./keyfile.ts";

export function inWords(problem: unknown, words: UiWords): string {
  if (problem instanceof KeyFileError) return words.keys.problems[problem.problem];
  return problem instanceof Error ? problem.message : String(problem);
}
