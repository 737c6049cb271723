// What people do about their own account, and what they are told where it does not work.

import assert from "node:assert/strict";
import type { Route } from "playwright-core";
import { looksGood } from "../look.ts";
import { Person } from "../person.ts";
import { chapter } from "../stage.ts";

chapter("a wrong present password is told at its field, in its own words", async ({ chloe }) => {
  const { page } = chloe;
  await chloe.open("Settings");
  const old = page.getByLabel("Current password");
  await old.fill("this was another one");
  await page.getByLabel("New password").fill("mossy lantern quartz 42");
  await page.getByLabel("The same password again").fill("mossy lantern quartz 42");
  await chloe.click("Change the password");
  await chloe.reads("This is not your password.");
  assert.equal(await page.getByText(/This address and password/).count(), 0);
  assert.ok(await old.evaluate((field) => field === document.activeElement), "the keyboard is there");
  await looksGood(chloe, "wrong-password");
  await old.fill("t");
  await page.getByText("This is not your password.").waitFor({ state: "detached" });
  await chloe.open("Inbox");
});

chapter("who forgot a password reads which ways in are left, and none of them is a guess", async (story) => {
  const { chloe, world } = story;
  const visitor = await Person.make(world, chloe.name);
  world.people.pop();
  const { page } = visitor;
  await page.goto(world.origin);
  await visitor.heading("Sign in");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.getByLabel("E-mail address").fill(chloe.email);
  await visitor.click("Sign in");
  const field = page.getByLabel("Password");
  assert.ok(await field.evaluate((input) => input === document.activeElement), "the empty field is shown");
  assert.deepEqual(asked, [], "without a password nothing is tried");
  await page.getByText("Forgotten your password?").focus();
  await page.keyboard.press("Enter");
  await visitor.reads("Nobody here can look it up or set another for you");
  assert.ok(await page.getByRole("button", { name: "Sign in with a passkey" }).isVisible());
  await looksGood(visitor, "forgotten");
  await page.context().close();
});

chapter("an invitation that is pressed for twice is made once", async ({ admin, project }) => {
  const { page } = admin;
  await admin.open("People");
  await admin.click("Invite somebody");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").fill("twice@example.org");
  await dialog.getByRole("checkbox", { name: /^Auditor/ }).check();
  let sent = 0;
  const slowly = async (route: Route): Promise<void> => {
    if (route.request().method() === "POST") sent += 1;
    await new Promise((resolved) => setTimeout(resolved, 500));
    await route.continue();
  };
  await page.route("**/invitations", slowly);
  await dialog.getByLabel("E-mail address").press("Enter");
  await dialog.getByLabel("E-mail address").press("Enter");
  await admin.reads("The invitation is made");
  // Once more where the password was asked for in between, and never because of the second press.
  const { status, text } = await admin.asks("GET", `/api/projects/${project}/invitations`);
  assert.equal(status, 200);
  assert.equal(text.split("twice@example.org").length - 1, 1);
  assert.ok(sent <= 2, `${sent}`);
  await page.unroute("**/invitations", slowly);
  await admin.click("Close", dialog);
  await admin.click("Take back");
  await admin.open("Inbox");
});
