// Two approvers sign, the analyst runs the script against the three servers, and every other way is refused.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { linesOf, PLAIN, runs } from "../analysis.ts";
import { looksGood, picture } from "../look.ts";
import { chapter, stage } from "../stage.ts";
import { serversSay } from "../thief.ts";
import { APPROVERS, python, vdl } from "../world.ts";

/** The cell that the page shows an analyst; it is the same for every approved script of this name. */
let cell = "";

/** A folder to run in, with a key and an approved file. */
function desk(folder: string, key: string, approved: string): string {
  const path = join(stage.world.folder, folder);
  mkdirSync(path, { recursive: true });
  copyFileSync(key, join(path, "analyst.sk"));
  copyFileSync(approved, join(path, "mean-age.approved"));
  return folder;
}

chapter(
  "one signature of two is not enough: there is no file, and servers refuse one that is made by hand",
  async ({ world, anna, chloe }) => {
    await anna.signs("Mean age", () => picture(anna, "sign"));
    await chloe.opensRequest("Mean age");
    assert.equal(await chloe.page.getByText("Your script is approved").count(), 0);
    const id = chloe.requestId();
    const early = await chloe.asks("GET", `/api/requests/${id}/approved`);
    assert.deepEqual([early.status, early.code], [409, "not_now"]);
    await chloe.page.getByText("As it is signed").click();
    const unsigned = await chloe.saves("Save for vdl approve", "early.approved");
    vdl("approve", unsigned, "--key", join(world.folder, `${APPROVERS[0]}.sk`));
    const approval = desk("early", join(world.folder, "run/analyst.sk"), unsigned);
    const lines = linesOf(stage.handle, 10);
    const key = 'import crandas as cd\ncd.base.session.analyst_key = "analyst.sk"\n';
    const { code } = await python(
      world,
      "production",
      approval,
      `${key}cd.script.load("mean-age.approved")\n${lines}`,
    );
    assert.equal(code, "approver_missing");
    assert.deepEqual(await serversSay("early.approved", "run/analyst"), Array(3).fill("approver_missing"));
  },
);

chapter(
  "two approvers sign in the browser, and the file is what vdl verify accepts",
  async ({ world, bob, chloe }) => {
    await bob.signs("Mean age");
    await chloe.opensRequest("Mean age");
    await chloe.reads("Your script is approved");
    await looksGood(chloe, "approved");
    await picture(chloe, "approved");
    const file = await chloe.saves("Save the .approved file", "run/mean-age.approved", "link");
    const keys = APPROVERS.flatMap((name) => ["--approver", join(world.folder, `${name}.pk`)]);
    vdl("verify", file, ...keys);
    cell = await chloe.page.getByRole("region", { name: "Paste this into your notebook" }).innerText();
  },
);

chapter("a stranger's key runs nothing, and uses up no run", async ({ world, chloe }) => {
  const approved = join(world.folder, "run/mean-age.approved");
  const stranger = join(world.folder, "mallory.sk");
  vdl("keygen", stranger, join(world.folder, "mallory.pk"));
  const stolen = await runs(desk("stolen", stranger, approved), cell, linesOf(stage.handle, 10));
  assert.deepEqual([stolen.code, stolen.said], ["not_authorized", ""]);
  // crandas saw that by itself; so do the servers.
  assert.deepEqual(await serversSay("run/mean-age.approved", "mallory"), Array(3).fill("wrong_analyst"));
  await chloe.opensRequest("Mean age");
  await chloe.reads("0 of 2");
});

chapter(
  "the analyst runs the cell against the three servers, and the result is what pandas says",
  async ({ world, chloe }) => {
    const real = await runs("run", cell, linesOf(stage.handle, 10));
    assert.equal(real.code, undefined, real.why);
    const plain = await python(world, "nowhere", "run", PLAIN);
    const numbers = (said: string): Record<string, number> =>
      Object.fromEntries(
        [...said.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]),
      );
    const [got, expected] = [numbers(real.said), numbers(plain.said)];
    assert.deepEqual(Object.keys(expected), ["mean", "sum"]);
    assert.equal(got["sum"], expected["sum"]);
    assert.ok(Math.abs((got["mean"] ?? 0) - (expected["mean"] ?? 1)) < 1e-9, `${real.said} ${plain.said}`);
    await chloe.opensRequest("Mean age");
    await chloe.reads("1 of 2");
    await looksGood(chloe, "used");
  },
);

chapter("other lines than those that were approved are refused, and so is a run over the limit", async () => {
  const other = await runs("run", cell, linesOf(stage.handle, 10).replace("> 30", "> 31"));
  assert.deepEqual([other.code, other.said], ["script_mismatch", ""]);
  const again = await runs("run", cell, linesOf(stage.handle, 10));
  assert.deepEqual([again.code, again.said], ["runs_used_up", ""]);
  assert.deepEqual(await serversSay("run/mean-age.approved", "run/analyst"), Array(3).fill("runs_used_up"));
});
