// Something the portal is asked for: on its way, here, or not to be had.

import { Refusal } from "../api/refusal.ts";
import { report } from "./session.svelte.ts";

export class Loaded<T> {
  value = $state<T>();
  problem = $state<{ text: string; help: string | undefined }>();
  readonly #ask: () => Promise<T>;
  /** How often it was asked: what comes late does not replace what was asked after it. */
  #asked = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
    void this.again();
  }

  /** Asks anew; what was there stays to be seen until the answer is here. */
  async again(): Promise<void> {
    const turn = ++this.#asked;
    try {
      const value = await this.#ask();
      if (turn !== this.#asked) return;
      this.value = value;
      this.problem = undefined;
    } catch (problem) {
      if (turn !== this.#asked) return;
      const over = problem instanceof Refusal && ["not_logged_in", "passkey_needed"].includes(problem.code);
      if (over) report(problem);
      const help = problem instanceof Refusal ? problem.help : undefined;
      this.problem = { text: problem instanceof Error ? problem.message : String(problem), help };
    }
  }
}
