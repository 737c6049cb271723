// What a page has to be for everybody: no fault that axe knows, in light and in dark, wide and narrow.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "playwright-core";
import type { Person } from "./person.ts";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Rules, and how many at least have something to look at. In the dark only colours are others. */
const LOOKS = [
  ["light", (axe: AxeBuilder) => axe.withTags(RULES), 10],
  ["dark", (axe: AxeBuilder) => axe.withRules(["color-contrast", "link-in-text-block"]), 1],
] as const;
/** Where to keep pictures of every page, if anywhere, and those of the documentation. */
const PICTURES = process.env["VDL_PICTURES"];
const DOCUMENTED = process.env["VDL_DOCS"];

/** Looks at the page as it is now. */
export async function looksGood(person: Person, name: string): Promise<void> {
  const { page } = person;
  for (const [colorScheme, rules, least] of LOOKS) {
    await page.emulateMedia({ colorScheme });
    // Without frames there is nothing to put together on a page of its own, as the other mode does.
    const axe = rules(new AxeBuilder({ page }).setLegacyMode(true));
    const { violations, passes } = await axe.analyze();
    const told = violations.map((one) => `${name}, ${colorScheme}: ${one.id}: ${one.nodes[0]?.html ?? ""}`);
    assert.deepEqual(told, []);
    assert.ok(passes.length >= least, `axe looked at ${name}`);
    if (PICTURES !== undefined) {
      mkdirSync(PICTURES, { recursive: true });
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), fullPage: true });
    }
  }
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} fits a narrow screen`);
  if (PICTURES !== undefined)
    await page.screenshot({ path: join(PICTURES, `${name}-narrow.png`), fullPage: true });
  if (wide !== null) await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light" });
  await person.wakes();
}

/** What a reader of the documentation sees of this page. */
export async function picture(person: Person, name: string, at?: Locator): Promise<void> {
  if (DOCUMENTED === undefined) return;
  const { page } = person;
  const before = page.viewportSize();
  await page.setViewportSize({ width: 1300, height: 790 });
  await page.evaluate(() => scrollTo(0, 0));
  await at?.evaluate((element) => element.scrollIntoView({ block: "start" }));
  // Without the notices that go away by themselves.
  await person.hush();
  await page.screenshot({ path: join(DOCUMENTED, `${name}.png`), animations: "disabled" });
  if (before !== null) await page.setViewportSize(before);
}
