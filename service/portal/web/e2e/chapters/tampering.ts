// A portal that lies, a database that somebody wrote to, and a network in between: nothing of it ever passes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { blake3 } from "@noble/hashes/blake3.js";
import type { Route } from "playwright-core";
import { variant } from "../analysis.ts";
import { PATIENCE, type Person } from "../person.ts";
import { looksGood } from "../look.ts";
import { altered, approvedFile, signatureBy } from "../signing.ts";
import { chapter, requestOf, stage, type RequestView } from "../stage.ts";
import { serversSay } from "../thief.ts";
import { APPROVERS, sql } from "../world.ts";

const TITLE = "Tampered question";
let id = "";
/** The genuine bytes of the request. */
let payload = "";

const script = (): string => join(stage.world.folder, "design/mean-age-10.json");
const signButton = (person: Person) => person.page.getByRole("button", { name: "Sign with this key" });
const one = (): string => `**/api/requests/${id}`;

/** What the page says where the portal keeps other bytes than were sent from this browser. */
const OTHER = "The portal keeps something else than you submitted";

/** Answers with the request as the portal would never have it. */
const lies = (change: (request: RequestView) => void) => async (route: Route) => {
  const answer = await route.fetch({ timeout: PATIENCE });
  const request = (await answer.json()) as RequestView;
  change(request);
  await route.fulfill({ response: answer, json: request });
};
const withPayload = (other: string) =>
  lies((request) => request.versions.forEach((version) => (version.payload = other)));

/** All three servers, whoever made this file, refuse to begin a run of it for the analyst. */
async function allRefuse(
  why: string,
  bytes: string,
  signatures: Parameters<typeof approvedFile>[2],
): Promise<void> {
  approvedFile("forged.approved", bytes, signatures);
  assert.deepEqual(await serversSay("forged.approved", "run/analyst"), Array(3).fill(why));
}

chapter(
  "a request that was altered on its way to the portal is what its approvers read, and its sender is told",
  async ({ anna, chloe }) => {
    const weaker = (route: Route) => {
      if (route.request().method() !== "POST") return route.continue();
      const form = route.request().postDataJSON() as { payload: string };
      const json = { ...form, payload: altered(form.payload, '"threshold":10', '"threshold":2') };
      return route.continue({ postData: JSON.stringify(json) });
    };
    await chloe.page.route("**/requests", weaker);
    id = await chloe.submits(variant(chloe, script(), "Altered on its way"), undefined, undefined, OTHER);
    await chloe.page.unroute("**/requests", weaker);
    await anna.opensRequest("Altered on its way");
    await anna.reads(/fewer than 2 rows/);
    assert.equal(await anna.page.getByText(/fewer than 10 rows/).count(), 0);
    // The analyst sees it too, also when she comes back to it, and takes it back.
    await chloe.reads(/fewer than 2 rows/);
    await chloe.page.reload();
    await chloe.page.getByRole("main").getByText(OTHER).waitFor();
    await looksGood(chloe, "altered");
    await chloe.click("Withdraw");
    await chloe.click("Withdraw", chloe.page.getByRole("dialog"));
    await chloe.reads("The request is withdrawn.");
  },
);

chapter("bytes that the page cannot read as servers would are not signed", async ({ anna, chloe }) => {
  id = await chloe.submits(variant(chloe, script(), TITLE), 3);
  payload = (await requestOf(chloe, id)).versions[0]?.payload ?? "";
  const text = Buffer.from(payload, "base64").toString();
  const written = (other: string): string => Buffer.from(other).toString("base64");
  for (const strange of [
    written(`${text}{}`),
    written(text.replace('{"type"', '{"type":"vdl-approval/1","type"')),
    written(text.replace('"threshold":10', '"threshold":10,"also":true')),
    written(text.slice(0, -1)),
    `${payload}!`,
    "",
  ]) {
    const lie = withPayload(strange);
    await anna.page.route(one(), lie);
    await anna.opensRequest(TITLE);
    await anna.reads("This page cannot read the request, so nobody should sign it here.");
    assert.equal(await signButton(anna).count(), 0);
    await anna.page.unroute(one(), lie);
  }
});

