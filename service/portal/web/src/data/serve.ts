// The far side of `Desk`: reads, checks and encodes files, away from what a person sees and clicks.

import type { Chosen } from "./column.ts";
import { encode, type Table } from "./encode.ts";
import type { Problem } from "./problems.ts";
import type { Rejects } from "./rejects.ts";
import type { Octets, Source, Watch } from "./source.ts";
import { survey, type Survey, type SurveyOptions } from "./survey.ts";
import { troubleOf, type Trouble } from "./trouble.ts";
import type { ColumnMeta } from "./types.ts";

/** What is asked; every one but `stop` is answered once. */
export type Ask =
  | { readonly ask: "survey"; readonly source: Source; readonly options: SurveyOptions }
  | {
      readonly ask: "encode";
      readonly source: Source;
      readonly surveyed: Survey;
      readonly chosen: readonly Chosen[];
      /** What a rejected row says of its cause, by the cause. */
      readonly causes: Readonly<Record<string, string>>;
      readonly atOnce?: number;
    }
  | { readonly ask: "rejects" }
  /** The next bytes of the table that was encoded last; another pass begins from the first. */
  | { readonly ask: "next"; readonly pass: number }
  /** Gives up what was asked under that number. */
  | { readonly ask: "stop"; readonly number: number };

/** What was found in the rows; the table itself stays here. */
export interface Found {
  readonly columns: readonly ColumnMeta[];
  readonly rows: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  readonly rejected: number;
}

export type Answer = { readonly number: number } & (
  | { readonly progress: readonly [done: number, total: number] }
  | { readonly done: unknown }
  | { readonly failed: string; readonly trouble: Trouble | undefined }
);

/** Bytes handed over at a time: what is copied for that is never more. */
const HANDED = 1 << 20;
/** Progress is told so often at most, in milliseconds: every message costs the page a turn. */
const TOLD_EVERY = 50;

/** What of a `Worker` or `MessagePort` is needed here. */
export interface Line {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** Answers whatever is asked over a line. */
export function serve(line: Line): void {
  const jobs = new Map<number, AbortController>();
  const clerk = new Clerk();
  line.onmessage = ({ data }: MessageEvent<{ number: number } & Ask>) => {
    if (data.ask === "stop") {
      jobs.get(data.number)?.abort();
      return;
    }
    const { number } = data;
    const job = new AbortController();
    jobs.set(number, job);
    const say = (answer: Answer, transfer: Transferable[] = []): void => line.postMessage(answer, transfer);
    const watch: Watch = {
      progress: rarely((done, total) => say({ number, progress: [done, total] })),
      signal: job.signal,
    };
    clerk
      .answer(data, watch)
      .then((done) => say({ number, done }, done instanceof Uint8Array ? [done.buffer] : []))
      .catch((error: unknown) => {
        const failed = error instanceof Error ? error.message : String(error);
        say({ number, failed, trouble: troubleOf(error) });
      })
      .finally(() => jobs.delete(number));
  };
}

class Clerk {
  #table: Table | null = null;
  #rejects: Rejects | null = null;
  #pass: { readonly number: number; readonly pieces: AsyncIterator<Octets> } | null = null;

  async answer(asked: Ask, watch: Watch): Promise<unknown> {
    switch (asked.ask) {
      case "survey":
        return survey(asked.source, asked.options, watch);
      case "encode":
        return this.#encode(asked, watch);
      case "rejects":
        return this.#rejects?.file() ?? [];
      case "next":
        return this.#next(asked.pass, watch);
      case "stop":
        return undefined;
    }
  }

  async #encode(asked: Extract<Ask, { ask: "encode" }>, watch: Watch): Promise<Found> {
    // Two tables at a time would be too much for a tab.
    this.#table = this.#rejects = this.#pass = null;
    const { source, surveyed, chosen, causes, atOnce } = asked;
    const say = (cause: string, column: string | null): string =>
      column === null ? (causes[cause] ?? cause) : `${column}: ${causes[cause] ?? cause}`;
    const options = atOnce === undefined ? { say } : { say, atOnce };
    const { table, problems, rejects } = await encode(source, surveyed, chosen, options, watch);
    [this.#table, this.#rejects] = [table, rejects];
    const { columns, rows, bytes } = table;
    return { columns, rows, bytes, problems, rejected: rejects.count };
  }

  async #next(pass: number, watch: Watch): Promise<Octets | null> {
    if (this.#table === null) throw new Error("no table is encoded");
    if (this.#pass?.number !== pass) this.#pass = { number: pass, pieces: handed(this.#table) };
    watch.signal?.throwIfAborted();
    const { done, value } = await this.#pass.pieces.next();
    return done === true ? null : value;
  }
}

/** Copies in small pieces, so that they can be given away and the planes stay. */
async function* handed(table: Table): AsyncGenerator<Octets, undefined> {
  for await (const piece of table.pieces()) {
    for (let at = 0; at < piece.length; at += HANDED) yield piece.slice(at, at + HANDED);
  }
  return undefined;
}

function rarely(tell: (done: number, total: number) => void): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - last < TOLD_EVERY) return;
    last = now;
    tell(done, total);
  };
}
