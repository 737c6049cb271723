// What is left: the journal, the other pages, and what browsers complained about.

import assert from "node:assert/strict";
import { looksGood } from "../look.ts";
import { chapter } from "../stage.ts";

/** To be called after all others. */
export function lastPages(): void {
  chapter("the journal hangs together, and so do the servers' logs", async ({ admin }) => {
    await admin.open("Journal");
    await admin.click("Verify");
    await admin.reads(/entries hang together/);
    await admin.click("Read and verify");
    await admin.reads(/what the other servers signed fits/);
    await looksGood(admin, "journal");
  });

  chapter("every other page looks good, and no browser complained", async ({ admin, world }) => {
    for (const page of ["Sessions", "Settings", "Requests", "Tables", "Approvers"]) {
      await admin.open(page);
      await admin.page.waitForLoadState("networkidle");
      await looksGood(admin, page.toLowerCase());
    }
    await admin.click("Sign out");
    await admin.heading("Sign in");
    await looksGood(admin, "sign-in");
    await admin.signIn();
    for (const { name, complaints } of world.people) assert.deepEqual(complaints, [], name);
  });
}
