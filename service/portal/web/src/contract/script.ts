// A script: commands in the order in which they will be run, as an approver reads them.

import { list, optional, readStrict, refuse, struct, text, truth, writeStrict } from "./codec.ts";
import { domainProblem, holeDomain, holes, misspeltHole } from "./holes.ts";
import type { HoleDomain } from "./holes.ts";
import type { Place } from "./codec.ts";
import { utf8 } from "./bytes.ts";
import { command, inputs, makesTable } from "./language.ts";
import type { Command } from "./language.ts";

/** The only format this version reads and writes. */
export const SCRIPT_FORMAT = "vdl-script/1";
const MOST_STEPS = 10_000;
const UNREADABLE = "script_unreadable";

/** One command and the Python line it came from, which decides nothing. */
export type Step = { readonly command: Command; readonly source?: string };

/** Recorded on dummy data, signed, then run on the real data. Holds nothing that depends on data. */
export type Script = {
  readonly format: string;
  readonly name?: string;
  /** False: an authorization outside scripts; its commands may be used in any order and number. */
  readonly ordered: boolean;
  /** What may be filled into a hole; a hole without a domain takes anything. */
  readonly holes: HoleDomain[];
  readonly steps: Step[];
};

const step = struct<Step>({ command, source: optional(text) });

export const scriptCodec = struct<Script>({
  format: text,
  name: optional(text),
  ordered: truth,
  holes: { codec: list(holeDomain), absent: [], isAbsent: (holes) => holes.length === 0 },
  steps: list(step),
});

/** What reading cannot see field by field: the format, and that every reference leads somewhere. */
export function checkScript(script: Script, at: Place = []): void {
  if (script.format !== SCRIPT_FORMAT)
    refuse(`this version reads \`${SCRIPT_FORMAT}\` only`, [...at, "format"]);
  if (script.steps.length === 0 || script.steps.length > MOST_STEPS) {
    refuse(`a script has 1 to ${MOST_STEPS} steps`, [...at, "steps"]);
  }
  const used = new Set<string>();
  for (const [number, { command }] of script.steps.entries()) {
    const place = [...at, "steps", number, "command"];
    checkHoles(command, place);
    for (const hole of holes(command)) used.add(hole);
    checkReferences(script, number, command, place);
  }
  const declared = new Set<string>();
  for (const [number, { hole, domain }] of script.holes.entries()) {
    const place = [...at, "holes", number];
    if (!used.has(hole)) refuse("no step has this hole", place);
    if (declared.has(hole)) refuse("this hole is declared twice", place);
    declared.add(hole);
    const problem = domainProblem(domain);
    if (problem !== undefined) refuse(problem, place);
  }
}

function checkHoles(command: Command, place: Place): void {
  const wrong = misspeltHole(command);
  if (wrong === undefined) return;
  refuse(`\`${wrong}\` is no hole: between the ## stand a letter, then letters, digits or _`, place);
}

function checkReferences(script: Script, at: number, command: Command, place: Place): void {
  for (const input of inputs(command)) {
    if (input.by !== "step") continue;
    if (!script.ordered) refuse("steps that come in any order cannot refer to each other", place);
    const earlier = input.step < at ? script.steps[input.step] : undefined;
    if (earlier === undefined) refuse("it refers to a step that does not come before it", place);
    else if (!makesTable(earlier.command)) refuse("it refers to a step that makes no table", place);
  }
}

/** Reads a script file. */
export function readScript(bytes: Uint8Array): Script {
  return readStrict(scriptCodec, bytes, UNREADABLE, checkScript);
}

/** Writes a script file, indented, with a newline at its end. */
export function writeScript(script: Script): string {
  const written = writeStrict(scriptCodec, script, UNREADABLE, true);
  readScript(utf8(written));
  return written;
}

/** Reads one command from its exact JSON text. */
export function readCommand(text: string): Command {
  return readStrict(command, utf8(text), "command_unreadable", (read) => checkHoles(read, ["the command"]));
}

/** Writes one command on one line. */
export function writeCommand(value: Command): string {
  return writeStrict(command, value, "command_unreadable", false);
}
