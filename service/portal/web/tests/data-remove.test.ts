// A table is deleted on all three servers, or it is said that it is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCommand, writeCommand } from "../src/contract/index.ts";
import { NetworkLoss } from "../src/data/delivery.ts";
import { removeTable } from "../src/data/remove.ts";
import { Refused, Servers, type Relay, type RunSigner } from "../src/data/servers.ts";
import { Garbled, removeCommand } from "../src/data/wire.ts";
import { readRemoveScript, removeScript } from "../src/state/remove.ts";
import { templateAnyUpload } from "../src/contract/template.ts";
import { TestPortal } from "./data/portal.ts";

const HANDLE = "AB".repeat(32);
const signal = (): AbortSignal => new AbortController().signal;

const signer: RunSigner = {
  start: () =>
    Promise.resolve({ header: { approval: "A1" }, envelope: new Uint8Array([1]), approval: "A1" }),
  command: (nonces) => Promise.resolve({ approval: "A1", nonces, step: 0, signature: "signed" }),
  close: (nonces) => Promise.resolve({ approval: "A1", nonces, signature: "closed" }),
};

function remove(portal: TestPortal, by: RunSigner | null): Promise<"deleted" | "gone"> {
  return removeTable(HANDLE, new Servers(portal.keys, portal), by, signal());
}

test("the command and the script that asks for it are as the language writes them", () => {
  assert.equal(writeCommand(readCommand(removeCommand(HANDLE))), removeCommand(HANDLE));
  const script = removeScript(HANDLE);
  assert.equal(writeCommand(script.steps[0]!.command), removeCommand(HANDLE));
  assert.equal(readRemoveScript(script), HANDLE);
  assert.equal(readRemoveScript(templateAnyUpload()), undefined);
  assert.equal(readRemoveScript({ ...script, ordered: false }), undefined);
  assert.equal(readRemoveScript({ ...script, steps: [...script.steps, ...script.steps] }), undefined);
});

test("all three servers are told in one run, which is always closed", async () => {
  for (const by of [signer, null]) {
    const portal = await TestPortal.make();
    assert.equal(await remove(portal, by), "deleted");
    const [one, two, three] = portal.received.map((server) => server?.request);
    assert.deepEqual([one, one], [two, three]);
    assert.equal(one?.command, removeCommand(HANDLE));
    assert.equal((one?.authority as { signature: string } | undefined)?.signature, by === null ? undefined : "signed");
    const routes = portal.relayed.map((line) => line.split(" ")[0]);
    const around = (route: string): string[] => (by === null ? [] : Array<string>(3).fill(route));
    const told = Array<string>(3).fill("/v1/command");
    assert.deepEqual(routes, [...around("/v1/runs/start"), ...told, ...around("/v1/runs/close")]);
  }
});

test("a server that refuses is named, and what is gone already is no failure", async () => {
  const answers = async (codes: (string | undefined)[]): Promise<string> => {
    const portal = await TestPortal.make();
    portal.refusal = (server) => {
      const code = codes[server];
      return code === undefined ? null : { status: 400, body: { code, message: "m" } };
    };
    return remove(portal, signer).finally(() =>
      assert.equal(portal.relayed.filter((line) => line.startsWith("/v1/runs/close")).length, 3),
    );
  };
  const refuses = (codes: (string | undefined)[], server: number): Promise<void> =>
    assert.rejects(answers(codes), (error) => error instanceof Refused && error.server === server);
  await refuses(["peer_stopped", "approval_expired", "peer_stopped"], 1);
  await refuses([undefined, undefined, "in_doubt"], 2);
  await refuses(["unknown_table", "approval_expired", "unknown_table"], 0);
  await refuses(["unknown_table", undefined, undefined], 0);
  await refuses(["peer_stopped", "peer_stopped", "peer_stopped"], 0);
  assert.equal(await answers(["unknown_table", "unknown_table", "unknown_table"]), "gone");
  assert.equal(await answers(["peer_stopped", "unknown_table", "peer_stopped"]), "gone");
});

test("an answer to something else is not taken for a deletion", async () => {
  for (const lie of [{ job: "0".repeat(64) }, { outcome: { table: {} } }, { outcome: undefined }]) {
    const portal = await TestPortal.make();
    portal.lies = (server, answer) => (server === 1 ? { ...answer, ...lie } : answer);
    await assert.rejects(remove(portal, null), Garbled);
  }
});

test("an answer that does not come in time tells no more than a lost one", async () => {
  const portal = await TestPortal.make();
  const gone = new AbortController();
  portal.fate = (call) => {
    if (call === 4) gone.abort(new DOMException("late", "TimeoutError"));
    return call === 4 ? "lost" : "passes";
  };
  const late = {
    relay: (...[server, parcel, signal]: Parameters<Relay["relay"]>) =>
      portal.relay(server, parcel).catch((problem: unknown) => {
        signal.throwIfAborted();
        throw problem;
      }),
  };
  const servers = new Servers(portal.keys, late);
  await assert.rejects(removeTable(HANDLE, servers, signer, gone.signal), NetworkLoss);
});

test("a connection lost on the way is told, and nothing is sent twice", async () => {
  const portal = await TestPortal.make();
  portal.fate = (call) => (call === 4 ? "answer lost" : "passes");
  await assert.rejects(remove(portal, signer), NetworkLoss);
  assert.equal(portal.relayed.filter((line) => line.startsWith("/v1/command")).length, 3);
});
