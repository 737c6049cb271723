// The frozen files that every part reads, whatever it is written in.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** From `build/tests`, where this runs. */
const ROOT = new URL("../../../../../vectors/", import.meta.url);

export const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, ROOT)));
export const textOf = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
export const jsonOf = <T>(path: string): T => JSON.parse(textOf(path)) as T;

/** Paths of all files in a folder that end so. */
export function filesIn(folder: string, ending: string): string[] {
  const names = readdirSync(fileURLToPath(new URL(`${folder}/`, ROOT))).sort();
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
}

/** Numbers that are the same in every run, and in the servers' own tests. */
export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt(seed);
  }

  below(end: number): number {
    this.state = (this.state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    return Number((this.state >> 33n) % BigInt(end));
  }
}
