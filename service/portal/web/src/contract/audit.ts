// A server's audit log: one entry a line, each naming the one before it by its digest, and the other two
// servers' signatures under how far they saw it.

import { Refused, hex, utf8 } from "./bytes.ts";
import { digestWithin } from "./digests.ts";
import { i64, list, optional, readStrict, struct, tagged, text, truth, u32, u64, u8 } from "./codec.ts";
import { VerifyingKey, pae } from "./keys.ts";
import { identifier } from "./language.ts";
import { revoked } from "./revocation.ts";
import type { Revoked } from "./revocation.ts";

const LONGEST = 64 << 10;
const UNREADABLE = "entry";

/** What happened. No value of a table is ever in it. Keys are SPKI in base64, steps count from 0. */
export type Event =
  | {
      readonly kind: "opened";
      readonly node: number;
      readonly environment: string;
      readonly version: string;
      readonly key: string;
    }
  | {
      readonly kind: "policy";
      readonly version: number;
      readonly digest: string;
      readonly pinned: boolean;
    }
  | { readonly kind: "revoked"; readonly digest: string; readonly revokes: Revoked }
  | {
      readonly kind: "run";
      readonly approval: string;
      readonly analyst: string;
      readonly script?: string;
      readonly purpose?: string;
      readonly start: string;
      readonly nonce: string;
      /** Runs used, this one included. */
      readonly run: number;
    }
  | { readonly kind: "refused"; readonly approval: string; readonly code: string }
  | {
      readonly kind: "step";
      readonly approval: string;
      readonly nonce: string;
      readonly step: number;
      /** Names the job to who knows its number; in older logs the number itself. */
      readonly job: string;
      readonly command: string;
      /** The first of them, where there are many. */
      readonly tables: string[];
      /** Of all, where `tables` does not hold them all. */
      readonly all_tables?: string;
    }
  /** Which table a name stood for. */
  | {
      readonly kind: "resolved";
      readonly approval: string;
      readonly name: string;
      readonly table: string;
    }
  /** A name was given to another table, which ended the approval for good. */
  | { readonly kind: "void"; readonly approval: string; readonly name: string }
  /** `table`, `opened`, `removed`, or the code of an error. */
  | { readonly kind: "done"; readonly job: string; readonly outcome: string; readonly table?: string }
  | { readonly kind: "closed"; readonly approval: string; readonly nonce: string }
  /** This server signed a head of the log of server `node`. */
  | {
      readonly kind: "countersigned";
      readonly node: number;
      readonly sequence: number;
      readonly head: string;
    }
  /** Server `by` signed a head of this log. */
  | {
      readonly kind: "witnessed";
      readonly by: number;
      readonly key: string;
      readonly sequence: number;
      readonly head: string;
      readonly signature: string;
    }
  /** A peer had seen more of this log than there is: an older copy of the folder was put back. */
  | {
      readonly kind: "restored";
      readonly missing_from: number;
      readonly missing_to: number;
      readonly head: string;
    }
  /** So many bytes of an unfinished last line were cut away. */
  | { readonly kind: "recovered"; readonly cut: number };

type Of<K extends Event["kind"]> = Omit<Extract<Event, { kind: K }>, "kind">;

const event = tagged<Event, "kind">("kind", {
  opened: struct({ node: u8, environment: text, version: text, key: text }),
  policy: struct({ version: u32, digest: identifier, pinned: truth }),
  revoked: struct({ digest: identifier, revokes: revoked }),
  run: struct<Of<"run">>({
    approval: identifier,
    analyst: text,
    script: optional(text),
    purpose: optional(text),
    start: identifier,
    nonce: identifier,
    run: u64,
  }),
  refused: struct({ approval: identifier, code: text }),
  step: struct<Of<"step">>({
    approval: identifier,
    nonce: identifier,
    step: u32,
    job: identifier,
    command: identifier,
    tables: list(identifier),
    all_tables: optional(identifier),
  }),
  resolved: struct({ approval: identifier, name: text, table: identifier }),
  void: struct({ approval: identifier, name: text }),
  done: struct<Of<"done">>({ job: identifier, outcome: text, table: optional(identifier) }),
  closed: struct({ approval: identifier, nonce: identifier }),
  countersigned: struct({ node: u8, sequence: u64, head: identifier }),
  witnessed: struct({ by: u8, key: text, sequence: u64, head: identifier, signature: text }),
  restored: struct({ missing_from: u64, missing_to: u64, head: identifier }),
  recovered: struct({ cut: u64 }),
});

