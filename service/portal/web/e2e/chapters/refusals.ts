// What is refused to people who are who they say they are.

import assert from "node:assert/strict";
import { join } from "node:path";
import { variant } from "../analysis.ts";
import { Person } from "../person.ts";
import { altered, approvedFile, signatureBy } from "../signing.ts";
import { chapter, requestOf, stage } from "../stage.ts";
import { serversSay } from "../thief.ts";
import { APPROVERS, vdl } from "../world.ts";

const script = (): string => join(stage.world.folder, "design/mean-age-10.json");
const latest = async (person: Person, id: string): Promise<string> =>
  (await requestOf(person, id)).versions.at(-1)?.payload ?? "";
let otherKeys = "";
const signButton = (person: Person) => person.page.getByRole("button", { name: "Sign with this key" });

chapter("an approver who asks for something does not approve it", async ({ admin, anna, bob }) => {
  await admin.promotes("Anna Approver", "Analyst");
  await anna.page.reload();
  await anna.makesKey("anna-analyst.sk", "Running scripts");
  const id = await anna.submits(variant(anna, script(), "Own question"));
  await anna.reads("It is your own request, so others decide.");
  assert.equal(await signButton(anna).count(), 0);
  const signature = signatureBy(APPROVERS[0], await latest(anna, id)).sig;
  const answer = await anna.asks("POST", `/api/requests/${id}/signatures`, { version: 1, signature });
  assert.deepEqual([answer.status, answer.code], [403, "own_request"]);
  await bob.signs("Own question");
  assert.equal((await requestOf(bob, id)).state, "submitted");
});

chapter(
  "a key that is not on the list signs nothing, nor does another's",
  async ({ world, admin, anna, chloe }) => {
    const id = (otherKeys = await chloe.submits(variant(chloe, script(), "Other keys")));
    const eve = await Person.make(world, "Eve Stranger");
    await eve.join(await admin.invites("eve", "Approver"));
    vdl("keygen", join(world.folder, "eve.sk"), join(world.folder, "eve.pk"));
    await eve.bringsKey(join(world.folder, "eve.sk"));
    await eve.opensRequest("Other keys");
    await eve.reads("You need an enrolled approver's key, and it has to be on the approvers' list.");
    assert.equal(await signButton(eve).count(), 0);
    const { sig: signature } = signatureBy("eve", await latest(eve, id));
    const path = `/api/requests/${id}/signatures`;
    assert.equal((await eve.asks("POST", path, { version: 1, signature })).code, "key_unknown");
    assert.equal((await anna.asks("POST", path, { version: 1, signature })).code, "wrong_signature");
    // At a computer that does not have the key, from a file that holds another.
    const away = await anna.elsewhere();
    await away.opensRequest("Other keys");
    await away.page.getByRole("checkbox", { name: /I have read every step/ }).check();
    const file = away.page.getByRole("region", { name: "Decide" }).locator("input[type=file]");
    await file.setInputFiles(join(world.folder, `${APPROVERS[1]}.sk`));
    await away.click("Sign with this key");
    await away.reads("This is another key than the one it has to be.");
    await away.page.context().close();
    assert.deepEqual((await requestOf(anna, id)).signatures, []);
  },
);

chapter(
  "what has a new version meanwhile, or is withdrawn, is not signed from a page of before",
  async ({ anna, bob, chloe }) => {
    await anna.opensRequest("Other keys");
    await bob.opensRequest("Other keys");
    await chloe.opensRequest("Other keys");
    await chloe.resubmits(variant(chloe, script(), "Other keys", 12));
    await anna.agrees();
    await anna.reads("somebody changed this in the meantime");
    await chloe.click("Withdraw");
    await chloe.click("Withdraw", chloe.page.getByRole("dialog"));
    await chloe.reads("The request is withdrawn.");
    await bob.agrees();
    await bob.reads("a request that is withdrawn does not take the action sign");
    const id = chloe.requestId();
    const { state, signatures } = await requestOf(chloe, id);
    assert.deepEqual([state, signatures], ["withdrawn", []]);
    assert.equal((await chloe.asks("GET", `/api/requests/${id}/approved`)).code, "not_now");
  },
);

chapter("what is over is neither submitted nor run", async ({ chloe }) => {
  await chloe.open("Requests");
  await chloe.page.getByRole("link", { name: "Submit a script" }).first().click();
  await chloe.page.locator("input[type=file]").setInputFiles(script());
  await chloe.page.getByLabel("Purpose").fill("For the report of 2020");
  await chloe.page.getByLabel("From").fill("2020-01-01");
  await chloe.page.getByLabel("Until").fill("2020-12-31");
  await chloe.click("Submit");
  await chloe.reads("the last day of this approval is over already");
  // Signed by everybody all the same, past the portal.
  const payload = altered(
    altered(await latest(chloe, otherKeys), /"not_before":\d+/, '"not_before":1577836800'),
    /"expires":\d+/,
    '"expires":1609459199',
  );
  approvedFile(
    "late.approved",
    payload,
    APPROVERS.map((name) => signatureBy(name, payload)),
  );
  assert.deepEqual(await serversSay("late.approved", "run/analyst"), Array(3).fill("approval_expired"));
});

chapter("roles are kept, in the page and past it", async ({ project, chloe, paul, bob }) => {
  const base = `/api/projects/${project}`;
  await paul.open("Requests");
  assert.equal(await paul.page.getByRole("link", { name: "Submit a script" }).count(), 0);
  await paul.visits(`projects/${project}/requests/new`);
  await paul.page.locator("input[type=file]").setInputFiles(script());
  await paul.reads("You need an enrolled key first.");
  const payload = await latest(paul, otherKeys);
  const form = { kind: "script", name: "Not mine", payload };
  assert.equal((await paul.asks("POST", `${base}/requests`, form)).code, "not_allowed");
  await chloe.open("Tables");
  await chloe.page.getByRole("heading", { level: 1, name: "Tables" }).waitFor();
  assert.equal(await chloe.page.getByRole("link", { name: "Upload a table" }).count(), 0);
  const sizes = { sizes: [1, 1, 1], chunk: 65536 };
  assert.equal((await chloe.asks("POST", `${base}/uploads`, sizes)).code, "not_allowed");
  assert.equal(await bob.page.getByRole("link", { name: "Journal" }).count(), 0);
  await bob.visits(`projects/${project}/journal`);
  await bob.reads("your roles in this project do not allow this");
  const invitation = { email: "mallory@example.org", roles: ["administrator"] };
  for (const person of [bob, chloe, paul]) {
    assert.equal((await person.asks("POST", `${base}/invitations`, invitation)).code, "not_allowed");
    assert.equal((await person.asks("GET", `${base}/journal`)).code, "not_allowed");
  }
});
