// What people do about their own account, and what they are told where it does not work.

import assert from "node:assert/strict";
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
