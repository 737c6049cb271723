// Three real servers and a real portal in a folder of their own, and a real browser before them.

import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright-core";
import type { Person } from "./person.ts";

const run = promisify(execFile);

/** The program that is tested: VDL names another than the one `make build` makes. */
export const VDL = resolve(process.env["VDL"] ?? "../../../target/release/vdl");
/** The Python that imports crandas and pandas. */
export const PYTHON = resolve(process.env["PYTHON"] ?? "../../../.venv/bin/python");

export type World = {
  folder: string;
  origin: string;
  /** How the first administrator comes in. */
  link: string;
  browser: Browser;
  /** Everybody who has a browser here. */
  people: Person[];
  stop(): Promise<void>;
};

/** What came of running some lines of Python; `code` is the one of docs/errors.md where crandas refused. */
export type Outcome = { said: string; code?: string; why?: string };

export const ENVIRONMENT = "production";
export const PROJECT = "Stroke and survey";
/** Their keys are made with the command line; the servers are pinned to them. */
export const APPROVERS = ["anna", "bob"] as const;

/** `more` is added to the portal's configuration. */
export async function makeWorld(more = ""): Promise<World> {
  for (const [name, path] of Object.entries({ VDL, PYTHON }))
    if (!existsSync(path))
      throw new Error(`${path} is not there: run make build, or say where it is in ${name}`);
  const folder = mkdtempSync(join(tmpdir(), "vdl-page-"));
  const started: ChildProcess[] = [];
  try {
    for (const name of APPROVERS) vdl("keygen", join(folder, `${name}.sk`), join(folder, `${name}.pk`));
    const pinned = APPROVERS.flatMap((name) => ["--approver", join(folder, `${name}.pk`)]);
    const servers = join(folder, "servers");
    const up = ["up", "--dir", servers, "--mode", "authorized", "--environment", ENVIRONMENT, ...pinned];
    const connection = (await start(started, folder, up)).ready;
    // Where crandas looks for a connection when nobody names one; and a place where it finds none.
    for (const home of ["production", "nowhere"]) mkdirSync(join(folder, home));
    copyFileSync(connection, join(folder, "production", "default.vdlconn"));
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    writeFileSync(join(folder, "portal.toml"), portalToml(port, origin, connection, more));
    const portal = await start(started, folder, ["portal", "--config", join(folder, "portal.toml")]);
    const link = portal.said
      .map((line) => /: (http\S+)$/.exec(line)?.[1])
      .find((found) => found !== undefined);
    if (link === undefined) throw new Error("the portal told of no first link");
    const browser = await chromium.launch({
      executablePath: findChromium(),
      args: ["--no-sandbox", "--disable-gpu"],
      timeout: 180_000,
    });
    const stop = async (): Promise<void> => {
      await browser.close();
      await end(started);
      rmSync(folder, { recursive: true, force: true });
    };
    return { folder, origin, link, browser, people: [], stop };
  } catch (error) {
    await end(started);
    throw error;
  }
}

/** Runs the command line and gives what it says. */
export function vdl(...args: string[]): string {
  return execFileSync(VDL, args, { encoding: "utf8" });
}

const RUN = `
import runpy, sys, warnings
warnings.simplefilter("ignore")
try:
    runpy.run_path(sys.argv[1])
except Exception as error:
    print(getattr(error, "code", None) or type(error).__name__, error, file=sys.stderr)
    sys.exit(3)
`;

/** Runs a file of Python in a folder below the world's. `home`: "production" has a connection file, "nowhere" none. */
export async function python(
  world: World,
  home: "production" | "nowhere",
  folder: string,
  code: string,
): Promise<Outcome> {
  const cwd = join(world.folder, folder);
  writeFileSync(join(cwd, "analysis.py"), code);
  const env = { ...process.env, CRANDAS_HOME: join(world.folder, home), CRANDAS_SHOW_PROGRESS_BAR: "false" };
  try {
    return { said: (await run(PYTHON, ["-c", RUN, "analysis.py"], { cwd, env })).stdout };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const [, refused, why] = /^(\w+) ([^]*)$/.exec((stderr ?? "").trim()) ?? [];
    if (refused === undefined) throw error;
    return { said: stdout ?? "", code: refused, why: why ?? "" };
  }
}

const SQL = `
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=60) as database:
    rows = database.execute(sys.argv[2], json.loads(sys.argv[3])).fetchall()
print(json.dumps(rows))
`;

/** Reads or changes the portal's database behind its back. */
export function sql(world: World, statement: string, ...values: (string | number)[]): unknown[][] {
  const database = join(world.folder, "portal-data", "portal.sqlite");
  const told = execFileSync(PYTHON, ["-c", SQL, database, statement, JSON.stringify(values)]);
  return JSON.parse(told.toString()) as unknown[][];
}

function portalToml(port: number, origin: string, connection: string, more: string): string {
  return [
    `listen = "127.0.0.1:${port}"`,
    `origin = "${origin}"`,
    `secure = "loopback"`,
    `data = "portal-data"`,
    more,
    "[[project]]",
    `name = "${PROJECT}"`,
    `connection = ${JSON.stringify(connection)}`,
    "",
  ].join("\n");
}

/** Starts `vdl ...` and waits for its line `ready ...`. */
async function start(
  started: ChildProcess[],
  folder: string,
  args: string[],
): Promise<{ ready: string; said: string[] }> {
  const log = openSync(join(folder, `${args[0]}.log`), "w");
  const child = spawn(VDL, args, { stdio: ["pipe", "pipe", log] });
  if (child.stdout === null) throw new Error(`vdl ${args[0]} says nothing`);
  started.push(child);
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("ready ")) return { ready: line.slice("ready ".length), said };
    said.push(line);
  }
  throw new Error(`vdl ${args[0]} ended before it was ready`);
}

async function end(started: ChildProcess[]): Promise<void> {
  for (const child of [...started].reverse()) {
    if (child.exitCode !== null) continue;
    const over = new Promise((resolved) => child.once("exit", resolved));
    child.kill("SIGTERM");
    await over;
  }
}

/** A port for a program that is started next. Whoever else asks for any port does not get it for a minute: the
 *  end of a connection that was had there stays with it so long, at the side that ends first. */
async function freePort(): Promise<number> {
  const server = createServer((asks) => asks.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const asks = connect(port, "127.0.0.1").resume();
  await once(asks, "close");
  server.close();
  await once(server, "close");
  return port;
}

function findChromium(): string {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) return named;
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (found === undefined) throw new Error("no Chromium: apt-get install chromium, or name one in CHROMIUM");
  return found;
}
