// A server's audit log: one entry a line, each naming the one before it by its digest, and the other two
// servers' signatures under how far they saw it.

import { Refused, hex, utf8 } from "./bytes.js";
import { digestWithin } from "./digests.js";
import { anything, identifier, object, oneOf, seconds, text, u8, u64 } from "./form.js";
import { readJson, writeJson } from "./json.js";
import { VerifyingKey, pae } from "./keys.js";

const LONGEST = 64 << 10;
const UNREADABLE = "entry";

const entryForm = object({ sequence: u64, time: seconds, previous: identifier, event: anything });
const opened = object({ node: u8, environment: text, version: text, key: text });
const countersigned = object({ node: u8, sequence: u64, head: identifier });
const witnessed = object({ by: u8, key: text, sequence: u64, head: identifier, signature: text });
const restored = object({ missing_from: u64, missing_to: u64, head: identifier });
const event = oneOf({
  opened, countersigned, witnessed, restored, policy: anything, revoked: anything, run: anything,
  refused: anything, step: anything, resolved: anything, void: anything, done: anything, closed: anything,
  recovered: anything,
});
export type Entry = { sequence: number; digest: string; previous: string; event: ReturnType<typeof event> };
export type Log = { node: number; environment: string; key: string; entries: Entry[] };

/** What a server signs of a peer's log. */
export function headMessage(environment: string, node: number, sequence: number, head: string): Uint8Array {
  return pae("application/vnd.vdl.head.v1", utf8(writeJson({ environment, node, sequence, head })));
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
    const [kind, inside] = entry.event;
    if (kind === "opened") {
      [log.node, log.environment, log.key] = [inside.node, inside.environment, inside.key];
    }
    const last = kind === "restored" ? Math.max(before, inside.missing_to) : before;
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
      for (const [kind, seen] of other.entries.map((entry) => entry.event)) {
        if (kind !== "countersigned" || seen.node !== log.node) continue;
        const mine = log.entries.find((entry) => entry.sequence === seen.sequence);
        if (mine?.digest === seen.head) continue;
        findings.push(`server ${other.node} signed another entry ${seen.sequence} of server ${log.node}`);
      }
      for (const [kind, word] of log.entries.map((entry) => entry.event)) {
        if (kind === "witnessed" && word.by === other.node && word.key !== other.key) {
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
    const [kind, word] = entry.event;
    if (kind !== "witnessed") continue;
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
  for (let start = 0; start < bytes.length; ) {
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
    const read = entryForm(readJson(line, UNREADABLE), UNREADABLE);
    const { sequence, previous } = read;
    if (sequence === 0) return undefined;
    const digest = digestWithin("vdl audit entry 1", line);
    return { sequence, previous, digest, event: event(read.event, UNREADABLE) };
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
