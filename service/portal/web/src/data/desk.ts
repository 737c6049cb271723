// Has files read by another thread, so that the page answers while it happens.

import type { Chosen } from "./column.ts";
import type { Table } from "./encode.ts";
import type { Problem } from "./problems.ts";
import type { Answer, Ask, Found, Line } from "./serve.ts";
import type { Octets, Source, Watch } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import { FileTrouble } from "./trouble.ts";

/** A table that another thread holds. */
export interface Checked {
  readonly table: Table;
  /** What keeps rows out of the table. A person decides whether the rest is uploaded without them. */
  readonly problems: readonly Problem[];
  readonly rejected: number;
  /** The rejected rows as a CSV file, in pieces. */
  rejects(): Promise<readonly Octets[]>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  progress(done: number, total: number): void;
}

export class Desk {
  readonly #line: Line;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(line: Line) {
    this.#line = line;
    line.onmessage = ({ data }: MessageEvent<Answer>) => this.#take(data);
  }

  survey(source: Source, options: SurveyOptions = {}, watch?: Watch): Promise<Survey> {
    return this.#ask({ ask: "survey", source, options }, watch) as Promise<Survey>;
  }

  /** `causes`: what a rejected row says of its cause. A table encoded before is gone. */
  async encode(
    source: Source,
    surveyed: Survey,
    chosen: readonly Chosen[],
    causes: Readonly<Record<string, string>> = {},
    watch?: Watch,
    atOnce?: number,
  ): Promise<Checked> {
    const asked = { ask: "encode", source, surveyed, chosen, causes } as const;
    const found = (await this.#ask(atOnce === undefined ? asked : { ...asked, atOnce }, watch)) as Found;
    const { columns, rows, bytes, problems, rejected } = found;
    const table: Table = { columns, rows, bytes, pieces: (again) => this.#pieces(again) };
    const rejects = () => this.#ask({ ask: "rejects" }) as Promise<readonly Octets[]>;
    return { table, problems, rejected, rejects };
  }

  /** The other thread is gone: nothing that waits for it will come. */
  fail(error: Error): void {
    this.#waiting.forEach(({ reject }) => reject(error));
    this.#waiting.clear();
  }

  async *#pieces(watch: Watch | undefined): AsyncGenerator<Octets> {
    const pass = (this.#last += 1);
    for (;;) {
      const piece = (await this.#ask({ ask: "next", pass }, watch)) as Octets | null;
      if (piece === null) return;
      yield piece;
    }
  }

  async #ask(asked: Ask, watch?: Watch): Promise<unknown> {
    watch?.signal?.throwIfAborted();
    const number = (this.#last += 1);
    const stop = (): void => {
      this.#line.postMessage({ number, ask: "stop" }, []);
      this.#waiting.get(number)?.reject(watch?.signal?.reason);
      this.#waiting.delete(number);
    };
    watch?.signal?.addEventListener("abort", stop);
    try {
      return await new Promise((resolve, reject) => {
        const progress = (done: number, total: number): void => watch?.progress?.(done, total);
        this.#waiting.set(number, { resolve, reject, progress });
        this.#line.postMessage({ number, ...asked }, []);
      });
    } finally {
      watch?.signal?.removeEventListener("abort", stop);
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    // Nobody waits for what was given up.
    if (waiting === undefined) return;
    if ("progress" in answer) {
      waiting.progress(...answer.progress);
      return;
    }
    this.#waiting.delete(answer.number);
    if ("done" in answer) waiting.resolve(answer.done);
    else if (answer.trouble === undefined) waiting.reject(new Error(answer.failed));
    else waiting.reject(new FileTrouble(answer.trouble, answer.failed));
  }
}