type Written = {
  readonly sequence: number;
  readonly time: number;
  readonly previous: string;
  readonly event: Event;
};
const written = struct<Written>({ sequence: u64, time: i64, previous: identifier, event });

export type Entry = Written & { readonly digest: string };
export type Log = { node: number; environment: string; key: string; entries: Entry[] };

/** What a server signs of a peer's log. */
export function headMessage(environment: string, node: number, sequence: number, head: string): Uint8Array {
  return pae("application/vnd.vdl.head.v1", utf8(JSON.stringify({ environment, node, sequence, head })));
}

/** Reads a log and follows its chain; gives what does not fit, in words. */
export async function readLog(bytes: Uint8Array): Promise<[Log, string[]]> {
  const findings: string[] = [];
  const log: Log = { node: -1, environment: "", key: "", entries: [] };
  let [before, named] = [0, hex(new Uint8Array(32))];
  for (const [at, line] of lines(bytes).entries()) {
    const entry = readEntry(line);
    if (entry === undefined) {
      findings.push(`line ${at + 1} cannot be read as an entry`);
      continue;
    }
    const { event } = entry;
    if (event.kind === "opened")
      [log.node, log.environment, log.key] = [event.node, event.environment, event.key];
    const last = event.kind === "restored" ? Math.max(before, event.missing_to) : before;
    if (entry.sequence !== last + 1) findings.push(`entry ${entry.sequence} does not follow entry ${last}`);
    else if (entry.previous !== named) findings.push(`entry ${before} was altered`);
    [before, named] = [entry.sequence, entry.digest];
    log.entries.push(entry);
  }
  findings.push(...(await checkWitnesses(log)));
  return [log, findings];
}

/** Holds logs against the heads that their witnesses signed and wrote down. */
export function compareLogs(logs: Log[]): string[] {
  const findings: string[] = [];
  for (const log of logs) {
    for (const other of logs.filter((other) => other.node !== log.node)) {
      for (const { event: seen } of other.entries) {
        if (seen.kind !== "countersigned" || seen.node !== log.node) continue;
        const mine = log.entries.find((entry) => entry.sequence === seen.sequence);
        if (mine?.digest === seen.head) continue;
        findings.push(`server ${other.node} signed another entry ${seen.sequence} of server ${log.node}`);
      }
      for (const { event: word } of log.entries) {
        if (word.kind === "witnessed" && word.by === other.node && word.key !== other.key) {
          findings.push(`server ${other.node} has another key than its signatures say`);
        }
      }
    }
  }
  return findings;
}

async function checkWitnesses(log: Log): Promise<string[]> {
  const findings: string[] = [];
  for (const entry of log.entries) {
    const word = entry.event;
    if (word.kind !== "witnessed") continue;
    const message = headMessage(log.environment, log.node, word.sequence, word.head);
    const key = await VerifyingKey.fromBase64(word.key).catch(() => undefined);
    const seen = log.entries.find((each) => each.sequence === word.sequence);
    const signed = word.by !== log.node && (await key?.verifies(message, word.signature)) === true;
    if (!signed) {
      findings.push(`entry ${entry.sequence} holds a signature that is not server ${word.by}'s`);
    } else if (seen?.digest !== word.head) {
      findings.push(`server ${word.by} signed another entry ${word.sequence}`);
    }
  }
  return findings;
}

function lines(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    // The last line has no end: it is given with one byte less than any entry, and is none.
    found.push(end === -1 ? new Uint8Array(0) : bytes.subarray(start, end));
    start = end === -1 ? bytes.length : end + 1;
  }
  return found;
}

function readEntry(line: Uint8Array): Entry | undefined {
  if (line.length >= LONGEST) return undefined;
  try {
    const read = readStrict(written, line, UNREADABLE);
    return read.sequence === 0 ? undefined : { ...read, digest: digestWithin("vdl audit entry 1", line) };
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