chapter("what a lying portal shows is what is signed, and it fits nothing else", async ({ anna, bob }) => {
  const stricter = altered(payload, '"threshold":10', '"threshold":100');
  const lie = withPayload(stricter);
  await anna.page.route(one(), lie);
  await anna.opensRequest(TITLE);
  await anna.reads(/fewer than 100 rows/);
  let kept = "";
  await anna.page.route(`${one()}/signatures`, (route) => {
    kept = (route.request().postDataJSON() as { signature: string }).signature;
    return route.continue();
  });
  await anna.agrees();
  await anna.reads("the signature does not fit what it should be under");
  await anna.page.unroute(one(), lie);
  await anna.page.unroute(`${one()}/signatures`);
  assert.deepEqual((await requestOf(bob, id)).signatures, []);
  // A portal that keeps the signature has nothing that servers would run.
  const [first, second] = APPROVERS.map((name) => signatureBy(name, payload));
  assert.ok(first && second && kept !== "");
  await allRefuse("approver_missing", payload, [{ ...first, sig: kept }, second]);
});

chapter(
  "a signature that was altered on its way, or is of another key, is refused",
  async ({ anna, bob }) => {
    await anna.opensRequest(TITLE);
    const { sig } = signatureBy(APPROVERS[1], payload);
    const turned = (signature: string): string =>
      (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    for (const change of [turned, () => sig, () => "", () => "A".repeat(88)]) {
      await anna.page.route(
        `${one()}/signatures`,
        (route) => {
          const form = route.request().postDataJSON() as { signature: string };
          return route.continue({ postData: JSON.stringify({ ...form, signature: change(form.signature) }) });
        },
        { times: 1 },
      );
      await anna.agrees();
      await anna.reads("the signature does not fit what it should be under");
      await anna.page.reload();
    }
    assert.deepEqual((await requestOf(bob, id)).signatures, []);
  },
);

chapter(
  "a payload that was changed in the database is not signed: neither shown, nor from before",
  async ({ world, anna, bob, chloe }) => {
    await anna.opensRequest(TITLE);
    const mine = payloadKey(payload);
    const [[eves]] = sql(
      world,
      "SELECT public FROM keys WHERE name = 'from the command line' ORDER BY created DESC LIMIT 1",
    ) as [[string]];
    const hers = altered(payload, mine, eves);
    const [[digest]] = sql(world, "SELECT digest FROM versions WHERE request_id = ?", id) as [[string]];
    const write = (bytes: string, named: string): unknown =>
      sql(world, "UPDATE versions SET payload = ?, digest = ? WHERE request_id = ?", bytes, named, id);
    // With the digest that belongs to it: the open page signs what it shows, and that fits no longer.
    write(hers, digestOf(hers));
    await anna.agrees();
    await anna.reads("the signature does not fit what it should be under");
    // Whoever submitted it reads that this is something else, without having been asked to look.
    await chloe.opensRequest(TITLE);
    await chloe.page.getByRole("main").getByText(OTHER).waitFor();
    // A page that is opened now tells whose key it is.
    await bob.opensRequest(TITLE);
    const decide = bob.page.getByRole("region", { name: "Decide" });
    await decide.getByText("Eve Stranger").waitFor();
    // Without that digest, not even what is shown is signed.
    write(hers, digest);
    await bob.page.reload();
    await bob.agrees();
    await bob.reads("the portal met an error of its own");
    write(payload, digest);
    await chloe.page.reload();
    await chloe.heading(TITLE);
    assert.equal(await chloe.page.getByText(OTHER).count(), 0);
    assert.deepEqual((await requestOf(bob, id)).signatures, []);
  },
);

chapter(
  "a state or a signature that was written into the database approves nothing",
  async ({ world, anna, bob, chloe }) => {
    await anna.signs(TITLE);
    const { signatures } = await requestOf(anna, id);
    const [[bobs, user]] = sql(
      world,
      "SELECT k.public, k.user_id FROM keys k JOIN users u ON u.id = k.user_id WHERE u.name = 'Bob Approver'",
    ) as [[string, string]];
    const own = signatures[0]?.signature ?? "";
    sql(world, "UPDATE requests SET state = 'approved' WHERE id = ?", id);
    await chloe.opensRequest(TITLE);
    assert.equal((await chloe.asks("GET", `/api/requests/${id}/approved`)).code, "approver_missing");
    sql(
      world,
      "INSERT INTO signatures (request_id, version, public, user_id, signature, position, created) VALUES (?, 1, ?, ?, ?, 2, 0)",
      id,
      bobs,
      user,
      own,
    );
    await chloe.page.reload();
    await chloe.reads("does not fit these bytes");
    assert.equal((await chloe.asks("GET", `/api/requests/${id}/approved`)).code, "wrong_signature");
    // A portal that gives the file away nevertheless, as it stands in its database.
    const first = signatureBy(APPROVERS[0], payload);
    const second = { ...signatureBy(APPROVERS[1], payload), sig: own };
    for (const signatures of [[first, second], [first], [first, first], []])
      await allRefuse("approver_missing", payload, signatures);
    sql(world, "DELETE FROM signatures WHERE request_id = ? AND public = ?", id, bobs);
    sql(world, "UPDATE requests SET state = 'submitted' WHERE id = ?", id);
    await bob.signs(TITLE);
    assert.equal((await requestOf(bob, id)).state, "approved");
  },
);

chapter(
  "what is changed after the approval is not given out, and servers run none of it",
  async ({ world, chloe }) => {
    const both = APPROVERS.map((name) => signatureBy(name, payload));
    const weaker = altered(payload, '"threshold":10', '"threshold":5');
    const more = altered(payload, /"max_runs":\d+/, '"max_runs":900');
    for (const other of [weaker, more, altered(payload, payloadKey(payload), evesKey())]) {
      sql(
        world,
        "UPDATE versions SET payload = ?, digest = ? WHERE request_id = ?",
        other,
        digestOf(other),
        id,
      );
      assert.equal((await chloe.asks("GET", `/api/requests/${id}/approved`)).code, "wrong_signature");
      await allRefuse("approver_missing", other, both);
    }
    sql(
      world,
      "UPDATE versions SET payload = ?, digest = ? WHERE request_id = ?",
      payload,
      digestOf(payload),
      id,
    );
    // As it was, it runs: for the analyst, and for nobody who says in the portal that the key is theirs.
    approvedFile("genuine.approved", payload, both);
    assert.deepEqual(await serversSay("genuine.approved", "eve"), Array(3).fill("wrong_analyst"));
    assert.deepEqual(await serversSay("genuine.approved", "run/analyst"), Array(3).fill("started"));
  },
);

chapter(
  "an approval that one approver takes back runs no more, whatever file is kept of it",
  async ({ anna }) => {
    await anna.opensRequest(TITLE);
    await anna.hush();
    await anna.click("Revoke the approval");
    const dialog = anna.page.getByRole("dialog");
    await dialog.getByLabel("Passphrase").waitFor();
    await anna.unlocks("Revoke the approval", dialog);
    await anna.reads(/^The approval is revoked/);
    assert.deepEqual(await serversSay("genuine.approved", "run/analyst"), Array(3).fill("revoked"));
  },
);

chapter(
  "approvers that somebody wrote into the database approve for the portal alone",
  async ({ world, admin }) => {
    const [[stored]] = sql(world, "SELECT payload FROM policies") as [[string]];
    const policy = JSON.parse(Buffer.from(stored, "base64").toString()) as {
      approvers: { name: string; key: string }[];
    };
    const hers = { ...policy, approvers: [{ name: "eve", key: evesKey() }] };
    sql(world, "UPDATE policies SET payload = ?", Buffer.from(JSON.stringify(hers)).toString("base64"));
    try {
      const eve = world.people.find(({ name }) => name === "Eve Stranger");
      assert.ok(eve);
      const taken = await admin.asks("GET", `/api/projects/${stage.project}`);
      assert.match(taken.text, /"eve"/, "the portal believes its database");
      const alone = await stage.chloe.submits(variant(stage.chloe, script(), "Approved by Eve"));
      await eve.signs("Approved by Eve");
      const bytes = (await requestOf(eve, alone)).versions[0]?.payload ?? "";
      const file = await stage.chloe.asks("GET", `/api/requests/${alone}/approved`);
      const given = file.status === 200 ? (JSON.parse(file.text) as { signatures: never[] }).signatures : [];
      await allRefuse("approver_missing", bytes, [...given, signatureBy("eve", bytes)]);
    } finally {
      sql(world, "UPDATE policies SET payload = ?", stored);
    }
  },
);

/** The analyst's key in a statement. */
const payloadKey = (statement: string): string =>
  (JSON.parse(Buffer.from(statement, "base64").toString()) as { analyst: string }).analyst;

const evesKey = (): string =>
  (
    sql(
      stage.world,
      "SELECT k.public FROM keys k JOIN users u ON u.id = k.user_id WHERE u.name = 'Eve Stranger'",
    ) as [[string]]
  )[0][0];

/** As the portal names a version. */
const digestOf = (bytes: string): string =>
  Buffer.from(blake3(Buffer.from(bytes, "base64")))
    .toString("hex")
    .toUpperCase();
