// What long names, narrow screens and a click at the wrong moment do to people.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Dialog, Route } from "playwright-core";
import { variant } from "../analysis.ts";
import { looksGood } from "../look.ts";
import type { Person } from "../person.ts";
import { chapter } from "../stage.ts";

/** As wide as a telephone, until what is done with it is done. */
async function onTelephone(person: Person, act: () => Promise<void>): Promise<void> {
  const wide = person.page.viewportSize();
  await person.page.setViewportSize({ width: 390, height: 844 });
  await act();
  if (wide !== null) await person.page.setViewportSize(wide);
}

const title = (person: Person): Promise<string> => person.page.title();

chapter("an upload on its way is not given up by a click, and one that is stopped is told", async (story) => {
  const { paul, project } = story;
  const { page } = paul;
  const columns = Array.from({ length: 30_000 }, (_, row) => `${row};${row % 90}`);
  await paul.chooses("survey-2.csv", ["id;age", ...columns].join("\n"));
  await paul.click("Continue");
  await paul.reads("Every row fits.");
  await paul.click("Continue");
  await paul.reads("Rules of this upload");
  // No piece arrives before the upload is stopped.
  let stopped = (): void => undefined;
  const isStopped = new Promise<void>((resolved) => (stopped = resolved));
  const slowly = async (route: Route): Promise<void> => {
    await isStopped;
    await route.continue().catch(() => undefined);
  };
  await page.route("**/api/uploads/*/*/*", slowly);
  await paul.unlocks("Split, seal and upload");
  await page.getByRole("button", { name: "Stop and discard" }).waitFor();
  const asked: string[] = [];
  let answered = (): void => undefined;
  const isAnswered = new Promise<void>((resolved) => (answered = resolved));
  const stays = (dialog: Dialog): void => {
    asked.push(dialog.message());
    void dialog.dismiss().then(answered);
  };
  page.on("dialog", stays);
  await page.getByRole("navigation").getByRole("link", { name: "Keys" }).click();
  // The click may be over before this side has heard of the question.
  await isAnswered;
  await paul.heading("Upload a table");
  assert.deepEqual(asked, ["The upload is not finished. Leave this page, and give it up?"]);
  assert.match(page.url(), new RegExp(`${project}/upload$`));
  page.off("dialog", stays);
  await paul.click("Stop and discard");
  await paul.reads("The upload is discarded.");
  stopped();
  await page.unroute("**/api/uploads/*/*/*", slowly);
  // Nothing is on its way any more.
  await paul.open("Keys");
});

chapter("a column that nobody decided about is named where the way on is barred", async ({ paul }) => {
  await paul.chooses("dates.csv", "id;seen\n1;01/02/2020\n2;03/04/2020\n3;05/06/2020\n");
  await paul.reads("Still to be settled, or left out: “seen”.");
  assert.ok(await paul.page.getByRole("button", { name: "Continue" }).isDisabled());
  await paul.page.getByLabel("Read as: seen").selectOption({ index: 1 });
  await paul.page.getByText("Still to be settled").waitFor({ state: "detached" });
  assert.ok(await paul.page.getByRole("button", { name: "Continue" }).isEnabled());
});

chapter("a title of a hundred letters fits a telephone, and so do words to compare", async (story) => {
  const { admin, chloe, world } = story;
  const long = "Landelijke_vragenlijst_".repeat(5).slice(0, 100);
  await chloe.submits(variant(chloe, join(world.folder, "design/mean-age-10.json"), long), 2);
  await chloe.heading(long);
  assert.ok((await title(chloe)).startsWith(long));
  await looksGood(chloe, "long-title");
  await chloe.click("Withdraw");
  await chloe.click("Withdraw", chloe.page.getByRole("dialog"));
  await chloe.reads("The request is withdrawn.");
  await admin.open("People");
  await onTelephone(admin, async () => {
    await admin.page.getByText("To compare: words and QR code").first().click();
    for (const word of await admin.page.locator("details[open] ol > li").all()) {
      const box = await word.boundingBox();
      assert.ok(box !== null && box.x + box.width <= 390, "every word can be read");
    }
  });
  await admin.open("Inbox");
});

chapter("what cannot be shown has a heading, a title and a way back", async ({ chloe, project, world }) => {
  for (const [address, heading] of [
    ["requests/nowhere", "Request"],
    ["tables/nowhere", "Table"],
  ]) {
    await chloe.visits(`projects/${project}/${address ?? ""}`);
    await chloe.heading(heading ?? "");
    await chloe.reads(/There is no such (request|table)/);
    assert.equal(await title(chloe), `${heading ?? ""} · Virtual Data Lake`);
    await chloe.page.getByRole("main").getByRole("link", { name: /^← / }).waitFor();
  }
  // Its link was used long ago.
  await chloe.page.goto(world.link);
  await chloe.reads("A link works once, and for some days.");
  await chloe.page.getByRole("link", { name: "To the portal" }).click();
  await chloe.heading("Inbox");
});

chapter("what a browser does not let the page copy is selected, and the reader told", async (story) => {
  const { paul, handle, project } = story;
  const { page } = paul;
  await paul.visits(`projects/${project}/tables/${handle}`);
  await paul.heading("survey");
  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("not here"));
  });
  await paul.click("Copy: Handle");
  await paul.reads("The browser does not let this page copy.");
  assert.equal(await page.evaluate(() => getSelection()?.toString()), handle);
  await paul.hush();
  await page.reload();
});

chapter("an answer that comes late does not replace what was asked after it", async ({ admin }) => {
  const { page } = admin;
  await admin.open("Journal");
  let asked = (): void => undefined;
  let freed = (): void => undefined;
  const isAsked = new Promise<void>((resolved) => (asked = resolved));
  const isFree = new Promise<void>((resolved) => (freed = resolved));
  const late = async (route: Route): Promise<void> => {
    asked();
    await isFree;
    await route.continue();
  };
  await page.route(/journal\?.*kind=invited/, late);
  await page.getByLabel("What").selectOption({ label: "invited somebody" });
  await isAsked;
  await page.getByLabel("What").selectOption({ label: "joined the project" });
  const rows = page.getByRole("main").locator("tbody tr");
  const others = rows.filter({ hasNotText: "joined the project" });
  await others.first().waitFor({ state: "detached" });
  await rows.first().waitFor();
  const answered = page.waitForResponse(/journal\?.*kind=invited/);
  freed();
  await (await answered).finished();
  // Whatever came of the answer was drawn before this one was.
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
  assert.ok((await rows.count()) > 0);
  assert.equal(await others.count(), 0);
  await page.unroute(/journal\?.*kind=invited/, late);
  await admin.open("Inbox");
});
