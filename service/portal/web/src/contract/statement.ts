// What approvers sign: the whole script, for whom, where, from when until when, and how often.

import { utf8 } from "./bytes.ts";
import {
  i64,
  list,
  optional,
  readStrict,
  refuse,
  struct,
  text,
  truth,
  u32,
  u64,
  writeStrict,
} from "./codec.ts";
import { keyOf } from "./keys.ts";
import { identifier, inputs } from "./language.ts";
import { byBytes } from "./order.ts";
import { checkScript, scriptCodec } from "./script.ts";
import type { Script } from "./script.ts";

export { keyOf };

export const STATEMENT_TYPE = "vdl-approval/1";
/** The version of the policy that servers have whose configuration just lists approvers. */
export const POLICY_VERSION = 1;
const UNREADABLE = "approval_unreadable";

/**
 * What a name may mean: one table; whichever has it when a command runs; or, if neither is said, the one that
 * has it when a server first looks, and from then on no other.
 */
export type NameRule = { readonly name: string; readonly table?: string; readonly may_change: boolean };

/** The payload of an approved file. Times are Unix seconds, the last one included. */
export type Statement = {
  readonly type: string;
  readonly script: Script;
  /** SPKI in base64. */
  readonly analyst: string;
  readonly environment: string;
  readonly not_before: number;
  /** Without it, the approval never ends. */
  readonly expires?: number;
  /** How many runs may be started; without it any number. */
  readonly max_runs?: number;
  /** The policy under which it is given. */
  readonly policy_version: number;
  /** What it is for, in the words of the approvers. */
  readonly purpose?: string;
  /**
   * The only tables that commands may take by their handles; without it, those of the script and whatever its
   * holes allow. Sorted.
   */
  readonly tables?: string[];
  /** The only names that commands may use for a table, and what they may mean. Sorted. */
  readonly names: NameRule[];
  /** How many commands may be run in all, whatever the number of runs; only for commands in any order. */
  readonly max_uses?: number;
  /** Makes it another approval than an earlier one that says the same. */
  readonly nonce?: string;
};

/** What is decided beside the script; tables and names in any order. */
export type Terms = Partial<Omit<Statement, "type" | "script">> &
  Pick<Statement, "analyst" | "environment" | "not_before">;

const nameRule = struct<NameRule>({
  name: text,
  table: optional(identifier),
  may_change: { codec: truth, absent: false, isAbsent: (may) => !may },
});

export const statementCodec = struct<Statement>({
  type: text,
  script: scriptCodec,
  analyst: text,
  environment: text,
  not_before: i64,
  expires: optional(i64),
  max_runs: optional(u64),
  policy_version: u32,
  purpose: optional(text),
  tables: optional(list(identifier)),
  names: { codec: list(nameRule), absent: [], isAbsent: (names) => names.length === 0 },
  max_uses: optional(u64),
  nonce: optional(identifier),
});

/** The exact bytes that are to be signed. What they say is checked as servers will check it. */
export function writeStatement(script: Script, terms: Terms): Uint8Array {
  const { tables, names = [], policy_version = POLICY_VERSION, ...rest } = terms;
  const statement: Statement = {
    type: STATEMENT_TYPE,
    script,
    ...rest,
    policy_version,
    ...(tables === undefined ? {} : { tables: [...tables].sort() }),
    names: [...names].sort((left, right) => byBytes(left.name, right.name)),
  };
  const payload = utf8(writeStrict(statementCodec, statement, UNREADABLE, false));
  readStatement(payload);
  return payload;
}

/** Reads and checks the bytes that were signed. */
export function readStatement(payload: Uint8Array): Statement {
  return readStrict(statementCodec, payload, UNREADABLE, check);
}

function check(statement: Statement): void {
  const { environment, not_before, expires, purpose, tables, names, max_uses } = statement;
  if (statement.type !== STATEMENT_TYPE) refuse(`this version reads \`${STATEMENT_TYPE}\` only`, ["type"]);
  if (environment === "" || utf8(environment).length > 200) {
    refuse("an environment has a name of at most 200 characters", ["environment"]);
  }
  if (expires !== undefined && expires < not_before)
    refuse("the approval ends before it begins", ["expires"]);
  if (statement.max_runs === 0) refuse("an approval allows at least one run", ["max_runs"]);
  if (keyOf(statement.analyst) === undefined)
    refuse("this is no usable Ed25519 verification key", ["analyst"]);
  if (purpose !== undefined && !isPurpose(purpose)) {
    refuse("a purpose has 1 to 1000 characters, none of them a control character", ["purpose"]);
  }
  if (tables !== undefined && !isSorted(tables))
    refuse("the tables are sorted, none comes twice", ["tables"]);
  if (!isSorted(names.map(({ name }) => name))) refuse("the names are sorted, none comes twice", ["names"]);
  if (names.some((rule) => rule.table !== undefined && rule.may_change)) {
    refuse("a name means one table, or it may change, not both", ["names"]);
  }
  if (max_uses === 0 || (max_uses !== undefined && statement.script.ordered)) {
    refuse("commands in any order may be used once or more; steps have runs", ["max_uses"]);
  }
  checkScript(statement.script, ["script"]);
  checkInputs(statement);
}

/** What the script writes out must be allowed; what fills its holes is checked when it comes. */
function checkInputs({ script, tables, names }: Statement): void {
  for (const [at, { command }] of script.steps.entries()) {
    const place = ["script", "steps", at];
    for (const input of inputs(command)) {
      if (input.by === "name" && "value" in input.name) {
        const name = input.name.value;
        if (names.some((rule) => rule.name === name)) continue;
        refuse(`step ${at + 1} uses the name "${name}", and the approval does not`, place);
      }
      if (input.by === "handle" && "value" in input.handle) {
        const handle = input.handle.value;
        if (tables === undefined || tables.includes(handle)) continue;
        refuse(`step ${at + 1} takes the table ${handle}, and the approval does not`, place);
      }
    }
  }
}

const isSorted = (texts: readonly string[]): boolean =>
  texts.every((text, at) => at === 0 || byBytes(texts[at - 1] ?? "", text) < 0);

function isPurpose(text: string): boolean {
  const characters = Array.from(text);
  return characters.length >= 1 && characters.length <= 1000 && !/(?!\n)\p{Cc}/u.test(text);
}
