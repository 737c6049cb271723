// The seed story: people, keys, approvers, a table, a question, and two signatures under it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { records } from "../analysis.ts";
import { looksGood, picture } from "../look.ts";
import { Person } from "../person.ts";
import { chapter, stage } from "../stage.ts";
import { APPROVERS, vdl } from "../world.ts";

/** Every file below a folder. */
const filesIn = (folder: string): Buffer[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));

/** Whether a text is somewhere in there: as it is, in UTF-16, in hexadecimal or in base64. */
function holds(place: Buffer, text: string): boolean {
  const bytes = Buffer.from(text);
  const hex = bytes.toString("hex");
  // Whatever comes before it, one of the three alignments has these characters.
  const whole = (from: number): Buffer => bytes.subarray(from, bytes.length - ((bytes.length - from) % 3));
  const base64 = [0, 1, 2].map(whole);
  const forms = [text, hex, hex.toUpperCase(), ...base64.map((part) => part.toString("base64"))];
  return forms.some((form) => place.includes(form)) || place.includes(Buffer.from(text, "utf16le"));
}

/** Cells that are nowhere else: nobody but the browser may see them. */
const CITIES = ["kwartelwoude", "zandhaasgat"];

/** Ages of 200 people; one cell is no number, and its row is left out. */
const CSV = ["id;age;city"]
  .concat(
    Array.from(
      { length: 200 },
      (_, row) => `${row};${row === 7 ? "stokoud" : 20 + ((row * row) % 60)};${CITIES[row % 2]}`,
    ),
  )
  .join("\n");

chapter("an administrator comes in by the first link and invites four people", async ({ world, admin }) => {
  await admin.join(world.link);
  await looksGood(admin, "inbox");
  const invite = async (full: string, role: string): Promise<Person> => {
    const person = await Person.make(world, full);
    return person.join(await admin.invites(person.email.split("@")[0] ?? "", role));
  };
  stage.anna = await invite("Anna Approver", "Approver");
  stage.bob = await invite("Bob Approver", "Approver");
  stage.chloe = await invite("Chloe Analyst", "Analyst");
  stage.paul = await invite("Paul Provider", "Data provider");
  stage.project = /projects\/([^/]+)/.exec(admin.page.url())?.[1] ?? "";
  assert.notEqual(stage.project, "");
  await looksGood(admin, "people");
});

chapter(
  "keys are made in the page, or brought from the command line",
  async ({ world, anna, bob, chloe, paul }) => {
    await paul.open("Keys");
    await looksGood(paul, "keys-empty");
    // Each reads what is open for them.
    await anna.open("Inbox");
    await anna.reads("You have no key for this yet.");
    await anna.bringsKey(join(world.folder, `${APPROVERS[0]}.sk`));
    await bob.bringsKey(join(world.folder, `${APPROVERS[1]}.sk`));
    await paul.makesKey("paul.sk");
    const secret = await chloe.makesKey("run/analyst.sk");
    assert.match(readFileSync(secret, "utf8"), /^-----BEGIN PRIVATE KEY-----\n/);
    await looksGood(chloe, "keys");
    await anna.open("Inbox");
    await anna.reads("An administrator puts it on the approvers’ list");
    await chloe.open("Inbox");
    await chloe.reads("an administrator chooses the approvers first");
  },
);

chapter("the administrator compares fingerprints and chooses the approvers", async ({ admin }) => {
  await admin.open("Approvers");
  await admin.reads("The three servers have a list already");
  await looksGood(admin, "approvers-empty");
  await admin.click("Begin the ceremony");
  for (const name of ["Anna", "Bob"])
    await admin.page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await looksGood(admin, "ceremony");
  const file = await admin.saves("Keep it here, and save policy-1.json", "policy-1.json");
  // First: it stands there for some seconds only.
  await admin.reads("The policy is kept");
  assert.match(vdl("policy", "show", file), /anna/);
});

chapter(
  "without permission nothing is uploaded, and a file that changes meanwhile is refused",
  async ({ paul }) => {
    await paul.open("Tables");
    await looksGood(paul, "tables-empty");
    await paul.chooses("survey.csv", CSV);
    writeFileSync(paul.file("survey.csv", CSV), CSV.replace("stokoud", "12"));
    await paul.click("Continue");
    await paul.reads(/changed|could not be read/);
    await paul.chooses("survey.csv", CSV);
    // What went wrong before is not said of the file that is read now.
    await paul.page.getByText(/changed|could not be read/).waitFor({ state: "detached" });
    await paul.click("Continue");
    await paul.click(/leave these rows out/);
    await paul.reads("You have no approved permission to upload yet");
    assert.equal(await paul.page.getByRole("button", { name: "Split, seal and upload" }).count(), 0);
  },
);

