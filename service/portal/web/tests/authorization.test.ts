// Everything that is about authorization, in a language that shares no code with the servers: it must come to
// the same conclusions. Who signed, what it is worth, which bytes are signed, what a log says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readApproval, verifyApproval } from "../src/contract/approval.ts";
import { compareLogs, readLog } from "../src/contract/audit.ts";
import type { Log } from "../src/contract/audit.ts";
import { Refused, base64, equal, fromHex, fromUtf8, hex, utf8 } from "../src/contract/bytes.ts";
import { fingerprint } from "../src/contract/digests.ts";
import { APPROVAL, Envelope, POLICY } from "../src/contract/envelope.ts";
import { readJson } from "../src/contract/json.ts";
import { SigningKey, VerifyingKey, generateKey, pae } from "../src/contract/keys.ts";
import { closeMessage, commandMessage, isStart, signStart, startMessage } from "../src/contract/messages.ts";
import { Policy } from "../src/contract/policy.ts";
import { Revocations, readRevocation, writeRevocation } from "../src/contract/revocation.ts";
import { bytesOf, filesIn, jsonOf, textOf } from "./vectors.ts";

/** Everybody who signs anything, by the seed of their key (every byte of it). */
const SEEDS = { alice: 1, bob: 2, analyst: 3, carol: 4, dan: 5, stranger: 9 };

const check = (holds: boolean, what: string): void => assert.ok(holds, what);
/** Files that describe vectors are no vectors themselves, and are read as any JSON. */
const described = (path: string): any => jsonOf(path);
type Person = keyof typeof SEEDS;
const key = (name: Person): Promise<SigningKey> => SigningKey.fromSeed(new Uint8Array(32).fill(SEEDS[name]));

