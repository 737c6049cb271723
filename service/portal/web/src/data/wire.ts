// Bodies as the servers read and write them (contract/command/src/wire.rs): a header of JSON with its length
// in front, and raw bytes.

import type { Rules } from "../contract/language.ts";
import { fewest } from "../contract/rules.ts";
import type { Octets } from "./source.ts";
import type { ColumnMeta } from "./types.ts";

export type Three<T> = readonly [T, T, T];
export type ServerNumber = 0 | 1 | 2;

/** Routes that may travel sealed. */
export type Route =
  "/v1/info" | "/v1/command" | "/v1/runs/start" | "/v1/runs/close" | "/v1/jobs/cancel" | "/v1/jobs/progress";

/** The longest header that is read or written. */
const LARGEST_JSON = 16 << 20;

/** A header and its length; the raw bytes follow. */
export function encodeHeader(header: unknown): Octets {
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (json.length > LARGEST_JSON) throw new RangeError("a header longer than 16 MiB");
  const body = new Uint8Array(4 + json.length);
  new DataView(body.buffer).setUint32(0, json.length, true);
  body.set(json, 4);
  return body;
}

/** The header of a body, and what follows it. Whoever calls checks what the header holds. */
export function decodeBody(body: Uint8Array): [header: unknown, payload: Uint8Array] {
  if (body.length < 4) throw new Garbled("an answer without a header");
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  if (length > LARGEST_JSON || length > body.length - 4) throw new Garbled("an answer that is cut");
  return [readJson(body.subarray(4, 4 + length)), body.subarray(4 + length)];
}

/** JSON in UTF-8. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Garbled("an answer that is no JSON");
  }
}

/** An answer that cannot be read. */
export class Garbled extends Error {
  /** Whose it should be, where that is known. */
  server: ServerNumber | undefined;
}

/** The exact text of the command that uploads a table: it is hashed, matched and signed. */
export function uploadCommand(columns: readonly ColumnMeta[], name?: string, rules?: Rules): string {
  const metas = columns.map((column) => ({ name: column.name, type: column.type }));
  const named = name === undefined ? {} : { name };
  const ruled = rules === undefined ? {} : { rules: writeRules(rules) };
  return JSON.stringify({ upload: { columns: metas, ...named, ...ruled } });
}

/** The exact text of the command that deletes a table. */
export const removeCommand = (handle: string): string => JSON.stringify({ remove: { table: { handle } } });

/** Without what is not asked. */
function writeRules({ min_rows, join_only, round_counts }: Rules): Partial<Rules> {
  return {
    ...(min_rows === undefined ? {} : { min_rows }),
    ...(join_only.length === 0 ? {} : { join_only }),
    ...(round_counts === undefined ? {} : { round_counts }),
  };
}

/** What servers make of rules. */
function understood(rules: Rules): Rules {
  const least = fewest(rules);
  return least === undefined ? rules : { ...rules, min_rows: least };
}

/** Why a command may run, as `Authority` in wire.rs. */
export interface Authority {
  readonly approval: string;
  readonly nonces: Three<string>;
  readonly step: number;
  readonly signature: string;
}

/** The header of a command's request; `rows` of an upload. */
export function commandRequest(
  job: string,
  command: string,
  authority: Authority | null,
  rows?: number,
): Octets {
  const sized = rows === undefined ? {} : { rows };
  return encodeHeader({ job, command, ...sized, ...(authority === null ? {} : { authority }) });
}

/** What an attempt at a command is known by. */
export const freshJob = (): string => identifier(crypto.getRandomValues(new Uint8Array(32)));

/** Thirty-two bytes as the servers write identifiers. */
export function identifier(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

/** A table as a server describes it. */
export interface TableMeta {
  readonly handle: string;
  readonly name?: string;
  readonly rows: number;
  readonly columns: readonly ColumnMeta[];
  /** What whoever computes with it is held to; absent where that is nothing. */
  readonly rules?: Partial<Rules>;
}

/** The table that an answer to an upload tells of. */
export function readUploaded(body: Uint8Array, job: string): TableMeta {
  const [answer] = decodeBody(body);
  if (!isRecord(answer) || answer["job"] !== job) throw new Garbled("an answer to something else");
  const table = isRecord(answer["outcome"]) ? answer["outcome"]["table"] : undefined;
  if (!isRecord(table)) throw new Garbled("an answer without a table");
  const { handle, rows, columns, name } = table;
  const isHandle = typeof handle === "string" && /^[0-9A-F]{64}$/.test(handle);
  if (!isHandle || !Number.isSafeInteger(rows) || !Array.isArray(columns)) {
    throw new Garbled("a table without its description");
  }
  const metas = columns.map((column: unknown): ColumnMeta => {
    const [of, type] = isRecord(column) ? [column["name"], column["type"]] : [];
    if (typeof of !== "string" || typeof type !== "string") throw new Garbled("a column without its type");
    return { name: of, type };
  });
  const asked = readKept(table["rules"]);
  const ruled = Object.keys(asked).length === 0 ? {} : { rules: asked };
  const described = { handle, rows: Number(rows), columns: metas, ...ruled };
  return typeof name === "string" ? { ...described, name } : described;
}

/** Whether an answer says that the command of this job deleted its table. */
export function readRemoved(body: Uint8Array, job: string): boolean {
  const [answer] = decodeBody(body);
  return isRecord(answer) && answer["job"] === job && answer["outcome"] === "removed";
}

/** The rules of a table that was just uploaded: of itself alone, and nothing derived. */
function readKept(kept: unknown): Partial<Rules> {
  if (kept === undefined) return {};
  const { guards = [], join_only = [], round_counts } = isRecord(kept) ? kept : { guards: null };
  const texts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((one) => typeof one === "string");
  if (!Array.isArray(guards) || guards.length > 1 || !texts(join_only))
    throw new Garbled("rules of something else");
  const [guard]: unknown[] = guards;
  const least = isRecord(guard) ? Number(guard["min_rows"]) : undefined;
  return writeRules({
    ...(least === undefined ? {} : { min_rows: least }),
    join_only,
    ...(round_counts === undefined ? {} : { round_counts: Number(round_counts) }),
  });
}

/** Whether a table keeps what was asked of it. */
export const keeps = (table: TableMeta, asked: Rules | undefined): boolean =>
  JSON.stringify(table.rules ?? {}) ===
  JSON.stringify(asked === undefined ? {} : writeRules(understood(asked)));

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An error as a server reports it. */
export interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly node?: number;
}

export function readError(body: Uint8Array): ErrorAnswer {
  const answer = readJson(body);
  const [code, message] = isRecord(answer) ? [answer["code"], answer["message"]] : [];
  if (typeof code !== "string" || typeof message !== "string") throw new Garbled("an error without a code");
  const remedy = isRecord(answer) ? answer["remedy"] : undefined;
  return typeof remedy === "string" ? { code, message, remedy } : { code, message };
}
