// Somebody with a browser of their own.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BrowserContext, Locator, Page } from "playwright-core";
import type { World } from "./world.ts";

/** Generous: the machine may be busy with something else. */
export const PATIENCE = 120_000;
const PASSPHRASE = "a passphrase for tests only";

export type Answer = { status: number; text: string; code?: string };

export class Person {
  readonly name: string;
  readonly email: string;
  readonly page: Page;
  /** What the browser complained about that it should not have. */
  readonly complaints: string[] = [];
  /** Every body that went to the portal. */
  readonly sent: Buffer[] = [];
  readonly #world: World;
  readonly #password: string;

  private constructor(world: World, name: string, page: Page) {
    this.#world = world;
    this.name = name;
    this.email = `${name.split(" ")[0]?.toLowerCase() ?? "x"}@example.org`;
    this.#password = "mossy lantern quartz 41";
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on("request", (request) => this.sent.push(request.postDataBuffer() ?? Buffer.alloc(0)));
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      // An answer like 403 before the password is given again is part of the story.
      const expected = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !expected) this.complaints.push(message.text());
    });
  }

  static async make(world: World, name: string): Promise<Person> {
    const context: BrowserContext = await world.browser.newContext({
      locale: "en-GB",
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    // For windows that a page opens, too.
    context.setDefaultTimeout(PATIENCE);
    // Whatever the page's own policy stops is a complaint.
    await context.addInitScript(() =>
      addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy violated: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
      ),
    );
    const person = new Person(world, name, await context.newPage());
    world.people.push(person);
    return person;
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Person> {
    const other = new Person(this.#world, this.name, await this.page.context().newPage());
    this.#world.people.push(other);
    await other.page.goto(this.#world.origin);
    return other;
  }

  /** The same person at another computer: another browser, without keys. */
  async elsewhere(): Promise<Person> {
    const other = await Person.make(this.#world, this.name);
    await other.signIn();
    return other;
  }

  /** Comes in by a link that works once. */
  async join(link: string, arrives = "Inbox"): Promise<this> {
    await this.page.goto(link);
    const address = this.page.getByLabel("E-mail address");
    await this.page.getByLabel("Your name").waitFor();
    if (await address.isVisible()) await address.fill(this.email);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByLabel("New password").fill(this.#password);
    await this.page.getByLabel("The same password again").fill(this.#password);
    await this.click("Accept the invitation");
    await this.heading(arrives);
    return this;
  }

  async signIn(arrives = "Inbox"): Promise<void> {
    await this.page.goto(this.#world.origin);
    await this.page.getByLabel("E-mail address").fill(this.email);
    await this.page.getByLabel("Password").fill(this.#password);
    await this.click("Sign in");
    await this.heading(arrives);
  }

  /** Goes to a page of the menu. */
  async open(page: string): Promise<void> {
    await this.page.getByRole("navigation").getByRole("link", { name: page }).click();
    await this.heading(page);
  }

  async heading(name: string): Promise<void> {
    await this.wakes();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  /** Of many windows without a screen, one that is not in front may be drawn no more; then clicks wait for ever. */
  async wakes(): Promise<void> {
    await this.page.bringToFront();
  }

  async click(name: string | RegExp, within: Page | Locator = this.page): Promise<void> {
    const exact = typeof name === "string";
    await this.wakes();
    await within.getByRole("button", { name, exact }).first().click();
  }

  /** Waits until the page says so; gives the password once more where it is asked for. */
  async reads(text: string | RegExp): Promise<void> {
    const said = this.page.getByText(text).first();
    const asked = this.page.getByRole("dialog", { name: "Is it still you?" });
    await said.or(asked).first().waitFor();
    if (!(await asked.isVisible())) return;
    await this.confirms(asked);
    await said.waitFor();
  }

  private async confirms(asked: Locator): Promise<void> {
    const password = asked.getByLabel("Password");
    // Who needs a passkey is not asked for the password.
    if ((await password.count()) === 0) return this.click("Use a passkey", asked);
    await password.fill(this.#password);
    await this.click("Continue", asked);
  }

  /** Asks the portal past the page, with all the rights of this session. */
  async asks(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#asksOnce(method, path, body);
    if (answer.code !== "step_up_needed") return answer;
    await this.#asksOnce("POST", "/api/fresh", { password: this.#password });
    return this.#asksOnce(method, path, body);
  }

  async #asksOnce(method: string, path: string, body?: unknown): Promise<Answer> {
    const said = await this.page.evaluate(
      async ([how, where, what]) => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(where, {
          method: how,
          ...(what === undefined ? {} : { headers, body: what }),
        });
        return { status: answer.status, text: await answer.text() };
      },
      [method, path, body === undefined ? undefined : JSON.stringify(body)] as const,
    );
    const { code } = (said.status < 400 ? {} : JSON.parse(said.text)) as { code?: string };
    return { ...said, ...(code === undefined ? {} : { code }) };
  }

  /** Has the portal carry a sealed parcel to a server, and gives the sealed answer. */
  async relays(project: string, server: number, parcel: Buffer): Promise<Buffer> {
    const answer = await this.page.evaluate(
      async ([path, body]) => {
        const headers = { "content-type": "application/octet-stream" };
        const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
        const relay = (): Promise<Response> => fetch(path, { method: "POST", headers, body: bytes });
        let said = await relay();
        // Of one person a few are on their way at once, and uploads of other tabs may be among them.
        for (let left = 30; said.status === 429 && left > 0; left -= 1) {
          await new Promise((resolved) => setTimeout(resolved, 1000));
          said = await relay();
        }
        return Array.from(new Uint8Array(await said.arrayBuffer()));
      },
      [`/api/projects/${project}/relay/${server}`, parcel.toString("base64")] as const,
    );
    return Buffer.from(answer);
  }

  /** What is saved by this click. */
  async saves(name: string | RegExp, file: string, role: "button" | "link" = "button"): Promise<string> {
    await this.wakes();
    const waiting = this.page.waitForEvent("download");
    await this.page.getByRole(role, { name }).first().click();
    const asked = this.page.getByRole("dialog", { name: "Is it still you?" });
    await Promise.race([waiting, asked.waitFor().catch(() => undefined)]);
    if (await asked.isVisible()) await this.confirms(asked);
    const path = join(this.#world.folder, file);
    await (await waiting).saveAs(path);
    return path;
  }

  async invites(person: string, role: string): Promise<string> {
    await this.open("People");
    await this.click("Invite somebody");
    const dialog = this.page.getByRole("dialog");
    await dialog.getByLabel("E-mail address").fill(`${person}@example.org`);
    await dialog.getByRole("checkbox", { name: new RegExp(`^${role}`) }).check();
    await this.click("Make the invitation", dialog);
    await this.reads("The invitation is made");
    const link = await dialog.getByText(/#\/invitation\//).innerText();
    await this.click("Close", dialog);
    return link.trim();
  }

  /** Asks permission to upload, with at least five rows behind every opened value. */
  async asksLeave(): Promise<void> {
    await this.open("Requests");
    await this.page.getByRole("link", { name: "Ask permission to upload" }).click();
    await this.page.getByLabel("Purpose").fill("The yearly survey");
    await this.page.getByLabel("Rows behind every opened value").fill("5");
    await this.click("Submit");
    await this.reads("It is submitted");
  }

  /** Submits a script with its purpose, and gives the request's id. */
  async submits(
    file: string,
    runs?: number,
    look?: () => Promise<void>,
    told = "It is submitted",
  ): Promise<string> {
    await this.hush();
    await this.open("Requests");
    await this.page.getByRole("link", { name: "Submit a script" }).first().click();
    await this.page.locator("input[type=file]").setInputFiles(file);
    await this.page.getByLabel("Purpose").fill("For the yearly report");
    if (runs !== undefined) await this.page.getByLabel("At most so many runs").fill(String(runs));
    await this.page.getByRole("heading", { name: "What it opens" }).waitFor();
    await look?.();
    await this.click("Submit");
    await this.reads(told);
    await this.page.waitForURL(/requests\/(?!new)/);
    return this.requestId();
  }

  /** Submits another script as the next version of the request on the page. */
  async resubmits(file: string): Promise<void> {
    await this.hush();
    await this.click("Submit a new version");
    const dialog = this.page.getByRole("dialog");
    await dialog.locator("input[type=file]").setInputFiles(file);
    await this.click("Submit as new version", dialog);
    await this.reads("It is submitted");
  }

  /** Of the request whose page it is. */
  requestId(): string {
    return /requests\/([^/]+)$/.exec(this.page.url())?.[1] ?? "";
  }

  /** Begins an upload with a file that is written for it. */
  async chooses(name: string, content: string): Promise<void> {
    await this.open("Tables");
    await this.page.getByRole("link", { name: "Upload a table" }).first().click();
    await this.page.locator("input[type=file]").setInputFiles(this.file(name, content));
    await this.page.getByRole("heading", { name: "First rows" }).waitFor();
  }

  /** Enrols a key made with the command line, and keeps it in this browser. */
  async bringsKey(file: string): Promise<void> {
    await this.open("Keys");
    await this.click("Enrol a key I have");
    await this.page.locator("input[type=file]").setInputFiles(file);
    await this.page.getByLabel("What to call it").fill("from the command line");
    await this.page.getByRole("checkbox", { name: /In this browser/ }).check();
    await this.givesNewPassphrase();
    await this.click("Enrol");
    await this.reads("The key is made and enrolled");
  }

  /** Makes a key in the page; also saves it plainly, for crandas. */
  async makesKey(file: string, purpose?: string): Promise<string> {
    await this.open("Keys");
    await this.hush();
    await this.click("Make a key");
    if (purpose !== undefined) await this.page.getByLabel("What it is for").selectOption(purpose);
    await this.page.getByLabel("What to call it").fill("laptop");
    await this.page.getByRole("checkbox", { name: /In a file, under a passphrase/ }).uncheck();
    await this.page.getByRole("checkbox", { name: /plain \.sk file/ }).check();
    await this.givesNewPassphrase();
    const path = await this.saves("Make and enrol the key", file);
    await this.reads("The key is made and enrolled");
    return path;
  }

  private async givesNewPassphrase(): Promise<void> {
    await this.page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await this.page.getByLabel("The same passphrase again").fill(PASSPHRASE);
  }

  /** Gives somebody one more role. */
  async promotes(person: string, role: string): Promise<void> {
    await this.open("People");
    await this.hush();
    await this.page.getByRole("button", { name: new RegExp(`: ${person}$`) }).click();
    const dialog = this.page.getByRole("dialog");
    await dialog.getByRole("checkbox", { name: new RegExp(`^${role}`) }).check();
    await this.click("Save", dialog);
    await this.reads("The roles are changed");
  }

  /** Goes to a page by its address, past the menu. */
  async visits(address: string): Promise<void> {
    await this.page.goto(`${this.#world.origin}/#/${address}`);
  }

  /** Goes to a request by its title. */
  async opensRequest(title: string): Promise<void> {
    await this.open("Requests");
    await this.page.getByRole("main").getByRole("link", { name: title }).first().click();
    await this.heading(title);
  }

  /** Reads the request and signs it in the page. */
  async signs(title: string, look?: () => Promise<void>): Promise<void> {
    await this.opensRequest(title);
    await this.agrees(look);
    await this.reads("Signed. Thank you.");
  }

  /** Does what it takes to sign the request on the page, whatever comes of it. */
  async agrees(look?: () => Promise<void>): Promise<void> {
    await this.hush();
    await this.page.getByRole("checkbox", { name: /I have read every step/ }).check();
    await look?.();
    await this.unlocks("Sign with this key");
  }

  /** Closes all notices, so that the next one is news. */
  async hush(): Promise<void> {
    const notices = this.page.getByRole("button", { name: "Dismiss" });
    // One that goes away by itself meanwhile is closed as well; the others then stand where it stood.
    for (let left = 20; left > 0 && (await notices.count()) > 0; left -= 1)
      await notices.first().click({ timeout: 2000 }).catch(() => undefined);
  }

  /** Gives the passphrase of the key in this browser. */
  async unlocks(action: string, within: Page | Locator = this.page): Promise<void> {
    await within.getByLabel("Passphrase").fill(PASSPHRASE);
    await this.click(action, within);
  }

  /** Writes a file beside the servers. */
  file(name: string, content: string): string {
    const path = join(this.#world.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }
}
