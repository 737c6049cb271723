// What the chapters of the story share: the world, its people, and what they made.

import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { Person } from "./person.ts";
import { makeWorld, type World } from "./world.ts";

type Stage = {
  world: World;
  admin: Person;
  anna: Person;
  bob: Person;
  chloe: Person;
  paul: Person;
  /** Of the project; the second part of addresses. */
  project: string;
  /** Of the table that Paul uploads. */
  handle: string;
};

/** Filled in by the chapters, in their order. */
export const stage = {} as Stage;

/** Where to look when a chapter failed: a picture of everybody's browser, and the logs. */
const FAILED = resolve("build/failed");
let over = false;

before(async () => {
  rmSync(FAILED, { recursive: true, force: true });
  stage.world = await makeWorld();
  stage.admin = await Person.make(stage.world, "Dora Administrator");
});

after(async () => stage.world?.stop());

/** One chapter. After one that failed, the others are not played: they need what it made. */
export function chapter(name: string, play: (stage: Stage) => Promise<void>): void {
  test(name, async (context) => {
    if (over) return context.skip("a chapter before it failed");
    try {
      await play(stage);
    } catch (problem) {
      over = true;
      await keepWhatIsSeen();
      throw problem;
    }
  });
}

async function keepWhatIsSeen(): Promise<void> {
  mkdirSync(FAILED, { recursive: true });
  for (const [number, { name, page, complaints }] of stage.world.people.entries()) {
    const path = join(FAILED, `${number}-${name.split(" ")[0]}.png`);
    console.error(`${name} at ${page.url()}: ${path}`, ...complaints);
    await page.screenshot({ path, fullPage: true, timeout: 10_000 }).catch(() => undefined);
  }
  for (const log of ["portal.log", "up.log"]) copyFileSync(join(stage.world.folder, log), join(FAILED, log));
  console.error(`what the portal and the servers said: ${FAILED}/portal.log, up.log`);
}

/** The request with everything of it, as the page gets it. */
export async function requestOf(person: Person, id: string): Promise<RequestView> {
  return JSON.parse((await person.asks("GET", `/api/requests/${id}`)).text) as RequestView;
}

export type RequestView = {
  state: string;
  version: number;
  versions: { version: number; payload: string }[];
  signatures: { public: string; signature: string; version: number }[];
};
