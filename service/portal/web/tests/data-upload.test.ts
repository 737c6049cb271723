// An upload reaches all three servers whole, or none of them, whatever the network does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTEMPTS, Cancelled, Control, GivenUp, type Phase } from "../src/data/delivery.ts";
import type { Table } from "../src/data/encode.ts";
import { Refused, type RunSigner } from "../src/data/servers.ts";
import { upload, type Order } from "../src/data/upload.ts";
import { readCommand, writeCommand } from "../src/contract/index.ts";
import type { Rules } from "../src/contract/language.ts";
import { Garbled, uploadCommand, type Three } from "../src/data/wire.ts";
import { csvOf, encoded, gathered } from "./data/common.ts";
import { TestPortal } from "./data/portal.ts";

const COLUMNS = [
  { name: "a", type: "int[min=0,max=1000]" },
  { name: "b", type: "varchar[6]?" },
];
const CELLS = [
  Array.from({ length: 3000 }, (_, row) => String(row % 1001)),
  Array.from({ length: 3000 }, (_, row) => (row % 7 === 0 ? null : `x${row}é`.slice(0, 6))),
];
/** Small, so that there are many of them: a dozen for each of two servers. */
const OPTIONS = { chunk: 5000, patience: [1] };

async function orderFor(portal: TestPortal): Promise<Order> {
  const { table } = await encoded(csvOf(COLUMNS, CELLS), COLUMNS);
  return { table, keys: portal.keys, file: { name: "people.csv", bytes: 9, digest: "d1" } };
}

/** Adds the three components up again, as only somebody with two servers' payloads can. */
async function checkWhole(portal: TestPortal, table: Table): Promise<void> {
  const planes = await gathered(table.pieces());
  const payload = (server: number): Uint8Array => portal.received[server]?.payload ?? new Uint8Array(0);
  const [first, second, third] = [payload(0), payload(1), payload(2)];
  assert.equal(first.length, 50);
  assert.deepEqual(first.slice(25), second.slice(0, 25));
  assert.deepEqual(first.slice(0, 25), third.slice(-25));
  const whole = second.slice(25 + 9);
  assert.deepEqual(whole, third.slice(9, -25));
  let combined: Uint8Array<ArrayBuffer> = whole.slice();
  for (const seed of [first.slice(9, 25), first.slice(34)]) {
    const key = await crypto.subtle.importKey("raw", seed.slice(), "AES-CTR", false, ["encrypt"]);
    const counter = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
    combined = new Uint8Array(await crypto.subtle.encrypt(counter, key, combined));
  }
  assert.ok(planes.equals(combined));
}

test("an upload gives three servers their shares, and the provider a receipt", async () => {
  const portal = await TestPortal.make();
  const order = await orderFor(portal);
  const phases: Phase[] = [];
  const told: number[][] = [];
  const events = {
    phase: (phase: Phase): void => void (phases.at(-1) === phase || phases.push(phase)),
    progress: (done: Three<number>, sizes: Three<number>): void =>
      void told.push([done, sizes].map(([a, b, c]) => a + b + c)),
  };
  const receipt = await upload(order, portal, null, new Control(), events, OPTIONS);
  await checkWhole(portal, order.table);
  const { time, ...rest } = receipt;
  assert.deepEqual(rest, {
    handle: "AB".repeat(32),
    columns: COLUMNS,
    rows: 3000,
    file_name: "people.csv",
    file_digest: "d1",
  });
  assert.ok(Math.abs(time - Date.now() / 1000) < 600);
  assert.deepEqual(phases, ["starting", "uploading", "sending", "done"]);
  const last = told.at(-1) ?? [];
  assert.equal(last[0], last[1]);
  assert.ok(told.length > 20);
  const commands = portal.received.map((one) => one?.request.command);
  assert.equal(new Set(commands).size, 1);
  assert.equal(portal.dropped, 0, "it is still known when its table is told of");
});

test("a request or an answer lost at any point changes nothing", async () => {
  const calm = await TestPortal.make();
  await upload(await orderFor(calm), calm, null, new Control(), {}, OPTIONS);
  for (let lost = 0; lost < calm.calls.length; lost += 1) {
    for (const fate of ["lost", "answer lost"] as const) {
      const portal = await TestPortal.make();
      portal.fate = (call) => (call === lost ? fate : "passes");
      const order = await orderFor(portal);
      const receipt = await upload(order, portal, null, new Control(), {}, OPTIONS);
      assert.equal(receipt.rows, 3000);
      assert.equal(portal.sent, 1, "a table is sent on once");
      await checkWhole(portal, order.table);
    }
  }
});

