// Signing in at an OpenID provider, with a real one and a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { looksGood } from "./look.ts";
import { Person } from "./person.ts";
import { Provider } from "./provider.ts";
import { makeWorld, sql, type World } from "./world.ts";

const LINKED = "Linked with an account at Hospital";

async function signOut(person: Person): Promise<void> {
  await person.click("Sign out");
  await person.heading("Sign in");
}

/** At the provider, which sends the browser back. */
async function isAtProvider(page: Page, number: string): Promise<void> {
  await page.bringToFront();
  await page.getByLabel("Staff number").fill(number);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function signInAt(person: Person, number: string): Promise<void> {
  await person.page.goto(world.origin);
  await person.page.getByRole("link", { name: "Sign in with Hospital" }).click();
  await isAtProvider(person.page, number);
}

let provider: Provider;
let world: World;
let admin: Person, chloe: Person, eve: Person;

before(async () => {
  provider = await Provider.open();
  world = await makeWorld(provider.configuration());
  admin = await Person.make(world, "Dora Administrator");
  chloe = await Person.make(world, "Chloe Analyst");
  eve = await Person.make(world, "Eve Nobody");
});

after(async () => {
  await world?.stop();
  provider?.stop();
});

test("an invitation is taken with an account elsewhere, without a password", async () => {
  await admin.page.goto(world.link);
  await admin.page.getByLabel("Your name").fill(admin.name);
  await admin.page.getByLabel("E-mail address").fill(admin.email);
  await looksGood(admin, "invitation-elsewhere");
  await admin.click("Accept with Hospital");
  await isAtProvider(admin.page, "1001");
  await admin.heading("Inbox");
  await signOut(admin);
  await looksGood(admin, "sign-in-elsewhere");
});

test("signing in comes back to where it was left", async () => {
  await admin.page.goto(`${world.origin}/#/settings`);
  await admin.page.getByRole("link", { name: "Sign in with Hospital" }).click();
  await isAtProvider(admin.page, "1001");
  await admin.heading("Settings");
  await admin.reads(LINKED);
  await admin.reads("It is the only way you can sign in, so it stays.");
  await looksGood(admin, "settings-elsewhere");
});

test("before something grave it is shown once more, in a window of its own", async () => {
  sql(world, "UPDATE sessions SET fresh_until = 0");
  await admin.open("People");
  await admin.click("Invite somebody");
  const dialog = admin.page.getByRole("dialog").first();
  await dialog.getByLabel("E-mail address").fill(chloe.email);
  await dialog.getByRole("checkbox", { name: /^Analyst/ }).check();
  await admin.click("Make the invitation", dialog);
  const asked = admin.page.getByRole("dialog", { name: "Is it still you?" });
  await asked.waitFor();
  await looksGood(admin, "step-up-elsewhere");
  const opened = admin.page.context().waitForEvent("page");
  await asked.getByRole("link", { name: "Show it at Hospital" }).click();
  const second = await opened;
  assert.equal(await second.locator("#asked").textContent(), "Once more, please.");
  await isAtProvider(second, "1001");
  await second.getByRole("heading", { name: "It is you" }).waitFor();
  await second.close();
  await admin.wakes();
  await asked.waitFor({ state: "detached" });
  await admin.reads("The invitation is made");
  const link = await dialog.getByText(/#\/invitation\//).innerText();
  await admin.click("Close", dialog);
  await chloe.join(link.trim());
});

test("whoever has a password links the other account and unlinks it", async () => {
  await chloe.open("Settings");
  await chloe.click("Link Hospital");
  await isAtProvider(chloe.page, "2002");
  await chloe.heading("Settings");
  await chloe.reads(LINKED);
  await signOut(chloe);
  await signInAt(chloe, "2002");
  await chloe.heading("Inbox");
  await chloe.reads("An account elsewhere was linked to yours.");
  await chloe.open("Settings");
  await chloe.click("Unlink");
  await chloe.reads("The link is gone.");
  await signOut(chloe);
  await signInAt(chloe, "2002");
  await chloe.reads("There is no account here for the one you signed in with.");
  await looksGood(chloe, "no-account-elsewhere");
  await chloe.signIn();
});

test("a token that was altered after it was signed lets nobody in", async () => {
  const given = provider.given;
  provider.alters = (claims) => (claims["sub"] = "1001");
  await signInAt(eve, "6666");
  await eve.reads("What the other side answered is not to be relied on, so nobody was signed in.");
  provider.alters = undefined;
  assert.equal(provider.given, given + 1, "the provider gave a token, and it was not believed");
  assert.equal((await eve.asks("GET", "/api/me")).status, 401);
  const [line] = sql(world, "SELECT COUNT(*) FROM journal WHERE kind = 'oidc_refused' AND line LIKE '%doubtful%'");
  assert.deepEqual(line, [1]);
  // The true one would have.
  await signInAt(eve, "1001");
  await eve.heading("Inbox");
  await signOut(eve);
});

test("nobody is lured into somebody else's account", async () => {
  // Eve goes there herself, past her browser, and sends Chloe what she comes back with.
  const away = await fetch(`${world.origin}/auth/oidc/start`, { redirect: "manual" });
  const door = away.headers.get("location") ?? "";
  const form = new URLSearchParams({ subject: "1001" });
  const agreed = await fetch(door, { method: "POST", body: form, redirect: "manual" });
  const back = agreed.headers.get("location") ?? "";
  assert.match(back, /\/auth\/oidc\/callback\?code=/);
  await signOut(chloe);
  await chloe.page.goto(back);
  await chloe.reads("This sign-in was begun in another browser or tab, was used already,");
  assert.equal((await chloe.asks("GET", "/api/me")).status, 401);
});

test("the browser had nothing to complain about", () => {
  assert.deepEqual([...admin.complaints, ...chloe.complaints, ...eve.complaints], []);
});
