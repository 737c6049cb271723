// Sealed parcels in the hands of a portal that alters, swaps and forges: a provider is never told that it went well.

import assert from "node:assert/strict";
import type { Route } from "playwright-core";
import type { Person } from "../person.ts";
import { chapter } from "../stage.ts";

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
    `a bit of one server's parcel, at ${at}`,
    PIECE,
    (route) =>
      server(route) === "1"
        ? route.continue({ postData: turned(route.request().postDataBuffer(), at) })
        : route.continue(),
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

chapter("a parcel or an answer that was altered on its way makes no table", async ({ project, paul }) => {
  const tables = async (): Promise<string> => (await paul.asks("GET", `/api/projects/${project}/tables`)).text;
  const before = await tables();
  for (const [what, path, attack] of ATTACKS) {
    await getsReady(paul);
    await paul.page.route(path, attack);
    await paul.hush();
    await paul.unlocks("Split, seal and upload");
    const refused = paul.page.getByRole("button", { name: "Dismiss" });
    const waiting = paul.page.getByText(/The network was lost/);
    await refused.or(waiting).first().waitFor();
    assert.equal(await paul.page.getByText("It is uploaded").count(), 0, what);
    if (await waiting.first().isVisible()) await paul.click("Stop and discard");
    await paul.page.unroute(path, attack);
    assert.equal(await tables(), before, what);
  }
});
