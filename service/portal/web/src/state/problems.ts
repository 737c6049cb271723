// What went wrong, in the reader's language where it happened in this page.

import { Refusal } from "../api/refusal.ts";
import { Refused } from "../contract/bytes.ts";
import { ChunksLost, GivenUp } from "../data/delivery.ts";
import { troubleOf } from "../data/trouble.ts";
import { Refused as ServerRefused } from "../data/servers.ts";
import { Garbled } from "../data/wire.ts";
import { readingInDutch } from "../words/reading.nl.ts";
import { sayRefusal } from "../words/refusals.ts";
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
  if (problem instanceof ServerRefused) {
    const { code, message, remedy } = problem.answer;
    const { text, help } = sayRefusal(code, message, remedy, words === ui.nl ? "nl" : "en", problem.server);
    return joined(text, help);
  }
  const failed = words.upload.failed;
  if (problem instanceof GivenUp) {
    const { why, server } = problem;
    if (why === undefined) return joined(failed.blocked(server), failed.nothing);
    return joined(why.message, why instanceof Refusal ? why.help : undefined, failed.tried, failed.nothing);
  }
  if (problem instanceof ChunksLost) return joined(failed.lost, failed.nothing);
  if (problem instanceof Garbled) return joined(failed.garbled(problem.server, problem.message));
  if (problem instanceof Refused && words === ui.nl) return readingInDutch(problem.message);
  return problem instanceof Error ? problem.message : String(problem);
}

const joined = (...sentences: (string | undefined)[]): string =>
  sentences.filter((one) => one !== undefined).join(" ");
