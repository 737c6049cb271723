// The whole story with five people, real servers, a real portal and a real browser.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { looksGood } from "./look.ts";
import { Person } from "./person.ts";
import { APPROVERS, makeWorld, vdl, type World } from "./world.ts";

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

let world: World;
let admin: Person, anna: Person, bob: Person, chloe: Person, paul: Person;
let handle = "";

before(async () => {
  world = await makeWorld();
  admin = await Person.make(world, "Dora Administrator");
});

after(async () => world?.stop());

/** Cells that are nowhere else: nobody but the browser may see them. */
const CITIES = ["kwartelwoude", "zandhaasgat"];

/** Ages of 200 people; one cell is no number, and its row is left out. */
const CSV = ["id;age;city"]
  .concat(
    Array.from(
      { length: 200 },
      (_, row) => `${row};${row === 7 ? "stokoud" : 20 + (row % 60)};${CITIES[row % 2]}`,
    ),
  )
  .join("\n");

const script = (minimum: number): string =>
  JSON.stringify({
    format: "vdl-script/1",
    name: "Mean age",
    ordered: true,
    steps: [
      { command: { get: { table: { handle } } } },
      {
        command: {
          filter: {
            table: { step: 0 },
            condition: { binary: { op: "greater", left: { column: "age" }, right: { integer: 30 } } },
            threshold: minimum,
          },
        },
      },
      {
        command: {
          aggregate: {
            table: { step: 1 },
            aggregations: [{ name: "age", aggregate: "mean", value: { column: "age" } }],
          },
        },
      },
    ],
  });

test("an administrator comes in by the first link and invites four people", async () => {
  await admin.join(world.link);
  await looksGood(admin, "inbox");
  const invite = async (full: string, role: string): Promise<Person> => {
    const person = await Person.make(world, full);
    return person.join(await admin.invites(person.email.split("@")[0] ?? "", role));
  };
  anna = await invite("Anna Approver", "Approver");
  bob = await invite("Bob Approver", "Approver");
  chloe = await invite("Chloe Analyst", "Analyst");
  paul = await invite("Paul Provider", "Data provider");
  await looksGood(admin, "people");
});

test("keys are made in the page, or brought from the command line", async () => {
  await looksGood(paul, "keys-empty");
  await anna.bringsKey(join(world.folder, `${APPROVERS[0]}.sk`));
  await bob.bringsKey(join(world.folder, `${APPROVERS[1]}.sk`));
  await paul.makesKey("paul.sk");
  const secret = await chloe.makesKey("chloe.sk");
  assert.match(readFileSync(secret, "utf8"), /^-----BEGIN PRIVATE KEY-----\n/);
  await looksGood(chloe, "keys");
});

test("the administrator compares fingerprints and chooses the approvers", async () => {
  await admin.open("Approvers");
  await admin.click("Begin the ceremony");
  for (const name of ["Anna", "Bob"])
    await admin.page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await looksGood(admin, "ceremony");
  const file = await admin.saves("Keep it here, and save policy-1.json", "policy-1.json");
  assert.match(vdl("policy", "show", file), /anna/);
  await admin.reads("The policy is kept");
});

test("a provider gets leave to upload from both approvers", async () => {
  await paul.open("Requests");
  await paul.page.getByRole("link", { name: "Ask leave to upload" }).click();
  await paul.page.getByLabel("Purpose").fill("The yearly survey");
  await paul.page.getByLabel("Rows behind every opened value").fill("1");
  await paul.click("Submit");
  await paul.reads("A whole number, 2 or more.");
  await paul.page.getByLabel("Rows behind every opened value").fill("5");
  await paul.page.getByLabel("Columns for joining only").fill("id");
  await looksGood(paul, "leave");
  await paul.click("Submit");
  await paul.reads("It is submitted");
  await anna.opensRequest("Leave to upload");
  await anna.reads(/fewer than 5 of its rows/);
  await anna.signs("Leave to upload");
  await bob.signs("Leave to upload");
});