/** `ok`, or the code of the refusal. Whatever else goes wrong is a fault of this program. */
async function verdict(judged: Promise<unknown>): Promise<string> {
  try {
    await judged;
    return "ok";
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

const refuses = async (judged: Promise<unknown>): Promise<boolean> => (await verdict(judged)) !== "ok";

test("keys are read, checked and written as standard files", async () => {
  for (const name of ["alice", "bob", "analyst"] as const) {
    const [secret, open] = [textOf(`keys/${name}.sk`), textOf(`keys/${name}.pk`)];
    const [signing, verifying] = [await SigningKey.fromPem(secret), await VerifyingKey.fromPem(open)];
    check(signing.verifyingKey.equals(verifying), `${name}'s halves fit`);
    check(verifying.equals((await key(name)).verifyingKey), `${name}'s key has its seed`);
    check(verifying.toPem() === open, `${name}.pk is written as it was`);
  }
  const openssl = await VerifyingKey.fromPem(textOf("keys/openssl.pk"));
  const [message, signature] = [bytesOf("keys/message.txt"), textOf("keys/message.sig").trim()];
  check(await openssl.verifies(message, signature), "a signature by openssl");
  const secret = await SigningKey.fromPem(textOf("keys/openssl.sk"));
  check((await secret.sign(message)) === signature, "the same signature here");
  for (const file of ["encrypted.sk", "x25519.sk", "alice.pk"]) {
    check(await refuses(SigningKey.fromPem(textOf(`keys/${file}`))), `${file} is no signing key`);
  }
  for (const file of ["x25519.pk", "alice.sk"]) {
    check(await refuses(VerifyingKey.fromPem(textOf(`keys/${file}`))), `${file} is no verification key`);
  }
  const made = await generateKey();
  const again = await SigningKey.fromPem(made.secret);
  check(again.verifyingKey.toPem() === made.public, "a new key");
  check(made.secret !== (await generateKey()).secret, "every new key is another one");
});

test("signatures on which implementations disagree are not believed, whatever WebCrypto says", async () => {
  let lax = 0;
  for (const each of described("ed25519/speccheck.json")) {
    const [message, bytes, signature] = [each.message, each.key, each.signature].map(fromHex) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const strict = async (): Promise<boolean> =>
      (await VerifyingKey.fromBytes(bytes)).verifies(message, base64(signature));
    check(!(await strict().catch(() => false)), `speccheck ${each.signature}`);
    const taken = crypto.subtle.importKey("raw", bytes.slice(), "Ed25519", true, ["verify"]);
    const lenient = taken.then((key) =>
      crypto.subtle.verify("Ed25519", key, signature.slice(), message.slice()),
    );
    lax += (await lenient.catch(() => false)) ? 1 : 0;
  }
  check(lax >= 1, "WebCrypto alone believes some of them");
});

test("JSON that two readers could take for two things is refused", () => {
  for (const text of [
    '{"a":1,"a":1}',
    "1.0",
    "1e3",
    "-0",
    "01",
    "9007199254740993",
    "1 1",
    "",
    "\ufeff1",
    "[1,]",
    "tru",
    '"\\ud800"',
    '"\n"',
    '{"a":1,}',
    '"\\x"',
    `${"[".repeat(121)}${"]".repeat(121)}`,
  ]) {
    check(
      throwsRefusal(() => readJson(utf8(text), "json")),
      `${text} is read`,
    );
  }
  check(
    throwsRefusal(() => readJson(Uint8Array.of(0x22, 0xff, 0x22), "json")),
    "no UTF-8",
  );
  const spaced = readJson(utf8(' {"a" : [ -9007199254740992 , "\\u00e9" ] } '), "json");
  check(JSON.stringify(spaced) === '{"a":[-9007199254740992,"é"]}', "spaces are allowed");
  check(pae("é", utf8("ab")).length === utf8("DSSEv1 2 é 2 ab").length, "PAE counts bytes");
});

function throwsRefusal(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    return error instanceof Refused;
  }
}

test("what the analyst signs is what servers verify, byte for byte, and nothing near it", async () => {
  const [analyst, alice] = [await key("analyst"), await key("alice")];
  for (const { kind, header, message, command } of described("messages.json")) {
    // The job is in the request around the header.
    const job = "07".repeat(32);
    const made = {
      start: () => startMessage(header),
      command: () => commandMessage({ ...header, command, job }),
      close: () => closeMessage(header),
    }[kind as "start" | "command" | "close"]();
    check(equal(made, utf8(message)), `the bytes of ${kind}`);
    check(await analyst.verifyingKey.verifies(made, header.signature), `the signature of ${kind}`);
    check((await analyst.sign(made)) === header.signature, `${kind} is signed alike`);
    const other = made.slice();
    other[other.length - 3]! ^= 1;
    check(!(await analyst.verifyingKey.verifies(other, header.signature)), `another ${kind}`);
    check(!(await alice.verifyingKey.verifies(made, header.signature)), `${kind} by somebody else`);
    if (kind !== "start") continue;
    check(await isStart(analyst.verifyingKey, await signStart(analyst, header)), "a start signed here");
  }
});

type Case = {
  name: string;
  file: string;
  kind: string;
  policy: string;
  revocations?: string[];
  now: number;
  signed_by: string[];
  verdict: string;
};

async function judge(
  kind: string,
  bytes: Uint8Array,
  policy: Policy,
  revocations: Revocations,
  now: number,
): Promise<void> {
  if (kind === "approval") await verifyApproval(bytes, policy, revocations, now);
  else if (kind === "policy") await policy.succeed(bytes, revocations, now);
  else await new Revocations().add(bytes, [policy]);
}

test("every file is worth what it is worth to the servers", async () => {
  const keys = new Map<string, VerifyingKey>();
  for (const name of Object.keys(SEEDS)) keys.set(name, (await key(name as Person)).verifyingKey);
  for (const each of described("authorization/cases.json") as Case[]) {
    const bytes = bytesOf(`authorization/${each.file}`);
    const policy = await Policy.read(bytesOf(`authorization/${each.policy}`));
    const revocations = new Revocations();
    for (const file of each.revocations ?? [])
      await revocations.add(bytesOf(`authorization/${file}`), [policy]);
    const got = await verdict(judge(each.kind, bytes, policy, revocations, each.now));
    check(got === each.verdict, `${each.name}: ${got} instead of ${each.verdict}`);
    const signed: string[] = [];
    for (const [name, key] of keys) if (await Envelope.read(bytes).isSignedBy(key)) signed.push(name);
    check(signed.join() === each.signed_by.join(), `${each.name}: signed by ${signed.join()}`);
  }
});

test("the same payload signed by the same people is the same file", async () => {
  const everybody = ["alice", "bob", "carol", "dan"] as const;
  for (const [folder, file, type, people] of [
    ["authorization", "mean.approved", APPROVAL, ["alice", "bob"]],
    ["authorization", "policy-2.policy", POLICY, everybody],
    ["approvals", "mean-stroke-age.approved", APPROVAL, ["alice", "bob"]],
  ] as const) {
    const bytes = bytesOf(`${folder}/${file}`);
    let made = Envelope.unsigned(type, Envelope.open(bytes, type).payload);
    for (const name of people) made = await made.signedAlsoBy(await key(name));
    check(equal(made.toBytes(), bytes), `${file} is signed and written alike`);
  }
  const policy = await Policy.read(bytesOf("authorization/policy-1.json"));
  check(equal(policy.toPayload(), bytesOf("authorization/policy-1.json")), "policy-1.json is written alike");
  const approved = Envelope.open(bytesOf("approvals/mean-stroke-age.approved"), APPROVAL);
  const old = await readApproval(approved.payload);
  check(old.analyst.equals((await key("analyst")).verifyingKey), "whose approval it is");
  const named = described("authorization/mean.approved").signatures[0].keyid;
  check(named === fingerprint((await key("alice")).verifyingKey.bytes), "fingerprints");
});

test("whatever is done to a file, it is not believed", async () => {
  const policy = await Policy.read(bytesOf("authorization/policy-1.json"));
  const now = 1_795_000_000;
  const holds = async (kind: string, bytes: Uint8Array): Promise<boolean> =>
    (await verdict(judge(kind, bytes, policy, new Revocations(), now))) === "ok";
  const whole = described("authorization/mean.approved");
  const [one, other] = whole.signatures;
  const withSignatures = (all: unknown[]): Uint8Array => utf8(JSON.stringify({ ...whole, signatures: all }));
  check(await holds("approval", withSignatures([other, one, one])), "in any order, and more often");
  for (const few of [[one], [other], [], [one, one, one]]) {
    check(!(await holds("approval", withSignatures(few))), "one signature is one, however often it comes");
  }
  const bytes = bytesOf("authorization/mean.approved");
  const payload = hex(Envelope.read(bytes).payload);
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << (at % 8);
    const same = (await holds("approval", changed)) && hex(Envelope.read(changed).payload) !== payload;
    check(!same, `byte ${at} of mean.approved`);
  }
  const files = ["approved", "policy", "revocation"].flatMap((ending) =>
    filesIn("authorization", `.${ending}`),
  );
  for (const file of files) {
    for (const from of files) {
      const [into, taken] = [described(file), described(from)];
      if (into.payload === taken.payload) continue;
      const mixed = utf8(JSON.stringify({ ...into, payload: taken.payload, payloadType: taken.payloadType }));
      for (const kind of ["approval", "policy", "revocation"]) {
        check(!(await holds(kind, mixed)), `${from} under the signatures of ${file}`);
      }
    }
  }
});

