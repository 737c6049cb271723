// Sealed parcels in the hands of a portal that alters, swaps and forges: no provider is told that it went well.

import assert from "node:assert/strict";
import type { Route } from "playwright-core";
import type { Person } from "../person.ts";
import { chapter, stage } from "../stage.ts";

const CSV = ["id;age"].concat(Array.from({ length: 20 }, (_, row) => `${row};${30 + row}`)).join("\n");
const PIECE = /\/api\/uploads\/[^/]+\/\d\/\d+$/;
const SEND = /\/api\/uploads\/[^/]+\/send$/;
const RELAY = /\/relay\/\d$/;

/** The same bytes with one bit turned. */
function turned(bytes: Buffer | null, at: number): Buffer {
  const other = Buffer.from(bytes ?? []);
  const place = Math.min(Math.floor(at * other.length), other.length - 1);
  other[place] = (other[place] ?? 0) ^ 1;
  return other;
}

const server = (route: Route): string => /(\d)(\/\d+)?$/.exec(route.request().url())?.[1] ?? "";

/** What somebody in between does to the parcels or to the answers. */
const ATTACKS: [string, RegExp, (route: Route) => Promise<void>][] = [
  ...[0, 0.5, 1].map((at): [string, RegExp, (route: Route) => Promise<void>] => [
    `a bit of each parcel, at ${at}`,
    PIECE,
    (route) => route.continue({ postData: turned(route.request().postDataBuffer(), at) }),
  ]),
  [
    "a bit of one parcel of three",
    PIECE,
    (route) =>
      server(route) === "1"
        ? route.continue({ postData: turned(route.request().postDataBuffer(), 0.5) })
        : route.continue(),
  ],
  [
    "two answers change places",
    SEND,
    async (route) => {
      const answer = await route.fetch();
      const { answers } = (await answer.json()) as { answers: string[] };
      await route.fulfill({ response: answer, json: { answers: [answers[1], answers[0], answers[2]] } });
    },
  ],
  [
    "a bit of an answer",
    SEND,
    async (route) => {
      const answer = await route.fetch();
      const { answers } = (await answer.json()) as { answers: string[] };
      const last = turned(Buffer.from(answers[2] ?? "", "base64"), 0.7).toString("base64");
      await route.fulfill({ response: answer, json: { answers: [answers[0], answers[1], last] } });
    },
  ],
  [
    "the start of a run",
    RELAY,
    (route) => route.continue({ postData: turned(route.request().postDataBuffer(), 0.6) }),
  ],
];

/** Everything but the last button. */
async function getsReady(paul: Person): Promise<void> {
  await paul.chooses("small.csv", CSV);
  await paul.click("Continue");
  await paul.click("Continue");
  await paul.page.getByLabel("Passphrase").waitFor();
}

/** Waits until the page says that it did not go well, and gives it up. */
async function failed(paul: Person, what: string): Promise<void> {
  const refused = paul.page.getByRole("button", { name: "Dismiss" });
  const waiting = paul.page.getByText(/The network was lost/);
  await refused.or(waiting).first().waitFor({ timeout: 240_000 });
  assert.equal(await paul.page.getByText("It is uploaded").count(), 0, what);
  if (await waiting.first().isVisible()) await paul.click("Stop and discard");
}

const tablesOf = async (paul: Person): Promise<string[]> => {
  const told = await paul.asks("GET", `/api/projects/${stage.project}/tables`);
  return (JSON.parse(told.text) as { handle: string }[]).map(({ handle }) => handle);
};
let before: string[] = [];
const tabs: [string, Person][] = [];

/** Two servers wait a minute for a third before they give up: so each is in a tab of its own, and the story goes on. */
chapter("parcels and answers are altered on their way", async ({ paul }) => {
  before = await tablesOf(paul);
  for (const [what, path, attack] of ATTACKS) {
    const tab = await paul.tab();
    tabs.push([what, tab]);
    await getsReady(tab);
    await tab.page.route(path, attack);
    await tab.unlocks("Split, seal and upload");
  }
});

/** To be called when some time has passed. */
export function parcelChapters(): void {
  chapter("no parcel or answer that was altered on its way makes a table", async ({ paul }) => {
    for (const [what, tab] of tabs) {
      await failed(tab, what);
      await tab.page.close();
    }
    assert.equal(tabs.length, ATTACKS.length);
    assert.deepEqual(await tablesOf(paul), before);
  });
}
