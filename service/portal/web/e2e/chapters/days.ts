// A day that is chosen is the day that is signed, whatever language and time zone the browser has.

import assert from "node:assert/strict";
import { join } from "node:path";
import { variant } from "../analysis.ts";
import { looksGood } from "../look.ts";
import { chapter, requestOf } from "../stage.ts";

chapter("a chosen day is told in words with what it is in UTC, and exactly that is signed", async (story) => {
  const { world } = story;
  // A browser of its own: the zone is not to stay behind in that of the story.
  const chloe = await story.chloe.elsewhere();
  const { page } = chloe;
  const zone = await page.context().newCDPSession(page);
  await zone.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Tokyo" });
  await chloe.open("Requests");
  await page.getByRole("link", { name: "Submit a script" }).first().click();
  const script = variant(chloe, join(world.folder, "design/mean-age-10.json"), "Of one spring");
  await page.locator("input[type=file]").setInputFiles(script);
  await page.getByLabel("Purpose").fill("For the spring report");
  await page.getByLabel("From").fill("2027-04-03");
  await page.getByLabel("Until").fill("2027-06-05");
  await chloe.reads("From Saturday 3 April 2027, 00:00 UTC; where you are that is 3 Apr 2027, 09:00");
  await chloe.reads("Until Saturday 5 June 2027, 23:59 UTC; where you are that is 6 Jun 2027, 08:59");
  await looksGood(chloe, "days");
  await page.getByLabel("Until").fill("");
  await chloe.reads("No day is chosen: it does not end by itself.");
  await page.getByLabel("Until").fill("2027-06-05");
  await chloe.click("Submit");
  await chloe.reads("It is submitted");
  await page.waitForURL(/requests\/(?!new)/);
  const { versions } = await requestOf(chloe, chloe.requestId());
  const terms = JSON.parse(Buffer.from(versions[0]?.payload ?? "", "base64").toString()) as Terms;
  assert.equal(terms.not_before, Date.UTC(2027, 3, 3) / 1000);
  assert.equal(terms.expires, Date.UTC(2027, 5, 5, 23, 59, 59) / 1000);
  // Somebody in another time zone reads the moment with its zone.
  await chloe.reads("6 Jun 2027, 08:59 GMT+9");
  await chloe.click("Withdraw");
  await chloe.click("Withdraw", page.getByRole("dialog"));
  await chloe.reads("The request is withdrawn.");
  await page.context().close();
});

type Terms = { not_before: number; expires: number };
