// What an administrator does about people, and everybody about the next list of approvers.

import assert from "node:assert/strict";
import type { Route } from "playwright-core";
import { looksGood } from "../look.ts";
import { PATIENCE } from "../person.ts";
import { chapter, stage } from "../stage.ts";

/** Needs some time without other windows in front: to be called late. */
export function peopleChapters(): void {
  chapter(
    "an administrator signs somebody out everywhere, and nobody else does",
    async ({ admin, bob, chloe }) => {
      const away = await chloe.elsewhere();
      const members = JSON.parse((await admin.asks("GET", `/api/projects/${stage.project}`)).text) as {
        members: { user: string; name: string }[];
      };
      const { user } = members.members.find(({ name }) => name === chloe.name) ?? { user: "" };
      const path = `/api/projects/${stage.project}/members/${user}/sessions`;
      assert.equal((await bob.asks("DELETE", path)).code, "not_allowed");
      await bob.open("People");
      assert.equal(await bob.page.getByRole("button", { name: /^End sessions of/ }).count(), 0);
      await admin.open("People");
      // There is none for the reader, who has a page of sessions.
      const others = members.members.length - 1;
      await admin.page.getByRole("button", { name: `End sessions of ${chloe.name}` }).waitFor();
      assert.equal(await admin.page.getByRole("button", { name: /^End sessions of/ }).count(), others);
      await admin.click(`End sessions of ${chloe.name}`);
      const dialog = admin.page.getByRole("dialog", { name: `Sign ${chloe.name} out everywhere?` });
      await looksGood(admin, "sign-out-dialog");
      await admin.click("Cancel", dialog);
      assert.equal((await chloe.asks("GET", "/api/me")).status, 200, "nothing happened yet");
      await admin.hush();
      await admin.click(`End sessions of ${chloe.name}`);
      await admin.click("End sessions", dialog);
      await admin.reads(`All sessions of ${chloe.name} are ended.`);
      for (const browser of [chloe, away]) {
        assert.equal((await browser.asks("GET", "/api/me")).code, "not_logged_in");
        await browser.page.reload();
        await browser.heading("Sign in");
      }
      await away.page.context().close();
      await chloe.signIn();
      await bob.open("Inbox");
    },
  );

  chapter(
    "a next list of approvers is signed by all, and waits for the servers",
    async ({ admin, anna, bob }) => {
      await admin.open("Approvers");
      await admin.click("Change the approvers");
      await admin.hush();
      await admin.click("Make the next version");
      const waits = admin.page.getByRole("heading", { name: "Sign a next version: Version 2" });
      const asked = admin.page.getByRole("dialog", { name: "Is it still you?" });
      await waits.or(asked).first().waitFor();
      if (await asked.isVisible()) await admin.reads("Sign a next version: Version 2");
      await anna.open("Inbox");
      await anna.reads("A new list of approvers waits for your signature.");
      await anna.open("Approvers");
      await looksGood(anna, "next-list");
      await anna.hush();
      await anna.unlocks("Sign with this key");
      await anna.reads("Signed. Thank you.");
      await bob.open("Approvers");
      // As it looks while the servers have not taken it over yet.
      const waiting = async (route: Route): Promise<void> => {
        const answer = await route.fetch({ timeout: PATIENCE });
        const json = (await answer.json()) as { draft?: { complete: boolean } | null };
        if (json.draft) json.draft.complete = true;
        await route.fulfill({ response: answer, json });
      };
      await anna.page.route(/\/policy$/, waiting);
      await anna.page.reload();
      await anna.reads("Everybody has signed it");
      assert.equal(await anna.page.getByRole("button", { name: "Sign with this key" }).count(), 0);
      await anna.page.unroute(/\/policy$/, waiting);
      await bob.hush();
      await bob.unlocks("Sign with this key");
      await bob.reads("Signed. Thank you.");
      await bob.page.getByRole("heading", { name: "Version 2" }).waitFor();
      await bob.reads("All three go by this list.");
    },
  );
}