chapter("a provider gets permission to upload from both approvers", async ({ anna, bob, paul }) => {
  await paul.open("Requests");
  await paul.page.getByRole("link", { name: "Ask permission to upload" }).click();
  await paul.page.getByLabel("Purpose").fill("The yearly survey");
  await paul.page.getByLabel("Rows behind every opened value").fill("1");
  await paul.click("Submit");
  await paul.reads("A whole number, 2 or more.");
  // The form goes to what is wrong, however far up that is.
  await paul.page.locator('[aria-invalid="true"]:focus').waitFor();
  await paul.page.getByLabel("Rows behind every opened value").fill("5");
  await paul.page.getByLabel("Columns for joining only").fill("id");
  await looksGood(paul, "leave");
  await paul.click("Submit");
  await paul.reads("It is submitted");
  await anna.opensRequest("Permission to upload");
  await anna.reads(/fewer than 5 of its rows/);
  await anna.signs("Permission to upload");
  await bob.signs("Permission to upload");
  await paul.open("Requests");
  await paul.page.getByRole("link", { name: "Permission to upload", exact: true }).click();
  await paul.reads("You may upload");
  assert.equal(await paul.page.getByText("Paste this into your notebook").count(), 0, "there is no script");
  await looksGood(paul, "leave-approved");
  await paul.page.getByRole("main").getByRole("link", { name: "Upload a table" }).click();
  await paul.heading("Upload a table");
});

chapter(
  "a provider uploads a CSV file, and neither the portal nor what it was sent holds a cell",
  async ({ world, paul }) => {
    await paul.chooses("survey.csv", CSV);
    await looksGood(paul, "upload-columns");
    await picture(paul, "upload");
    await paul.click("Continue");
    await paul.reads("1 row does not fit");
    await looksGood(paul, "upload-check");
    await paul.click(/leave these rows out/);
    await paul.page.getByLabel("Name of the table").fill("survey");
    await paul.reads("For joining only: id");
    await looksGood(paul, "upload-rules");
    // The first piece is lost on its way; what comes after it is not.
    let lost = false;
    const pieces = "**/api/uploads/*/*/*";
    // Not once and for all: a browser may lose what is on its way while nobody listens any more.
    await paul.page.route(pieces, (route) => {
      if (lost) return route.continue();
      lost = true;
      return route.abort("connectionreset");
    });
    await paul.unlocks("Split, seal and upload");
    await paul.reads("It is uploaded");
    await paul.page.unroute(pieces);
    assert.equal(await paul.page.evaluate(() => sessionStorage.length), 0, "what was chosen is forgotten");
    await paul.reads("At least 5 rows behind every opened value");
    await looksGood(paul, "upload-receipt");
    stage.handle = (
      await paul.page
        .getByText(/^[0-9A-F]{64}$/)
        .first()
        .innerText()
    ).trim();
    await paul.page.getByRole("link", { name: "Go to the table" }).click();
    await paul.heading("survey");
    const places = [Buffer.concat(paul.sent), ...filesIn(join(world.folder, "portal-data"))];
    const bytes = paul.sent.reduce((sum, body) => sum + body.length, 0);
    assert.ok(bytes > 199 * 12, "the parcels were looked at");
    assert.ok(
      places.slice(1).some((place) => holds(place, "survey.csv")),
      "the search finds what is there",
    );
    for (const cell of [...CITIES, "stokoud"]) assert.ok(!places.some((place) => holds(place, cell)), cell);
    await looksGood(paul, "table");
  },
);

chapter(
  "an analyst records a script on the dummy kit, submits it, and cannot decide about it",
  async ({ chloe }) => {
    const script = await records(chloe, "Mean age", 3);
    await chloe.submits(script, 2, () => looksGood(chloe, "submit"));
    await chloe.heading("Mean age");
    assert.equal(await chloe.page.getByRole("button", { name: "Sign with this key" }).count(), 0);
  },
);

chapter("an approver asks for changes, and the next version shows what changed", async ({ anna, chloe }) => {
  await anna.open("Inbox");
  await anna.reads("A request waits for your signature:");
  await looksGood(anna, "inbox-approver");
  await anna.page.getByRole("link", { name: "Read and sign: Mean age" }).click();
  await anna.heading("Mean age");
  await looksGood(anna, "review");
  await anna.click("Request changes");
  await anna.page.getByLabel("Say what should change, so that it can.").fill("At least 10 rows, please.");
  await anna.page.getByRole("region", { name: "Decide" }).locator("form").getByRole("button").click();
  await anna.reads("The analyst is asked for changes");
  await anna.open("Inbox");
  await anna.reads("Nothing to sign now.");
  await chloe.open("Inbox");
  await chloe.page.getByRole("link", { name: "Answer: Mean age" }).waitFor();
  await chloe.opensRequest("Mean age");
  await chloe.reads("At least 10 rows, please.");
  const changed = await records(chloe, "Mean age", 10);
  await chloe.opensRequest("Mean age");
  await chloe.resubmits(changed);
  await anna.opensRequest("Mean age");
  await anna.reads("Step 2 changed");
  await looksGood(anna, "review-changed");
  await picture(anna, "review", anna.page.getByRole("heading", { name: "What changed" }));
});
