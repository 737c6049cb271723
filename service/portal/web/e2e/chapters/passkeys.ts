// Passkeys with a real browser; Chromium's own virtual device stands in for a phone or a security key.

import assert from "node:assert/strict";
import type { CDPSession } from "playwright-core";
import { looksGood } from "../look.ts";
import { Person } from "../person.ts";
import { chapter } from "../stage.ts";
import { makeWorld } from "../world.ts";

/** A device that knows its user. */
class Device {
  readonly #session: CDPSession;
  readonly #id: string;

  private constructor(session: CDPSession, id: string) {
    this.#session = session;
    this.#id = id;
  }

  static async of(person: Person): Promise<Device> {
    const session = await person.page.context().newCDPSession(person.page);
    await session.send("WebAuthn.enable");
    const made = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(session, made.authenticatorId);
  }

  /** Whether the finger, face or PIN is right. */
  async knowsUser(isUserVerified: boolean): Promise<void> {
    await this.#session.send("WebAuthn.setUserVerified", { authenticatorId: this.#id, isUserVerified });
  }

  /** How often each of its passkeys was used. */
  async counters(): Promise<number[]> {
    const options = { authenticatorId: this.#id };
    const { credentials } = await this.#session.send("WebAuthn.getCredentials", options);
    return credentials.map((credential) => credential.signCount);
  }

  async forgetsAll(): Promise<void> {
    await this.#session.send("WebAuthn.clearCredentials", { authenticatorId: this.#id });
  }
}

async function signOut(person: Person): Promise<void> {
  await person.click("Sign out");
  await person.heading("Sign in");
}

async function addPasskey(person: Person, name: string): Promise<void> {
  await person.page.getByLabel("What to call it").fill(name);
  await person.click("Add a passkey");
  await person.reads("The passkey is added.");
}

let nora: Person, phone: Device, key: Device;

chapter("a passkey is added in the settings, and not twice to one device", async ({ admin }) => {
  phone = await Device.of(admin);
  await admin.open("Settings");
  await admin.reads("You have no passkey yet.");
  await addPasskey(admin, "phone");
  await admin.reads(/^Added /);
  await looksGood(admin, "settings-passkeys");
  await admin.page.getByLabel("What to call it").fill("phone again");
  await admin.click("Add a passkey");
  await admin.reads("This device already has a passkey for your account.");
  assert.equal((await phone.counters()).length, 1);
});

chapter("it signs in without an address, if the device knows its user", async ({ admin }) => {
  await signOut(admin);
  await looksGood(admin, "sign-in");
  await phone.knowsUser(false);
  await admin.click("Sign in with a passkey");
  await admin.reads("Nothing was confirmed. Try again when you are ready.");
  await phone.knowsUser(true);
  await admin.click("Sign in with a passkey");
  await admin.heading("Inbox");
  await admin.reads("A passkey was added to your account");
});

chapter("before something grave it stands for the password", async ({ admin }) => {
  await admin.open("Settings");
  // As after five minutes: the portal asks once more.
  const stale = { code: "step_up_needed", message: "once more", id: "x" };
  const refuse = { status: 403, json: stale };
  await admin.page.route("**/api/passkeys/needed", (route) => route.fulfill(refuse), { times: 1 });
  const asked = admin.page.getByRole("dialog", { name: "Is it still you?" });
  await admin.page.getByRole("checkbox", { name: /My password alone/ }).click();
  await asked.waitFor();
  await looksGood(admin, "step-up-passkey");
  const [before] = await phone.counters();
  await admin.click("Use a passkey", asked);
  await asked.waitFor({ state: "hidden" });
  await admin.reads("From now on you need a passkey to sign in.");
  assert.equal((await phone.counters())[0], (before ?? 0) + 1);
  await admin.page.route("**/api/passkeys/needed", (route) => route.fulfill(refuse), { times: 1 });
  await admin.page.getByRole("checkbox", { name: /My password alone/ }).click();
  await asked.waitFor();
  assert.equal(await asked.getByLabel("Password").count(), 0, "the password does not confirm any more");
  await asked.getByRole("button", { name: "Cancel" }).click();
  assert.ok(await admin.page.getByRole("checkbox", { name: /My password alone/ }).isChecked());
});

chapter("then the password alone opens nothing", async ({ admin, world }) => {
  await signOut(admin);
  await admin.signIn("Now your passkey");
  await looksGood(admin, "passkey-wait");
  await admin.page.goto(`${world.origin}/#/settings`);
  await admin.heading("Now your passkey");
  await admin.click("Use a passkey");
  await admin.heading("Settings");
});

chapter("a password is not enough for who says so", async ({ admin, world }) => {
  nora = await Person.make(world, "Nora Newcomer");
  await nora.join(await admin.invites("nora", "Auditor"));
  key = await Device.of(nora);
  await nora.open("Settings");
  await addPasskey(nora, "security key");
  await nora.page.getByRole("checkbox", { name: /My password alone/ }).click();
  await nora.reads("From now on you need a passkey to sign in.");
});

chapter("an invitation takes the passkey as well as the password", async ({ admin }) => {
  await signOut(nora);
  await nora.join(await admin.invites("nora", "Analyst"), "You are invited");
  await nora.reads("Your account needs a passkey.");
  await looksGood(nora, "invitation-passkey");
  await nora.click("Sign in with a passkey");
  await nora.page.getByText("Your account needs a passkey.").waitFor({ state: "detached" });
  await nora.click("Accept the invitation");
  await nora.heading("Inbox");
});

chapter("who lost a passkey is let in by an administrator, and told", async ({ admin }) => {
  await key.forgetsAll();
  await signOut(nora);
  await nora.signIn("Now your passkey");
  await nora.reads("Lost it?");
  await admin.open("People");
  await admin.page.getByRole("button", { name: "Change: Nora Newcomer" }).click();
  const dialog = admin.page.getByRole("dialog");
  await dialog.getByText("Reset passkeys").first().click();
  await looksGood(admin, "reset-passkeys");
  await admin.click("Reset passkeys", dialog);
  await admin.reads("The passkeys are removed, and all sessions of this person ended.");
  await nora.page.reload();
  await nora.signIn();
  await nora.reads("An administrator removed all your passkeys");
});

chapter("a removed passkey signs in no more", async ({ admin }) => {
  await admin.open("Settings");
  await admin.page.getByRole("checkbox", { name: /My password alone/ }).click();
  await admin.reads("Your password is enough again.");
  await admin.page.getByRole("button", { name: "Remove: phone" }).click();
  await admin.click("Remove", admin.page.getByRole("dialog"));
  await admin.reads("The passkey is removed. All other sessions were ended.");
  await signOut(admin);
  await admin.click("Sign in with a passkey");
  await admin.reads("this passkey was not accepted");
  await admin.signIn();
});

chapter("where the portal wants a passkey of everybody, one is added before anything else", async () => {
  const strict = await makeWorld(`second_factor = "all"`);
  try {
    const first = await Person.make(strict, "Erik Administrator");
    await Device.of(first);
    await first.join(strict.link, "Add a passkey");
    await looksGood(first, "passkey-first");
    await addPasskey(first, "laptop");
    await first.heading("Inbox");
    await first.open("Settings");
    await first.reads("This portal asks you for a passkey each time you sign in.");
    assert.deepEqual(first.complaints, []);
  } finally {
    await strict.stop();
  }
});
