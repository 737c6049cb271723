// What the analyst signs at the start of a run, for each command in it, and at its end: the exact bytes.

import { utf8 } from "./bytes.ts";
import { digest, runId } from "./digests.ts";
import { pae } from "./keys.ts";
import type { SigningKey, VerifyingKey } from "./keys.ts";

export type Start = { approval: string; start: string };
export type Command = { approval: string; nonces: string[]; step: number; command: string; job: string };
export type Close = { approval: string; nonces: string[] };

export function startMessage({ approval, start }: Start): Uint8Array {
  return message("start", { approval, start });
}

/** `command` is the command's exact JSON text. */
export function commandMessage({ approval, nonces, step, command, job }: Command): Uint8Array {
  const command_digest = digest(utf8(command));
  return message("command", { approval, run: runId(nonces), step, command_digest, job });
}

export function closeMessage({ approval, nonces }: Close): Uint8Array {
  return message("close", { approval, run: runId(nonces) });
}

/** The header of a run's start, as it travels. */
export async function signStart(analyst: SigningKey, start: Start): Promise<Start & { signature: string }> {
  return { ...start, signature: await analyst.sign(startMessage(start)) };
}

/** Whether the analyst asked for this run. */
export async function isStart(
  analyst: VerifyingKey,
  header: Start & { signature: string },
): Promise<boolean> {
  return analyst.verifies(startMessage(header), header.signature);
}

function message(kind: string, body: object): Uint8Array {
  return pae(`application/vnd.vdl.${kind}.v1`, utf8(JSON.stringify(body)));
}
