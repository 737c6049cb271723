// Something the portal is asked for: on its way, here, or not to be had.

import { Refusal } from "../api/refusal.ts";
import { report } from "./session.svelte.ts";

export class Loaded<T> {
  value = $state<T>();
  problem = $state<{ text: string; help: string | undefined }>();
  readonly #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
    void this.again();
  }

  /** Asks anew; what was there stays to be seen until the answer is here. */
  async again(): Promise<void> {
    try {
      this.value = await this.#ask();
      this.problem = undefined;
    } catch (problem) {
      if (problem instanceof Refusal && problem.code === "not_logged_in") report(problem);
      const help = problem instanceof Refusal ? problem.help : undefined;
      this.problem = { text: problem instanceof Error ? problem.message : String(problem), help };
    }
  }
}
