// Sealed parcels are byte for byte those of vectors/sealed.json, which the servers' code is held to as well.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blake3 } from "@noble/hashes/blake3.js";
import { FRAME, parcelBytes, readSealKey, seal, Sealer } from "../src/data/seal.ts";
import { joined } from "../src/data/split.ts";
import { Garbled, type Route } from "../src/data/wire.ts";
import { hex, unhex, vector } from "./data/common.ts";
import { Recipient } from "./data/recipient.ts";

interface SealedVector {
  recipient_seed: string;
  recipient: string;
  parcels: {
    name: string;
    ephemeral_seed: string;
    route: Route;
    body_repeated: { unit: string; times: number };
    bytes: number;
    blake3: string;
    hex?: string;
    answer: { nonce: string; status: number; body: string; sealed: string };
  }[];
}

function repeated({ unit, times }: { unit: string; times: number }): Uint8Array<ArrayBuffer> {
  return unhex(unit.repeat(times));
}

async function sealedWith(
  key: Uint8Array<ArrayBuffer>,
  route: Route,
  body: Uint8Array,
  ephemeral: Uint8Array<ArrayBuffer>,
  piece = body.length,
): Promise<{ parcel: Uint8Array<ArrayBuffer>; sealer: Sealer }> {
  const parts: Uint8Array[] = [];
  const sealer = await Sealer.to(key, route, (bytes) => Promise.resolve(void parts.push(bytes)), ephemeral);
  for (let at = 0; at < body.length; at += piece) await sealer.write(body.subarray(at, at + piece));
  await sealer.end();
  return { parcel: joined(parts), sealer };
}

const vectors = vector<SealedVector>("sealed.json");

for (const one of vectors.parcels) {
  test(`${one.name}: the parcel and its answer are those of the vector`, async () => {
    const recipient = await Recipient.from(unhex(vectors.recipient_seed));
    assert.equal(hex(recipient.publicKey), vectors.recipient);
    const body = repeated(one.body_repeated);
    const seed = unhex(one.ephemeral_seed);
    const { parcel, sealer } = await sealedWith(recipient.publicKey, one.route, body, seed);
    assert.equal(parcel.length, one.bytes);
    assert.equal(hex(blake3(parcel)), one.blake3);
    if (one.hex !== undefined) assert.equal(hex(parcel), one.hex);
    assert.equal(parcelBytes(one.route, body.length), one.bytes);
    const { status, body: answer } = await sealer.openAnswer(unhex(one.answer.sealed));
    assert.deepEqual([status, hex(answer)], [one.answer.status, one.answer.body]);
  });
}

test("how a body is written in pieces does not show in the parcel", async () => {
  const recipient = await Recipient.from(new Uint8Array(32));
  const body = new Uint8Array(2 * FRAME + 77).map((_, at) => at % 251);
  const seed = new Uint8Array(32).fill(3);
  const whole = await sealedWith(recipient.publicKey, "/v1/command", body, seed);
  const parted = await sealedWith(recipient.publicKey, "/v1/command", body, seed, 99_991);
  assert.equal(hex(blake3(whole.parcel)), hex(blake3(parted.parcel)));
});

test("frames are full but for the last, and sizes are known beforehand", async () => {
  const recipient = await Recipient.from(new Uint8Array(32));
  const path = 1 + "/v1/command".length;
  for (const [length, frames] of [
    [0, [path]],
    [FRAME - path, [FRAME]],
    [FRAME - path + 1, [FRAME, 1]],
    [2 * FRAME - path, [FRAME, FRAME]],
  ] as const) {
    const { parcel } = await seal(recipient.publicKey, "/v1/command", new Uint8Array(length));
    assert.equal(parcel.length, parcelBytes("/v1/command", length));
    const opened = await recipient.open(parcel);
    assert.deepEqual([opened.route, opened.body.length, opened.frames], ["/v1/command", length, frames]);
  }
});

test("nobody but its server opens a parcel, and no parcel is like another", async () => {
  const mine = await Recipient.from(new Uint8Array(32));
  const other = await Recipient.from(new Uint8Array(32).fill(1));
  const body = new TextEncoder().encode("the same");
  const [first, second] = [
    await seal(mine.publicKey, "/v1/info", body),
    await seal(mine.publicKey, "/v1/info", body),
  ];
  await assert.rejects(other.open(first.parcel));
  assert.notEqual(hex(first.parcel), hex(second.parcel));
});

test("an answer that was altered, cut, or belongs to another parcel is refused", async () => {
  const recipient = await Recipient.from(new Uint8Array(32));
  const [mine, other] = [
    await seal(recipient.publicKey, "/v1/info", new Uint8Array(3)),
    await seal(recipient.publicKey, "/v1/info", new Uint8Array(3)),
  ];
  const answer = await (await recipient.open(mine.parcel)).answer(400, new TextEncoder().encode("{}"));
  assert.equal((await mine.sealer.openAnswer(answer)).status, 400);
  await assert.rejects(other.sealer.openAnswer(answer), Garbled);
  for (let at = 0; at < answer.length; at += 1) {
    const damaged = answer.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await assert.rejects(mine.sealer.openAnswer(damaged), Garbled);
    await assert.rejects(mine.sealer.openAnswer(answer.subarray(0, at)), Garbled);
  }
});

test("a sealing key is 32 bytes in base64, and nothing else", () => {
  assert.equal(readSealKey(Buffer.alloc(32).toString("base64"))?.length, 32);
  const longer = Buffer.alloc(33).toString("base64");
  for (const text of ["", "AAAA", longer, `${"A".repeat(43)}!`, "é".repeat(44)]) {
    assert.equal(readSealKey(text), null);
  }
});
