// Three real servers and a real portal in a folder of their own, and a real browser before them.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser } from "playwright-core";

/** The program that is tested: VDL names another than the one `make build` makes. */
export const VDL = resolve(process.env["VDL"] ?? "../../../target/release/vdl");

export type World = {
  folder: string;
  origin: string;
  /** How the first administrator comes in. */
  link: string;
  browser: Browser;
  stop(): Promise<void>;
};

export const ENVIRONMENT = "production";
export const PROJECT = "Stroke and survey";
/** Their keys are made with the command line; the servers are pinned to them. */
export const APPROVERS = ["anna", "bob"] as const;

export async function makeWorld(): Promise<World> {
  if (!existsSync(VDL)) throw new Error(`${VDL} is not there: run make build, or say in VDL where it is`);
  const folder = mkdtempSync(join(tmpdir(), "vdl-page-"));
  const started: ChildProcess[] = [];
  try {
    for (const name of APPROVERS) vdl("keygen", join(folder, `${name}.sk`), join(folder, `${name}.pk`));
    const pinned = APPROVERS.flatMap((name) => ["--approver", join(folder, `${name}.pk`)]);
    const servers = join(folder, "servers");
    const up = ["up", "--dir", servers, "--mode", "authorized", "--environment", ENVIRONMENT, ...pinned];
    const connection = (await start(started, up)).ready;
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    writeFileSync(join(folder, "portal.toml"), portalToml(port, origin, connection));
    const portal = await start(started, ["portal", "--config", join(folder, "portal.toml")]);
    const link = portal.said
      .map((line) => /: (http\S+)$/.exec(line)?.[1])
      .find((found) => found !== undefined);
    if (link === undefined) throw new Error("the portal told of no first link");
    const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
    const stop = async (): Promise<void> => {
      await browser.close();
      await end(started);
      rmSync(folder, { recursive: true, force: true });
    };
    return { folder, origin, link, browser, stop };
  } catch (error) {
    await end(started);
    throw error;
  }
}

/** Runs the command line and gives what it says. */
export function vdl(...args: string[]): string {
  return execFileSync(VDL, args, { encoding: "utf8" });
}

function portalToml(port: number, origin: string, connection: string): string {
  return [
    `listen = "127.0.0.1:${port}"`,
    `origin = "${origin}"`,
    `secure = "loopback"`,
    `data = "portal-data"`,
    "[[project]]",
    `name = "${PROJECT}"`,
    `connection = ${JSON.stringify(connection)}`,
    "",
  ].join("\n");
}

/** Starts `vdl ...` and waits for its line `ready ...`. */
async function start(started: ChildProcess[], args: string[]): Promise<{ ready: string; said: string[] }> {
  const child = spawn(VDL, args, { stdio: ["pipe", "pipe", "inherit"] });
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

function freePort(): Promise<number> {
  return new Promise((resolved, refused) => {
    const server = createServer().once("error", refused);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolved(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function findChromium(): string {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) return named;
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (found === undefined) throw new Error("no Chromium: apt-get install chromium, or name one in CHROMIUM");
  return found;
}
