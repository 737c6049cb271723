// The picture of a script whose every second step opens something.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { looksGood } from "../look.ts";
import { chapter } from "../stage.ts";

chapter("the picture of a script that opens much has the room it needs, wide and narrow", async (story) => {
  const { chloe, world } = story;
  const { page } = chloe;
  const script = JSON.parse(readFileSync(join(world.folder, "design/mean-age-10.json"), "utf8")) as Script;
  const [first, second, ...opening] = script.steps;
  const steps = [first, second, ...opening, ...opening, ...opening, ...opening];
  await chloe.submits(
    chloe.file("design/much.json", JSON.stringify({ ...script, name: "Much at once", steps })),
  );
  await chloe.heading("Much at once");
  await chloe.hush();
  const picture = page.getByRole("img", { name: "Tables: 1; steps: 10, of which 8 open something." });
  await picture.waitFor();
  const before = page.viewportSize();
  for (const width of [390, 640, 768, 1024, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50))));
    const [seen, hidden, apart] = await picture.evaluate((svg) => {
      const room = svg.parentElement ?? svg;
      const { left, right } = room.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("rect")].map((box) => box.getBoundingClientRect());
      const over = boxes.filter((box) => box.left < left || box.right > right || box.width < 130);
      const laid = boxes.filter((one, at) =>
        boxes
          .slice(at + 1)
          .some(
            (other) =>
              one.left < other.right &&
              other.left < one.right &&
              one.top < other.bottom &&
              other.top < one.bottom,
          ),
      );
      return [boxes.length, over.length + (room.scrollWidth > room.clientWidth ? 1 : 0), laid.length];
    });
    assert.deepEqual([seen, hidden, apart], [19, 0, 0], `at ${width}`);
  }
  if (before !== null) await page.setViewportSize(before);
  await looksGood(chloe, "much-opened");
  await chloe.click("Withdraw");
  await chloe.click("Withdraw", page.getByRole("dialog"));
  await chloe.reads("The request is withdrawn.");
});

type Script = { steps: unknown[] };

chapter("a name means the first table it meets, unless its analyst says otherwise before submitting", async (story) => {
  const { chloe, anna, world } = story;
  const { page } = chloe;
  const script = readFileSync(join(world.folder, "design/mean-age-10.json"), "utf8");
  const named = script
    .replace(`"handle": "${story.handle}"`, '"name": "by name"')
    .replace('"name": "Mean age"', '"name": "Of a name"');
  assert.ok(named.includes("by name"), script);
  const meant = page.getByLabel("Names: by name");
  const refused = page.getByText("may mean another table each time", { exact: true });
  const look = async (): Promise<void> => {
    const options = await meant.getByRole("option").allInnerTexts();
    assert.equal(options[0], "the table that has the name at the first use");
    assert.ok(options.some((option) => option.startsWith("survey (")), options.join());
    assert.equal(options.at(-1), "may mean another table each time");
    const risk = page.getByText(/may stand for another table in every run/);
    assert.equal(await risk.count(), 0, "what is proposed is no risk");
    await meant.selectOption("whichever");
    await risk.first().waitFor();
    await meant.selectOption("first");
  };
  const id = await chloe.submits(chloe.file("design/named.json", named), undefined, look);
  for (const person of [chloe, anna]) {
    await person.visits(`projects/${story.project}/requests/${id}`);
    await person.reads(/the table that has the name at the first use, and no other after that/);
  }
  assert.equal(await refused.count(), 0);
  await chloe.click("Withdraw");
  await chloe.click("Withdraw", page.getByRole("dialog"));
  await chloe.reads("The request is withdrawn.");
});
