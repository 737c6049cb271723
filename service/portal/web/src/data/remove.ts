// Deletes a table on the three servers.

import { NetworkLoss } from "./delivery.ts";
import type { Octets } from "./source.ts";
import { agreed, isEcho, Refused, type Servers, type RunSigner } from "./servers.ts";
import { commandRequest, freshJob, Garbled, readRemoved, removeCommand } from "./wire.ts";

/** What a server says of a table that it does not have. */
const NO_SUCH_TABLE = "unknown_table";

/**
 * Deletes the table of this handle: `deleted` if all three say so, `gone` where one has no such table and the
 * others stopped for that reason. Where the network is lost on the way `NetworkLoss` is thrown: the table may
 * be there or not, and asking again finds out.
 */
export async function removeTable(
  handle: string,
  servers: Servers,
  signer: RunSigner | null,
  signal: AbortSignal,
): Promise<"deleted" | "gone"> {
  const command = removeCommand(handle);
  const job = freshJob();
  const run = signer === null ? null : await servers.start(await signer.start(), signal);
  try {
    const authority = run === null ? null : await signer!.command(run, command, job);
    const answers = await servers.each("/v1/command", commandRequest(job, command, authority), signal);
    if (answers.some(lacks) && answers.every((answer) => lacks(answer) || passesOn(answer))) return "gone";
    if (!agreed(answers).every((answer) => readRemoved(answer, job)))
      throw new Garbled("an answer to something else");
    return "deleted";
  } catch (problem) {
    // An answer that did not come in time tells as little as one that was lost.
    throw signal.aborted ? new NetworkLoss("no answer in time") : problem;
  } finally {
    if (run !== null) await servers.close(signer!, run);
  }
}

const lacks = (answer: Octets | Refused): boolean =>
  answer instanceof Refused && answer.answer.code === NO_SUCH_TABLE;

const passesOn = (answer: Octets | Refused): boolean => answer instanceof Refused && isEcho(answer);
