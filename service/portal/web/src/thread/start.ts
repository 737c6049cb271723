// Starts the thread that reads files. Under the page's policy a thread runs one program only, this one.

import address from "./worker.ts?worker&url";
import { Desk } from "../data/desk.ts";

type Policies = {
  createPolicy(
    name: string,
    rules: { createScriptURL(text: string): string },
  ): {
    createScriptURL(text: string): unknown;
  };
};
const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;

/** A policy's name is taken once. */
const program: unknown =
  policies
    ?.createPolicy("vdl-worker", {
      createScriptURL(text) {
        if (text !== address) throw new TypeError("no program of this page");
        return text;
      },
    })
    .createScriptURL(address) ?? address;

export interface Thread {
  readonly desk: Desk;
  /** Ends it, with all that it holds. */
  end(): void;
}

export function startThread(): Thread {
  const worker = new Worker(program as string, { type: "module", name: "vdl-files" });
  const desk = new Desk(worker);
  worker.onerror = (event) => desk.fail(new Error(event.message || "the thread that reads files ended"));
  return { desk, end: () => worker.terminate() };
}
