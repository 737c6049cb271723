// The four functions of Node that `check.ts` uses; what is in `src` runs in a browser as well.

declare module "node:fs" {
  export function readFileSync(path: string): Uint8Array;
  export function readdirSync(path: string): string[];
}

declare module "node:path" {
  export function join(...parts: string[]): string;
}

declare const process: { argv: string[]; exitCode: number };