test("a provider uploads a CSV file, and neither the portal nor what it was sent holds a cell", async () => {
  await paul.open("Tables");
  await looksGood(paul, "tables-empty");
  await paul.page.getByRole("link", { name: "Upload a table" }).first().click();
  await paul.page.locator("input[type=file]").setInputFiles(paul.file("survey.csv", CSV));
  await paul.page.getByRole("heading", { name: "First rows" }).waitFor();
  await looksGood(paul, "upload-columns");
  await paul.click("Continue");
  await paul.reads("1 row does not fit");
  await looksGood(paul, "upload-check");
  await paul.click(/leave these rows out/);
  await paul.page.getByLabel("Name of the table").fill("survey");
  await paul.reads("For joining only: id");
  await looksGood(paul, "upload-rules");
  await paul.unlocks("Split, seal and upload");
  await paul.reads("It is uploaded");
  await paul.reads("At least 5 rows behind every opened value");
  await looksGood(paul, "upload-receipt");
  handle = (
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
});

test("an analyst submits a script and cannot decide about it", async () => {
  await chloe.open("Requests");
  await chloe.page.getByRole("link", { name: "Submit a script" }).first().click();
  await chloe.page.locator("input[type=file]").setInputFiles(chloe.file("mean.json", script(3)));
  await chloe.page.getByLabel("Purpose").fill("For the yearly report");
  await chloe.page.getByRole("heading", { name: "What it opens" }).waitFor();
  await looksGood(chloe, "submit");
  await chloe.click("Submit");
  await chloe.reads("It is submitted");
  await chloe.heading("Mean age");
  assert.equal(await chloe.page.getByRole("button", { name: "Sign with this key" }).count(), 0);
});

test("an approver asks for changes, and the next version shows what changed", async () => {
  await anna.opensRequest("Mean age");
  await looksGood(anna, "review");
  await anna.click("Request changes");
  await anna.page.getByLabel("Say what should change, so that it can.").fill("At least 10 rows, please.");
  await anna.page.getByRole("region", { name: "Decide" }).locator("form").getByRole("button").click();
  await anna.reads("The analyst is asked for changes");
  await chloe.opensRequest("Mean age");
  await chloe.reads("At least 10 rows, please.");
  await chloe.click("Submit a new version");
  const dialog = chloe.page.getByRole("dialog");
  await dialog.locator("input[type=file]").setInputFiles(chloe.file("mean-2.json", script(10)));
  await chloe.click("Submit as new version", dialog);
  await chloe.reads("It is submitted");
  await anna.opensRequest("Mean age");
  await anna.reads("Step 2 changed");
  await looksGood(anna, "review-changed");
});

test("two approvers sign in the browser, and the file is what vdl verify accepts", async () => {
  await anna.signs("Mean age");
  await chloe.opensRequest("Mean age");
  assert.equal(await chloe.page.getByText("Your script is approved").count(), 0);
  await bob.signs("Mean age");
  await chloe.opensRequest("Mean age");
  await chloe.reads("Your script is approved");
  await looksGood(chloe, "approved");
  const file = await chloe.saves("Save the .approved file", "mean-age.approved", "link");
  const keys = APPROVERS.flatMap((name) => ["--approver", join(world.folder, `${name}.pk`)]);
  vdl("verify", file, ...keys);
});

test("the journal hangs together, and so do the servers' logs", async () => {
  await admin.open("Journal");
  await admin.click("Verify");
  await admin.reads(/entries hang together/);
  await admin.click("Read and verify");
  await admin.reads(/what the other servers signed fits/);
  await looksGood(admin, "journal");
});

test("every other page looks good, and no browser complained", async () => {
  for (const page of ["Sessions", "Settings", "Requests", "Tables", "Approvers"]) {
    await admin.open(page);
    await admin.page.waitForLoadState("networkidle");
    await looksGood(admin, page.toLowerCase());
  }
  await admin.click("Sign out");
  await admin.heading("Sign in");
  await looksGood(admin, "sign-in");
  await admin.signIn();
  for (const person of [admin, anna, bob, chloe, paul]) assert.deepEqual(person.complaints, []);
});