test("three honest logs fit, and any entry that was altered, taken out or moved is found", async () => {
  const bytes = [0, 1, 2].map((node) => bytesOf(`audit/node${node}.log`));
  const logs: Log[] = [];
  for (const each of bytes) {
    const [log, findings] = await readLog(each);
    check(findings.length === 0, `${findings[0]}`);
    logs.push(log);
  }
  check(logs.every((log, node) => log.node === node) && compareLogs(logs).length === 0, "three honest logs");
  const lines = (fromUtf8(bytes[0]!) ?? "").split("\n").slice(0, -1);
  const found = async (changed: string[]): Promise<boolean> => {
    const [log, findings] = await readLog(utf8(changed.map((line) => `${line}\n`).join("")));
    return findings.length + compareLogs([log, ...logs.slice(1)]).length > 0;
  };
  // Nobody has signed the last entry yet, and none follows it.
  for (const [at, line] of lines.slice(0, -1).entries()) {
    const altered = line.replace('"time":1', '"time":2');
    check(await found(lines.with(at, altered)), `entry ${at + 1} altered`);
    check(await found(lines.toSpliced(at, 1)), `entry ${at + 1} taken out`);
    const swapped = lines.toSpliced(at, 2, lines[at + 1]!, line);
    check(await found(swapped), `entry ${at + 1} moved`);
  }
});

test("an event is told of only if it says exactly what such an event says", async () => {
  const lines = (fromUtf8(bytesOf("audit/node0.log")) ?? "").split("\n").slice(0, -1);
  const [whole, none] = await readLog(bytesOf("audit/node0.log"));
  check(none.length === 0, "nothing is found");
  const told = (kind: string) => whole.entries.filter(({ event }) => event.kind === kind).length;
  assert.deepEqual(["run", "resolved", "void", "refused", "closed", "revoked"].map(told), [2, 2, 1, 1, 2, 2]);
  for (const [from, to] of [
    ['"name":"survey"', '"name":"survey","note":""'],
    ['"name":"survey"', '"called":"survey"'],
    ['"code":"approval_void"', '"code":null'],
    ['"pinned":true', '"pinned":1'],
    ['"outcome":"table"', '"outcome":["table"]'],
    ['"void":', '"unvoid":'],
    ['"revokes":{"analyst"', '"revokes":{"anybody"'],
    ['"step":0', '"step":-1'],
  ] as const) {
    const at = lines.findIndex((line) => line.includes(from));
    const changed = lines.with(at, (lines[at] ?? "").replace(from, to));
    const [, findings] = await readLog(utf8(changed.map((line) => `${line}\n`).join("")));
    check(findings.includes(`line ${at + 1} cannot be read as an entry`), `${from} to ${to}: ${findings[0]}`);
  }
});

test("a step that reads more tables than an entry lists is told of", async () => {
  const [line = ""] = (fromUtf8(bytesOf("audit/node0.log")) ?? "")
    .split("\n")
    .filter((each) => each.includes('"event":{"step"'));
  const all = "AB".repeat(32);
  const [log] = await readLog(utf8(`${line.replace("}}}", `,"all_tables":"${all}"}}}`)}\n`));
  const [step] = log.entries.map(({ event }) => event);
  assert.equal(step?.kind === "step" && step.all_tables, all);
});

test("revocations are read, and written back byte for byte", async () => {
  for (const path of filesIn("authorization", ".revocation")) {
    const { payload } = Envelope.read(bytesOf(path));
    assert.deepEqual(writeRevocation(await readRevocation(payload)), payload);
  }
});
