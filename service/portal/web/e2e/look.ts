// What a page has to be for everybody: no fault that axe knows, in light and in dark, wide and narrow.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Person } from "./person.ts";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Where to keep pictures, if anywhere. */
const PICTURES = process.env["VDL_PICTURES"];

/** Looks at the page as it is now. */
export async function looksGood(person: Person, name: string): Promise<void> {
  const { page } = person;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations, passes } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    const told = violations.map((one) => `${name}, ${colorScheme}: ${one.id}: ${one.nodes[0]?.html ?? ""}`);
    assert.deepEqual(told, []);
    assert.ok(passes.length > 10, `axe looked at ${name}`);
    if (PICTURES !== undefined) {
      mkdirSync(PICTURES, { recursive: true });
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), fullPage: true });
    }
  }
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 400, height: 800 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} fits a narrow screen`);
  if (wide !== null) await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light" });
}
