// What a large file costs in a real tab: `npm run memory [megabytes]`, after `make build`.
//
// A provider uploads it through the page, to three servers; meanwhile the memory of the tab's own process is read: what is
// its alone, as the browser's task manager counts it, and beside that all that is resident, the browser's program included.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { MadeFile } from "../tests/data/large.ts";
import { Person } from "./person.ts";
import { APPROVERS, makeWorld, type World } from "./world.ts";

const MB = 1e6;
const MIB = 2 ** 20;
/** Generous: splitting takes as long as it takes. */
const LONG = 3_600_000;

/** Memory of a process now, in bytes: its own, and all that is resident. */
const memoryOf = (pid: number): [number, number] => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  return [bytes("RssAnon") + bytes("VmSwap"), bytes("VmRSS")];
};

/** The process that renders this page: of all renderers the one that grows most while the page is asked to. */
async function processOf(person: Person): Promise<number> {
  const session = await person.page.context().browser()?.newBrowserCDPSession();
  const told = await session?.send("SystemInfo.getProcessInfo");
  const renderers = (told?.processInfo ?? []).filter(({ type }) => type === "renderer").map(({ id }) => id);
  const before = new Map(renderers.map((pid) => [pid, memoryOf(pid)[0]]));
  const probe = await person.page.evaluateHandle(() => new Uint8Array(100e6).fill(1));
  const grown = renderers.map((pid) => [memoryOf(pid)[0] - (before.get(pid) ?? 0), pid] as const);
  await probe.dispose();
  const [, pid] = grown.sort(([one], [other]) => other - one)[0] ?? [];
  if (pid === undefined) throw new Error("no process shows this page");
  return pid;
}

async function writeLarge(path: string, bytes: number): Promise<MadeFile> {
  const file = new MadeFile(bytes);
  const target = openSync(path, "w");
  const piece = 8 * MIB;
  for (let at = 0; at < file.size; at += piece)
    writeSync(target, new Uint8Array(await file.slice(at, Math.min(at + piece, file.size)).arrayBuffer()));
  closeSync(target);
  return file;
}

/** Three people are enough: who invites, who approves both times, who uploads. */
async function prepare(world: World): Promise<Person> {
  const admin = await (await Person.make(world, "Dora Administrator")).join(world.link);
  const [anna, bob, paul] = await Promise.all([
    Person.make(world, "Anna Approver"),
    Person.make(world, "Bob Approver"),
    Person.make(world, "Paul Provider"),
  ]);
  await anna.join(await admin.invites("anna", "Approver"));
  await bob.join(await admin.invites("bob", "Approver"));
  await paul.join(await admin.invites("paul", "Data provider"));
  await anna.bringsKey(join(world.folder, `${APPROVERS[0]}.sk`));
  await bob.bringsKey(join(world.folder, `${APPROVERS[1]}.sk`));
  await paul.makesKey("paul.sk");
  await admin.open("Approvers");
  await admin.click("Begin the ceremony");
  for (const name of ["Anna", "Bob"])
    await admin.page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await admin.saves("Keep it here, and save policy-1.json", "policy-1.json");
  await paul.asksLeave();
  await anna.signs("Permission to upload");
  await bob.signs("Permission to upload");
  for (const person of [admin, anna, bob]) await person.page.context().close();
  return paul;
}

const world = await makeWorld();
try {
  const paul = await prepare(world);
  const path = join(world.folder, "large.csv");
  const file = await writeLarge(path, Number(process.argv[2] ?? "200") * MB);
  await paul.open("Tables");
  await paul.page.getByRole("link", { name: "Upload a table" }).first().click();
  await paul.page.locator("input[type=file]").waitFor({ state: "attached" });
  const pid = await processOf(paul);
  await paul.page.requestGC();
  const [before] = memoryOf(pid);
  let [peak, resident] = [0, 0];
  const watch = setInterval(() => {
    const now = memoryOf(pid);
    [peak, resident] = [Math.max(peak, now[0]), Math.max(resident, now[1])];
  }, 50);
  paul.page.setDefaultTimeout(LONG);
  const took: Record<string, number> = {};
  const timed = async (what: string, act: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await act();
    took[what] = (performance.now() - start) / 1000;
  };
  await timed("reading", async () => {
    await paul.page.locator("input[type=file]").setInputFiles(path);
    await paul.page.getByRole("heading", { name: "First rows" }).waitFor();
  });
  await timed("checking", async () => {
    await paul.click("Continue");
    await paul.reads("Every row fits.");
  });
  await paul.click("Continue");
  await timed("splitting, sealing and sending", async () => {
    await paul.unlocks("Split, seal and upload");
    await paul.reads("It is uploaded");
  });
  clearInterval(watch);
  const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
  const seconds = Object.entries(took).map(([what, time]) => `${what} ${time.toFixed(1)} s`);
  console.log(`${file.rows} rows, ${Math.round(file.size / MB)} MB: ${seconds.join(", ")}`);
  console.log(
    `the tab's process: ${mib(before)} before, at most ${mib(peak)} (resident: ${mib(resident)}),` +
      ` so ${mib(peak - before)} for the file`,
  );
} finally {
  await world.stop();
}
