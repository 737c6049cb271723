// Nothing needs a mouse, and where the keyboard is can be seen at every step.

import assert from "node:assert/strict";
import { join } from "node:path";
import { variant } from "../analysis.ts";
import type { Person } from "../person.ts";
import { chapter, requestOf } from "../stage.ts";

/** More stops than any page has between two things. */
const FAR = 150;

type Stop = { name: string; seen: boolean; role: string };

/** Where the keyboard is: how it is called, and whether that can be seen. */
const stop = (person: Person): Promise<Stop> =>
  person.page.evaluate(() => {
    const at = document.activeElement as HTMLElement & { labels?: NodeListOf<HTMLElement> };
    const { outlineStyle, boxShadow } = getComputedStyle(at);
    const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.innerText ?? at.innerText ?? "";
    return {
      name: label.trim(),
      seen: at === document.body || outlineStyle !== "none" || boxShadow !== "none",
      role: at.tagName.toLowerCase(),
    };
  });

/** Presses Tab until it is there. */
async function tabsTo(person: Person, name: string | RegExp): Promise<void> {
  const passed: string[] = [];
  for (let pressed = 0; pressed < FAR; pressed += 1) {
    await person.page.keyboard.press("Tab");
    const here = await stop(person);
    assert.ok(here.seen, `it can be seen that the keyboard is at ${here.role} ${here.name}`);
    if (typeof name === "string" ? here.name === name : name.test(here.name)) return;
    passed.push(here.name.slice(0, 30));
  }
  assert.fail(`no way to ${name} with Tab: ${passed.join(" | ")}`);
}

chapter("an approver signs in, finds, reads and signs a request with the keyboard alone", async (story) => {
  const { anna, chloe, world } = story;
  const id = await chloe.submits(
    variant(chloe, join(world.folder, "design/mean-age-10.json"), "By keyboard"),
    2,
  );
  const { page } = anna;
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  await anna.wakes();
  await anna.visits("");
  await page.reload();
  await anna.heading("Inbox");
  await page.getByRole("main").getByRole("link", { name: "Read and sign" }).first().waitFor();
  await tabsTo(anna, "Skip to content");
  await press("Enter");
  // More than one waits: the way leads to the list.
  await tabsTo(anna, "Read and sign");
  await press("Enter");
  await anna.heading("Requests");
  await page.getByRole("link", { name: "By keyboard" }).waitFor();
  await tabsTo(anna, "By keyboard");
  await press("Enter");
  await anna.heading("By keyboard");
  await page.getByRole("heading", { name: "Decide" }).waitFor();
  await tabsTo(anna, /^I have read every step/);
  await press("Space");
  await tabsTo(anna, "Passphrase");
  await page.keyboard.type("a passphrase for tests only");
  await press("Enter");
  await anna.reads("Signed. Thank you.");
  assert.equal((await requestOf(anna, id)).signatures.length, 1);
});

chapter("a dialog keeps the keyboard, closes with Escape, and gives it back", async ({ admin }) => {
  const { page } = admin;
  await admin.open("People");
  await page.getByRole("heading", { name: "The three servers" }).waitFor();
  await admin.wakes();
  await page.getByRole("link", { name: "Skip to content" }).focus();
  await tabsTo(admin, "Invite somebody");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").waitFor();
  for (let pressed = 0; pressed < 30; pressed += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => {
      const at = document.activeElement;
      return at === document.body || at?.closest("dialog") !== null;
    });
    assert.ok(inside, "the keyboard stays in the dialog");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await stop(admin)).name, "Invite somebody");
});
