// What is left: the journal, the other pages, and what browsers complained about.

import assert from "node:assert/strict";
import { looksGood } from "../look.ts";
import type { Person } from "../person.ts";
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

  chapter("all of it is there in Dutch, refusals too", async (story) => {
    const { admin, anna, bob, chloe, paul, project } = story;
    const tongue = async (person: Person, locale: "nl" | "en"): Promise<void> => {
      await person.page.evaluate((chosen) => localStorage.setItem("vdl.locale", chosen), locale);
      await person.page.reload();
      await person.page.getByRole("navigation").first().waitFor();
      assert.equal(await person.page.evaluate(() => document.documentElement.lang), locale);
    };
    const pages: [Person, string, string][] = [
      [admin, "", "Postvak"],
      [admin, `projects/${project}/members`, "Mensen"],
      [admin, `projects/${project}/policy`, "Goedkeurders"],
      [admin, `projects/${project}/journal`, "Journaal"],
      [admin, "settings", "Instellingen"],
      [admin, "sessions", "Sessies"],
      [chloe, `projects/${project}/requests`, "Aanvragen"],
      [chloe, `projects/${project}/tables`, "Tabellen"],
      [chloe, `projects/${project}/tables/${story.handle}`, "survey"],
      [anna, "", "Postvak"],
      [anna, "keys", "Sleutels"],
      [paul, `projects/${project}/upload`, "Tabel uploaden"],
      [paul, `projects/${project}/requests/new-upload`, "Toestemming om te uploaden vragen"],
    ];
    for (const person of [admin, anna, bob, chloe, paul]) await tongue(person, "nl");
    for (const [person, address, heading] of pages) {
      await person.visits(address);
      await person.heading(heading);
      await person.page.waitForLoadState("networkidle");
      await looksGood(
        person,
        `nl-${heading.toLowerCase().replaceAll(" ", "-")}-${person.name.split(" ")[0]}`,
      );
    }
    await bob.visits(`projects/${project}/journal`);
    await bob.page.getByText("Uw rollen in dit project staan dit niet toe.").waitFor();
    await bob.page.getByText("Vraag een beheerder van het project om de rol.").waitFor();
    await bob.visits(`projects/${project}/requests/nowhere`);
    await bob.page.getByText("U kunt die aanvraag niet zien, of die bestaat niet.").waitFor();
    for (const person of [admin, anna, bob, chloe, paul]) {
      await tongue(person, "en");
      await person.visits("");
      await person.heading("Inbox");
    }
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
