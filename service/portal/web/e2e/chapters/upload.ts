// What happens to a file, and to what was chosen for it, before anything is sent.

import assert from "node:assert/strict";
import { looksGood } from "../look.ts";
import type { Person } from "../person.ts";
import { chapter } from "../stage.ts";

const CSV = "id;seen;city\n1;01/02/2020;Zandhaasgat\n2;03/04/2020;Kwartelwoude\n";
const OFFER = "You chose something for this file before";

const picks = async (person: Person, path: string): Promise<void> => {
  await person.page.locator("input[type=file]").setInputFiles(path);
  await person.page.getByRole("heading", { name: "First rows" }).waitFor();
};

/** Everything that this tab keeps. */
const inTab = (person: Person): Promise<string> =>
  person.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));

/** Three choices about columns, and two about the table. */
async function decides(person: Person): Promise<void> {
  const { page } = person;
  await page.getByLabel("Column: city").fill("town");
  await page.getByLabel("Read as: seen").selectOption({ index: 1 });
  await page.getByLabel("Take: id").uncheck();
  await person.click("Continue");
  await person.reads("Every row fits.");
  await person.click("Continue");
  await page.getByLabel("Name of the table").fill("visits of a year");
  await page.getByLabel("A note for people").fill("For the yearly report");
}

chapter("choices for an upload outlive a reload, without the file and its cells", async ({ paul }) => {
  const { page } = paul;
  const file = paul.file("visits.csv", CSV);
  await paul.chooses("visits.csv", CSV);
  await page.reload();
  await paul.reads("Drop a CSV file here");
  assert.equal(await page.getByText("What you chose for visits.csv").count(), 0, "nothing was chosen yet");
  await picks(paul, file);
  await decides(paul);
  await page.reload();
  await paul.reads("What you chose for visits.csv is kept");
  await looksGood(paul, "upload-kept");
  const kept = await inTab(paul);
  assert.match(kept, /visits of a year/);
  for (const cell of ["Zandhaasgat", "Kwartelwoude", "03/04/2020"]) assert.ok(!kept.includes(cell), cell);
  await picks(paul, paul.file("another/visits.csv", CSV.replace("Zandhaasgat", "Kwartelwoude")));
  assert.equal(await page.getByText(OFFER).count(), 0, "another file of the same name gets none of them");
});

chapter("choices are offered once the same file is there, and end with the session", async ({ paul }) => {
  const { page } = paul;
  await page.reload();
  const file = paul.file("visits.csv", CSV);
  await picks(paul, file);
  await decides(paul);
  await page.reload();
  await picks(paul, file);
  await paul.reads(OFFER);
  assert.equal(await page.getByLabel("Column: city").inputValue(), "city");
  await looksGood(paul, "upload-offer");
  await paul.click("Fill in what I chose");
  await page.getByText(OFFER).waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Column: city").inputValue(), "town");
  assert.ok(!(await page.getByLabel("Take: id").isChecked()));
  await paul.click("Continue");
  await paul.reads("Every row fits.");
  await paul.click("Continue");
  assert.equal(await page.getByLabel("Name of the table").inputValue(), "visits of a year");
  assert.equal(await page.getByLabel("A note for people").inputValue(), "For the yearly report");
  await paul.click("Sign out");
  await paul.heading("Sign in");
  assert.doesNotMatch(await inTab(paul), /visits|town/);
  await paul.signIn();
});

chapter("another file brings its own name", async ({ paul }) => {
  const { page } = paul;
  await paul.chooses("first.csv", "id\n1\n2\n");
  await paul.click("Another file");
  await picks(paul, paul.file("second.csv", "id\n3\n4\n"));
  await paul.click("Continue");
  await paul.reads("Every row fits.");
  await paul.click("Continue");
  assert.equal(await page.getByLabel("Name of the table").inputValue(), "second");
  await paul.open("Tables");
});

/** As somebody does who drags a file over the page and lets go of it there. */
async function drops(person: Person, path: string, x: number, y: number): Promise<void> {
  const browser = await person.page.context().newCDPSession(person.page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await browser.send("Input.dispatchDragEvent", { type, x, y, data });
  await browser.detach();
}

chapter("a file that is dropped beside its place does nothing, on any page", async ({ paul }) => {
  const { page } = paul;
  const file = paul.file("dropped.csv", CSV);
  await paul.open("Tables");
  await page.getByRole("link", { name: "Upload a table" }).first().click();
  const place = page.getByRole("group", { name: "Drop a CSV file here" });
  const box = await place.boundingBox();
  assert.ok(box !== null);
  // What is not kept from it, a browser does: it opens the file instead of the page.
  await page.evaluate(() => {
    const told: boolean[] = Object.assign(window, { told: [] }).told;
    addEventListener("dragover", (event) => told.push(event.defaultPrevented));
  });
  const kept = (): Promise<boolean[]> => page.evaluate(() => (window as unknown as { told: boolean[] }).told);
  await drops(paul, file, box.x + box.width / 2, box.y + box.height + 60);
  await paul.open("Keys");
  await drops(paul, file, 700, 400);
  const told = await kept();
  assert.ok(told.length >= 2 && told.every((one) => one), `${told}`);
  await paul.heading("Keys");
  await paul.open("Tables");
  await page.getByRole("link", { name: "Upload a table" }).first().click();
  await place.waitFor();
  assert.equal(await page.getByText("dropped.csv").count(), 0);
});

chapter("a file that is dropped on its place is taken", async ({ paul }) => {
  const { page } = paul;
  const place = page.getByRole("group", { name: "Drop a CSV file here" });
  const box = await place.boundingBox();
  assert.ok(box !== null);
  await drops(paul, paul.file("dropped.csv", CSV), box.x + box.width / 2, box.y + box.height / 2);
  await page.getByRole("heading", { name: "dropped.csv" }).waitFor();
  await paul.open("Tables");
});
