// The last day of what was approved, or was to be, is over: by the clock of whoever looks.

import assert from "node:assert/strict";
import { join } from "node:path";
import { variant } from "../analysis.ts";
import { looksGood } from "../look.ts";
import type { Person } from "../person.ts";
import { chapter, requestOf, stage } from "../stage.ts";

const script = (): string => join(stage.world.folder, "design/mean-age-10.json");
const DAY = 86_400_000;
/** Of the latest version, in milliseconds. */
const endOf = async (person: Person, id: string): Promise<number> => {
  const payload = (await requestOf(person, id)).versions.at(-1)?.payload ?? "";
  return (JSON.parse(Buffer.from(payload, "base64").toString()) as { expires: number }).expires * 1000;
};

chapter(
  "what is over says so in lists and on its own page, and is neither offered nor signed",
  async (story) => {
    const { anna, bob, chloe, project } = story;
    const approved = await chloe.submits(variant(chloe, script(), "Soon over"), 2);
    await anna.signs("Soon over");
    await bob.signs("Soon over");
    const open = await chloe.submits(variant(chloe, script(), "Never signed"), 2);
    const end = await endOf(chloe, approved);
    // One person's clock stands a second before the end, then a second after it.
    for (const [at, state, offered] of [
      [end, "Approved", 1],
      [end + DAY, "Expired", 0],
    ] as const) {
      await chloe.page.clock.setFixedTime(at);
      await chloe.visits(`projects/${project}/requests`);
      await chloe.page.reload();
      const row = chloe.page.getByRole("listitem").filter({ hasText: "Soon over" });
      await row.getByText(state, { exact: true }).waitFor();
      await chloe.visits(`projects/${project}/requests/${approved}`);
      await chloe.heading("Soon over");
      await chloe.page.getByRole("main").getByText(state, { exact: true }).first().waitFor();
      const save = chloe.page.getByRole("link", { name: "Save the .approved file" });
      if (offered === 1) await save.waitFor();
      assert.equal(await save.count(), offered, state);
    }
    await chloe.reads("no server runs it any more");
    await looksGood(chloe, "expired");
    await chloe.visits(`projects/${project}/requests/${open}`);
    await chloe.reads("nobody can sign it any more");
    await chloe.page.clock.setFixedTime(Date.now());
    await bob.page.clock.setFixedTime((await endOf(bob, open)) + DAY);
    await bob.opensRequest("Never signed");
    await bob.reads("nobody can sign it any more");
    const decide = bob.page.getByRole("region", { name: "Decide" });
    await decide.getByRole("button", { name: "Request changes" }).first().waitFor();
    assert.equal(await decide.getByRole("button", { name: "Sign" }).count(), 0);
    await bob.page.clock.setFixedTime(Date.now());
    await bob.page.reload();
  },
);
