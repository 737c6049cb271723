// A large CSV file that is never in memory: its bytes are made where they are read.
//
//     node --expose-gc build/tests/data/large.js [megabytes [wide]]
//
// surveys, encodes and splits such a file and tells what memory that took; `wide` makes its texts long, so
// that the planes have to be made in parts.

import { Desk } from "../../src/data/desk.ts";
import { serve, type Line } from "../../src/data/serve.ts";
import { component, freshSeeds } from "../../src/data/split.ts";
import type { Source } from "../../src/data/source.ts";
import type { Chosen } from "../../src/data/column.ts";
import type { ColumnType } from "../../src/contract/types.ts";

const HEADER = new TextEncoder().encode(`${"id;age;income;member;since;city".padEnd(63)}\n`);
/** Bytes of every line, which makes any place of the file known without those before it. */
const LINE = 64;

const CITIES = ["Utrecht", "Groningen", "'s-Hertogenbosch", "Zwolle", "Den Haag", "Maastricht"];

function line(row: number): string {
  const mixed = Math.imul(row + 1, 0x9e3779b1) >>> 0;
  const day = String(1 + (mixed % 28)).padStart(2, "0");
  const income = row % 10 === 3 ? "" : String((mixed % 9_000_000) - 50_000);
  const cells = [row, mixed % 98, income, mixed & 4 ? "ja" : "nee", `${day}-11-20${10 + (mixed % 15)}`];
  const city = CITIES[mixed % CITIES.length] ?? "";
  return `${cells.join(";")};"${city}"`.padEnd(LINE - 1);
}

export class MadeFile implements Source {
  readonly size: number;

  constructor(bytes: number) {
    this.size = (1 + Math.floor(bytes / LINE)) * LINE;
  }

  get rows(): number {
    return this.size / LINE - 1;
  }

  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    const from = Math.floor(start / LINE);
    const to = Math.ceil(end / LINE);
    const parts: string[] = [];
    for (let number = from; number < to; number += 1) if (number > 0) parts.push(line(number - 1));
    const text = new TextEncoder().encode(parts.map((one) => `${one}\n`).join(""));
    const whole = new Uint8Array((to - from) * LINE);
    if (from === 0) whole.set(HEADER);
    whole.set(text, from === 0 ? LINE : 0);
    const wanted = whole.slice(start - from * LINE, end - from * LINE).buffer;
    return { arrayBuffer: () => Promise.resolve(wanted) };
  }
}

export interface Cost {
  readonly rows: number;
  /** Most bytes of heap and array buffers at a time, beyond those before. */
  readonly peak: number;
  readonly component: number;
  readonly seconds: { readonly survey: number; readonly encode: number; readonly split: number };
}

/** Two ends of a line as browsers have them: all is copied or given away, but for the file. */
function lineOf(): [Line, Line] {
  const end = (): Line => ({ postMessage: () => {}, onmessage: null });
  const [near, far] = [end(), end()];
  const link = (from: Line, to: Line): void => {
    from.postMessage = (message, transfer) => {
      const { source, ...rest } = message as { source?: unknown };
      const data = { ...structuredClone(rest, { transfer }), ...(source === undefined ? {} : { source }) };
      setImmediate(() => to.onmessage?.({ data } as MessageEvent));
    };
  };
  link(near, far);
  link(far, near);
  return [near, far];
}

/**
 * Takes a file through the page's whole work, all proposals accepted, and watches its memory. With `collect` what
 * nobody holds any more is collected each time before it looks.
 */
export async function costOf(source: Source, text?: ColumnType, collect?: () => void): Promise<Cost> {
  globalThis.gc?.();
  const used = (): number => {
    collect?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  let peak = 0;
  const watch = { progress: (): void => void (peak = Math.max(peak, used() - before)) };
  const start = performance.now();
  const [near, far] = lineOf();
  serve(far);
  const desk = new Desk(near);
  const found = await desk.survey(source, {}, watch);
  const surveyed = performance.now();
  const chosen = found.columns.map(({ name, guess }, column): Chosen => {
    const option = guess.options[guess.proposed ?? 0];
    if (option === undefined) throw new Error(`no proposal for ${name}`);
    const type = text !== undefined && option.reading.kind === "text" ? text : option.tidy;
    return { column, name, reading: option.reading, type };
  });
  const { table, problems } = await desk.encode(source, found, chosen, {}, watch);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const encoded = performance.now();
  let bytes = 0;
  for await (const piece of component(table, freshSeeds(), watch)) {
    bytes += piece.length;
    watch.progress();
  }
  const seconds = {
    survey: (surveyed - start) / 1000,
    encode: (encoded - surveyed) / 1000,
    split: (performance.now() - encoded) / 1000,
  };
  return { rows: table.rows, peak, component: bytes, seconds };
}

if (process.argv[1]?.endsWith("large.js")) {
  const wide = { kind: "text", length: 40, ascii: false, nullable: false } as const;
  const file = new MadeFile(Number(process.argv[2] ?? "200") * 1e6);
  const cost = await costOf(file, process.argv[3] === "wide" ? wide : undefined);
  const { rows, peak, component: bytes, seconds } = cost;
  const resident = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${rows} rows, component ${(bytes / 2 ** 20).toFixed(0)} MiB, peak of heap and buffers ` +
      `${(peak / 2 ** 20).toFixed(0)} MiB, of the process ${resident.toFixed(0)} MiB; seconds ` +
      `${Object.entries(seconds).map(([what, took]) => `${what} ${took.toFixed(1)}`).join(", ")}`,
  );
}
