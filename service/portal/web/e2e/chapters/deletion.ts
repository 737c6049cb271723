// A provider deletes a table: both approvers agree, the provider's key signs, and it is gone from three servers.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { looksGood } from "../look.ts";
import { PATIENCE, type Person } from "../person.ts";
import { chapter, stage } from "../stage.ts";

const ROWS = Array.from({ length: 20 }, (_, row) => `${row};${row % 7}`);

/** How many commands each server's own log tells of that deleted a table. */
function deletions(): number[] {
  const folder = join(stage.world.folder, "servers");
  const logs = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /audit/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
  return logs.map((log) => log.split('"removed"').length - 1);
}

/** Each server writes it down once it has done it; the page may hear of one server's loss before that. */
async function eachDeletedOneMore(before: number[]): Promise<void> {
  const wanted = before.map((count) => count + 1);
  const end = Date.now() + PATIENCE;
  while (deletions().join() !== wanted.join() && Date.now() < end) await setTimeout(50);
  assert.deepEqual(deletions(), wanted);
}

async function opensTable(person: Person, name: string): Promise<void> {
  await person.open("Tables");
  await person.page.getByRole("main").getByRole("link", { name, exact: true }).click();
  await person.heading(name);
}

chapter("a table stays until both approvers agreed to its deletion", async ({ anna, bob, chloe, paul }) => {
  await paul.chooses("short.csv", ["id;mark", ...ROWS].join("\n"));
  await paul.click("Continue");
  await paul.click("Continue");
  await paul.page.getByLabel("Name of the table").fill("short");
  await paul.unlocks("Split, seal and upload");
  await paul.reads("It is uploaded");
  // Whose table it is decides.
  await opensTable(chloe, "short");
  await chloe.reads("Uploaded through this portal");
  assert.equal(await chloe.page.getByRole("button", { name: "Delete", exact: true }).count(), 0);
  await opensTable(paul, "short");
  await paul.click("Delete");
  await looksGood(paul, "delete");
  await paul.page.getByRole("link", { name: "Ask the approvers" }).click();
  await paul.reads(/Deletes the table/);
  await paul.page.getByLabel("Purpose").fill("The people in it asked for it");
  await looksGood(paul, "delete-ask");
  await paul.click("Submit");
  await paul.reads("It is submitted");
  await anna.signs("Delete short", async () => {
    assert.equal(await anna.page.getByText(/Ask them whether it is theirs/).count(), 0);
  });
  assert.equal(await paul.page.getByRole("button", { name: /Delete it on all/ }).count(), 0);
  await bob.signs("Delete short");
});

chapter("an approved deletion takes the table from all three servers, once and for all", async ({ paul }) => {
  await opensTable(paul, "short");
  await paul.click("Delete");
  await paul.reads("The approvers agreed to this.");
  await paul.page.getByRole("link", { name: "Go to the request" }).click();
  await paul.heading("Delete short");
  await looksGood(paul, "delete-approved");
  const before = deletions();
  assert.equal(before.length, 3);
  // The answer of one server is lost: whether the table is gone cannot be told, and nothing is sent twice.
  let relayed = 0;
  await paul.page.route("**/relay/1", async (route) => {
    relayed += 1;
    if (relayed !== 2) return route.continue();
    await route.fetch({ timeout: PATIENCE });
    return route.abort("connectionreset");
  });
  await paul.unlocks("Delete it on all three servers");
  await paul.reads(/may be deleted or not/);
  await paul.page.unroute("**/relay/1");
  await eachDeletedOneMore(before);
  await paul.hush();
  await paul.unlocks("Delete it on all three servers");
  await paul.reads(/there is no such table any more/);
  await paul.heading("Tables");
  assert.equal(await paul.page.getByRole("link", { name: "short", exact: true }).count(), 0);
  assert.deepEqual(
    deletions(),
    before.map((count) => count + 1),
  );
});

chapter("a handle that somebody wrote down by hand is not taken for their upload", async ({ anna, paul }) => {
  const told = await paul.asks("POST", `/api/projects/${stage.project}/tables`, {
    handle: "C0FFEE".padEnd(64, "0"),
    name: "not mine",
    schema: [{ name: "id", type: "int[min=0,max=9]" }],
    rows: 3,
    file_digest: "0".repeat(64),
    file_name: "heard-of.csv",
  });
  assert.equal(told.status, 201, told.text);
  // A list that is on the page already is not asked for again.
  await paul.open("Requests");
  await opensTable(paul, "not mine");
  await paul.reads("Its handle was written down by hand");
  await paul.click("Delete");
  await paul.page.getByRole("link", { name: "Ask the approvers" }).click();
  await paul.page.getByLabel("Purpose").fill("It is old");
  await paul.click("Submit");
  await paul.reads("It is submitted");
  await anna.opensRequest("Delete not mine");
  await anna.reads(/was not uploaded through this portal: .* wrote its handle down by hand/);
});
