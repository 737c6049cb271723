// What people compare, and what they are told in time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "uqr";
import type { RequestSummary, RequestView } from "../src/api/shapes.ts";
import { readScript } from "../src/contract/script.ts";
import { fingerprintOf } from "../src/state/contract.ts";
import { emptyDraft, payloadOf } from "../src/state/draft.ts";
import { byTime, endingApprovals, endingPolicies, mayEnd, SOON } from "../src/state/ending.ts";
import { qrPath } from "../src/state/qr.ts";
import { spoken } from "../src/state/spoken.ts";
import { bytesOf, textOf } from "./vectors.ts";

const ANALYST = textOf("keys/analyst.pk").split("\n")[1] ?? "";

test("the words of a fingerprint are those that others have for the same bytes", () => {
  assert.equal(
    spoken("E582 94F2 E9A2 2748 6E8B 061B 31CC 528F D7FA 3F19".replaceAll(" ", "-")).join(" "),
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado " +
      "chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless",
  );
  assert.deepEqual(spoken("00-00-FF-FF"), ["aardvark", "adroitness", "Zulu", "Yucatan"]);
  assert.deepEqual(spoken("D1-02"), ["stairway", "aftermath"]);
  assert.equal(spoken(fingerprintOf(ANALYST)).length, 16);
});

test("every byte has two words of its own, and swapped bytes have no word in common", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
  const all = bytes.flatMap((byte) => spoken(byte + byte));
  assert.equal(new Set(all.map((word) => word.toLowerCase())).size, 512);
  assert.ok(all.every((word) => /^[A-Za-z]{4,11}$/.test(word)));
  const [right, swapped] = [spoken("1234"), spoken("3412")];
  assert.ok(right.every((word) => !swapped.includes(word)));
  for (const wrong of ["1", "12-3", "xy", "12 34"]) assert.throws(() => spoken(wrong), RangeError);
});

test("the picture of a fingerprint has the squares of its code, each once", () => {
  const { data } = encode(fingerprintOf(ANALYST), { ecc: "M", border: 2 });
  const { size, path } = qrPath(data);
  assert.equal(size, data.length);
  const drawn = data.map((row) => row.map(() => false));
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = 0; at < Number(length); at += 1) {
      const row = drawn[Number(y)] ?? [];
      assert.equal(row[Number(x) + at], false);
      row[Number(x) + at] = true;
    }
  }
  assert.deepEqual(drawn, data);
  // A quiet border, and the three corners that cameras look for.
  assert.ok(data[0]?.every((square) => !square));
  for (const [x, y] of [
    [2, 2],
    [size - 9, 2],
    [2, size - 9],
  ] as const) {
    assert.deepEqual(data[y]?.slice(x, x + 7), Array<boolean>(7).fill(true));
  }
});

test("what ends within two weeks is told, what ended or ends later is not", () => {
  const now = 1_800_000_000;
  const list = (expires: number | null) => ({ expires }) as never;
  const project = { id: "p", name: "Stroke" };
  const ends = (at: number | null) => endingPolicies(project, { current: list(at), draft: null }, now);
  assert.deepEqual(
    [null, now - 1, now, now + 1, now + SOON, now + SOON + 1].map((at) => ends(at).length),
    [0, 0, 0, 1, 1, 0],
  );
  const draft = { adopt_before: now + 60 } as never;
  assert.deepEqual(
    endingPolicies(project, { current: null, draft }, now).map(({ what }) => what),
    ["draft"],
  );
});

test("an approval that ends soon is told to whoever may run it", () => {
  const script = readScript(bytesOf("scripts/mean-stroke-age.json"));
  const draft = { ...emptyDraft(ANALYST), purpose: "a test", notBefore: "2027-01-01", expires: "2027-01-10" };
  const payload = payloadOf(script, draft, "production", 1);
  const request = {
    id: "r",
    kind: "script",
    name: "Mean",
    project: "p",
    version: 1,
    versions: [{ version: 1, payload }],
  };
  const end = Date.UTC(2027, 0, 10, 23, 59, 59) / 1000;
  const at = (now: number) => endingApprovals([request as unknown as RequestView], now);
  assert.deepEqual(at(end - 86_400), [
    { what: "approval", name: "Mean", project: "p", request: "r", at: end },
  ]);
  assert.deepEqual([at(end - SOON - 1), at(end + 1)], [[], []]);
  const unreadable = { ...request, versions: [] } as unknown as RequestView;
  assert.deepEqual(endingApprovals([unreadable], end - 60), []);
  const all = [
    { id: "1", user: "me", state: "approved" },
    { id: "2", user: "me", state: "submitted" },
    { id: "3", user: "you", state: "approved" },
  ] as RequestSummary[];
  assert.deepEqual(
    mayEnd(all, "me").map(({ id }) => id),
    ["1"],
  );
  const later = { what: "policy", name: "x", project: "p", at: 9 } as const;
  assert.deepEqual(
    byTime([later, { ...later, at: 3 }]).map((one) => one.at),
    [3, 9],
  );
});