test("a portal that lost chunks gets parcels made anew, never a mixture", async () => {
  const portal = await TestPortal.make();
  portal.fate = (call, what) => {
    if (call === 12 && what.startsWith("put")) {
      portal.chunks.forEach((chunks) => chunks.delete(0));
      return "lost";
    }
    return "passes";
  };
  const order = await orderFor(portal);
  await upload(order, portal, null, new Control(), {}, OPTIONS);
  await checkWhole(portal, order.table);
});

test("a portal that keeps losing chunks is given up, and nothing was sent", async () => {
  const portal = await TestPortal.make();
  portal.fate = () => {
    portal.chunks[1].delete(0);
    return "passes";
  };
  const order = await orderFor(portal);
  await assert.rejects(upload(order, portal, null, new Control(), {}, OPTIONS), /lost parts/);
  assert.deepEqual([portal.sent, portal.dropped], [0, 1]);
});

test("a pause holds everything up until it is over", async () => {
  const portal = await TestPortal.make();
  const control = new Control();
  portal.fate = (call) => {
    if (call === 10) control.pause();
    return "passes";
  };
  const order = await orderFor(portal);
  const phases: Phase[] = [];
  const events = { phase: (phase: Phase): void => void phases.push(phase) };
  const running = upload(order, portal, null, control, events, OPTIONS);
  while (!phases.includes("paused")) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = portal.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(portal.calls.length, before);
  control.resume();
  await running;
  await checkWhole(portal, order.table);
});

test("a cancelled upload leaves nothing, paused or not", async () => {
  for (const paused of [false, true]) {
    const portal = await TestPortal.make();
    const control = new Control();
    portal.fate = (call) => {
      if (call === 7 && paused) {
        control.pause();
        setTimeout(() => control.cancel(), 20);
      } else if (call === 7) control.cancel();
      return "passes";
    };
    await assert.rejects(upload(await orderFor(portal), portal, null, control, {}, OPTIONS), Cancelled);
    assert.deepEqual([portal.sent, portal.dropped, portal.received.length], [0, 1, 0]);
  }
});

test("a parcel that never gets through to a portal that is there is given up, by its server's name", async () => {
  for (const fate of ["lost", "answer lost"] as const) {
    const portal = await TestPortal.make();
    portal.fate = (_, what) => (what === "put 1" ? fate : "passes");
    const phases: Phase[] = [];
    const events = { phase: (phase: Phase): void => void phases.push(phase) };
    const done = upload(await orderFor(portal), portal, null, new Control(), events, OPTIONS);
    await assert.rejects(done, (error) => error instanceof GivenUp && error.why === undefined && error.server === 1);
    assert.equal(portal.calls.filter((what) => what === "put 1").length, ATTEMPTS);
    assert.deepEqual([portal.sent, portal.dropped], [0, 1]);
    assert.ok(phases.includes("delayed") && !phases.includes("waiting"));
  }
});

test("a server that stays away is told of after a few attempts, wherever it is noticed", async () => {
  for (const at of ["relay", "open", "put 2", "send"]) {
    const portal = await TestPortal.make();
    portal.fate = (_, what) => (what === at ? "put off" : "passes");
    const done = upload(await orderFor(portal), portal, signer, new Control(), {}, OPTIONS);
    await assert.rejects(done, (error) => error instanceof GivenUp && error.why?.message === `${at} was put off`);
    assert.ok(portal.calls.filter((what) => what === at).length >= ATTEMPTS, at);
    assert.deepEqual([portal.sent, portal.received.length], [0, 0]);
  }
});

test("a network that is away for long is waited for, however often it is tried", async () => {
  const portal = await TestPortal.make();
  let lost = 0;
  portal.there = false;
  portal.fate = (_, what) => {
    if (what !== "put 1" || lost === 5 * ATTEMPTS) return "passes";
    lost += 1;
    return "lost";
  };
  const order = await orderFor(portal);
  const phases: Phase[] = [];
  const events = { phase: (phase: Phase): void => void phases.push(phase) };
  await upload(order, portal, null, new Control(), events, OPTIONS);
  await checkWhole(portal, order.table);
  assert.ok(phases.includes("waiting") && !phases.includes("delayed"));
});

test("a server that comes back in time costs the upload nothing", async () => {
  const portal = await TestPortal.make();
  let left = ATTEMPTS - 1;
  portal.fate = (_, what) => (what === "send" && left-- > 0 ? "put off" : "passes");
  const order = await orderFor(portal);
  await upload(order, portal, null, new Control(), {}, OPTIONS);
  await checkWhole(portal, order.table);
  assert.equal(portal.sent, 1);
});

