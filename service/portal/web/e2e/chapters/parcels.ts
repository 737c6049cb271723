// Sealed parcels in the hands of a portal that alters, swaps and forges: no provider is told that it went well.

import assert from "node:assert/strict";
import type { Route } from "playwright-core";
import type { Person } from "../person.ts";
import { chapter, stage } from "../stage.ts";

const CSV = ["id;age"].concat(Array.from({ length: 20 }, (_, row) => `${row};${30 + row}`)).join("\n");
const PIECE = /\/api\/uploads\/[^/]+\/\d\/\d+$/;
const SEND = /\/api\/uploads\/[^/]+\/send$/;
const RELAY = /\/relay\/\d$/;

/** Servers wait a minute for each other, and all uploads of this story are on their way at once. */
const LONG = 300_000;

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
      const answer = await route.fetch({ timeout: LONG });
      const { answers } = (await answer.json()) as { answers: string[] };
      await route.fulfill({ response: answer, json: { answers: [answers[1], answers[0], answers[2]] } });
    },
  ],
  [
    "a bit of an answer",
    SEND,
    async (route) => {
      const answer = await route.fetch({ timeout: LONG });
      const { answers } = (await answer.json()) as { answers: string[] };
      const last = turned(Buffer.from(answers[2] ?? "", "base64"), 0.7).toString("base64");
      await route.fulfill({ response: answer, json: { answers: [answers[0], answers[1], last] } });
    },
  ],
  [
    "a parcel that somebody keeps from arriving",
    PIECE,
    (route) => (server(route) === "2" ? route.abort("connectionreset") : route.continue()),
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

/** What the page says of each in the end, and what to do. */
const TOLD: Record<string, RegExp> = {
  "a parcel that somebody keeps from arriving":
    /parcel for server 2 does not get through.*try another network/s,
  "two answers change places": /answer of server [01] does not hold up.*Upload again/s,
  "a bit of an answer": /answer of server 2 does not hold up.*Upload again/s,
  "the start of a run": /Server \d: .*altered.*Load the page again/s,
};

/** Waits until the page says by itself what went wrong: nobody has to stop it. */
async function failed(paul: Person, what: string): Promise<void> {
  const refused = paul.page.locator(".notice.danger");
  await refused.first().waitFor({ timeout: LONG });
  assert.equal(await paul.page.getByText("It is uploaded").count(), 0, what);
  assert.match(
    await refused.first().innerText(),
    TOLD[what] ?? /altered.*Load the page again/s,
    what,
  );
  await paul.page.getByRole("button", { name: "Split, seal and upload" }).waitFor();
}

const tablesOf = async (paul: Person): Promise<string[]> => {
  const told = await paul.asks("GET", `/api/projects/${stage.project}/tables`);
  return (JSON.parse(told.text) as { handle: string }[]).map(({ handle }) => handle);
};
let before: string[] = [];
const tabs: [string, Person][] = [];

chapter("a table that the servers have and the portal did not list is listed later", async ({ paul }) => {
  const tab = await paul.tab();
  await getsReady(tab);
  const lost = (route: Route) => (route.request().method() === "POST" ? route.abort() : route.continue());
  await tab.page.route(/\/tables$/, lost);
  await tab.unlocks("Split, seal and upload");
  await tab.reads("the portal has not listed it yet");
  assert.equal(await tab.page.getByRole("link", { name: "Go to the table" }).count(), 0);
  await tab.page.unroute(/\/tables$/, lost);
  const tables = (await tablesOf(paul)).length;
  await tab.click("List it in the portal");
  await tab.page.getByRole("link", { name: "Go to the table" }).waitFor();
  assert.equal((await tablesOf(paul)).length, tables + 1);
  await tab.page.close();
});

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
