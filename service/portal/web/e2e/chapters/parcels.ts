// Sealed parcels in the hands of a portal that alters, swaps and forges: a provider is never told that it went well.

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
let another: Person;

/** Two servers wait a minute for the third before they give up; others play on meanwhile. */
chapter("one server's parcel is altered on its way", async ({ paul }) => {
  before = await tablesOf(paul);
  another = await paul.tab();
  await getsReady(another);
  await another.page.route(PIECE, (route) =>
    server(route) === "1"
      ? route.continue({ postData: turned(route.request().postDataBuffer(), 0.5) })
      : route.continue(),
  );
  await another.unlocks("Split, seal and upload");
  await another.reads("The servers take over their parts");
});

/** To be called when some time has passed. */
export function parcelChapters(): void {
  chapter("a parcel or an answer that was altered on its way makes no table", async ({ paul }) => {
    for (const [what, path, attack] of ATTACKS) {
      await getsReady(paul);
      await paul.page.route(path, attack);
      await paul.hush();
      await paul.unlocks("Split, seal and upload");
      await failed(paul, what);
      await paul.page.unroute(path, attack);
      assert.deepEqual(await tablesOf(paul), before, what);
    }
  });

  chapter("nor does one parcel of three", async ({ paul }) => {
    await failed(another, "one parcel of three");
    await another.page.close();
    assert.deepEqual(await tablesOf(paul), before);
  });
}