const started: string[] = [];
const signer: RunSigner = {
  start: () =>
    Promise.resolve({
      header: { approval: "A1", start: "S", signature: "s" },
      envelope: new TextEncoder().encode("envelope"),
      approval: "A1",
    }),
  command: (nonces, command, job) => {
    started.push(`${nonces.map((nonce) => nonce[0]).join("")} ${job.length} ${command.length > 0}`);
    return Promise.resolve({ approval: "A1", nonces, step: 0, signature: "signed" });
  },
  close: (nonces) => Promise.resolve({ approval: "A1", nonces, signature: "closed" }),
};

test("where servers ask for authority a run is started and signed for, and always closed", async () => {
  for (const failing of [false, true]) {
    const portal = await TestPortal.make();
    if (failing) {
      const codes = ["peer_stopped", "too_wide"];
      portal.refusal = (server) => {
        const code = codes[server];
        return code === undefined ? null : { status: 400, body: { code, message: "m" } };
      };
    }
    const done = upload(await orderFor(portal), portal, signer, new Control(), {}, OPTIONS);
    if (failing) {
      await assert.rejects(done, (error) => error instanceof Refused && error.answer.code === "too_wide");
    } else await done;
    assert.deepEqual(started.pop(), "012 64 true");
    const authority = portal.received[0]?.request.authority as { signature: string };
    assert.equal(authority.signature, "signed");
    const routes = portal.relayed.map((one) => one.split(" ")[0]);
    assert.deepEqual(routes, [...Array(3).fill("/v1/runs/start"), ...Array(3).fill("/v1/runs/close")]);
  }
});

const RULES: Rules = { min_rows: 10, join_only: ["b"] };
const ROUNDED: Rules = { min_rows: 12, join_only: ["b"], round_counts: 10 };
/** As a server tells of a table that was just uploaded with them. */
const KEPT = { guards: [{ source: "AB".repeat(32), min_rows: 10 }], join_only: ["b"] };

test("the rules of a table are part of the command that is signed, as the language writes it", () => {
  const columns = { join_only: ["a", "b"] };
  for (const rules of [undefined, RULES, { min_rows: 2, join_only: [] }, columns, ROUNDED]) {
    const command = uploadCommand(COLUMNS, "people", rules);
    assert.equal(writeCommand(readCommand(command)), command);
    assert.ok(command.includes('"rules"') === (rules !== undefined));
  }
});

test("a table whose servers keep other rules than were asked is not taken for uploaded", async () => {
  const rounded = { guards: [{ min_rows: 20 }], join_only: ["b"], round_counts: 10 };
  const kept: [Rules | undefined, unknown, boolean][] = [
    [RULES, KEPT, true],
    [undefined, undefined, true],
    [RULES, undefined, false],
    [undefined, KEPT, false],
    [RULES, { ...KEPT, join_only: [] }, false],
    [RULES, { ...KEPT, guards: [] }, false],
    [RULES, { ...KEPT, guards: [{ min_rows: 9 }] }, false],
    [RULES, { ...KEPT, guards: [...KEPT.guards, ...KEPT.guards] }, false],
    [RULES, 7, false],
    [ROUNDED, rounded, true],
    [ROUNDED, { ...rounded, guards: [{ min_rows: 12 }] }, false],
    [ROUNDED, { ...rounded, round_counts: undefined }, false],
    [ROUNDED, { ...rounded, round_counts: 5 }, false],
    [RULES, { ...KEPT, round_counts: 10 }, false],
  ];
  for (const [asked, rules, good] of kept) {
    const portal = await TestPortal.make();
    portal.lies = (_, table) => (rules === undefined ? table : { ...table, rules });
    const order = { ...(await orderFor(portal)), rules: asked };
    const done = upload(order, portal, null, new Control(), {}, OPTIONS);
    if (good)
      assert.deepEqual((await done).rules, asked?.round_counts === undefined ? asked : { ...asked, min_rows: 20 });
    else await assert.rejects(done, Garbled);
  }
});

test("servers that tell different stories are not believed", async () => {
  for (const lies of [
    (server: number, table: Record<string, unknown>) =>
      server === 1 ? { ...table, handle: "CD".repeat(32) } : table,
    (_: number, table: Record<string, unknown>) => ({ ...table, rows: 2999 }),
    (_: number, table: Record<string, unknown>) => ({ ...table, columns: COLUMNS.slice(1) }),
    (_: number, table: Record<string, unknown>) => ({ ...table, handle: "short" }),
  ]) {
    const portal = await TestPortal.make();
    portal.lies = lies;
    await assert.rejects(upload(await orderFor(portal), portal, null, new Control(), {}, OPTIONS), Garbled);
  }
});
