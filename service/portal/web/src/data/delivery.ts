// Brings the chunks of three parcels to the portal, through pauses and losses of the network.

import type { Octets } from "./source.ts";
import type { ServerNumber, Three } from "./wire.ts";

/** What the portal offers for large parcels. Each throws `NetworkLoss` or `PutOff` where trying again may
 *  help. */
export interface Spool {
  put(server: ServerNumber, chunk: number, bytes: Octets, signal: AbortSignal): Promise<void>;
  /** Numbers of the chunks that are there. */
  have(signal: AbortSignal): Promise<Three<readonly number[]>>;
}

/** The request did not reach the portal, or its answer did not come back. `server`: whose parcel it was. */
export class NetworkLoss extends Error {
  readonly server: ServerNumber | undefined;

  constructor(message: string, server?: ServerNumber) {
    super(message);
    this.server = server;
  }
}

/** Somebody answered, and not as hoped; it may pass, as where a server is being started. */
export class PutOff extends Error {
  readonly why: Error;

  constructor(why: Error) {
    super(why.message);
    this.why = why;
  }
}

/** One request failed again and again, though there is a portal: what it was refused with, or nothing where
 *  it never got an answer. Somebody has to do something before trying again makes sense. */
export class GivenUp extends Error {
  readonly why: Error | undefined;
  readonly server: ServerNumber | undefined;

  constructor(last: NetworkLoss | PutOff) {
    super(last.message);
    this.why = last instanceof PutOff ? last.why : undefined;
    this.server = last instanceof NetworkLoss ? last.server : undefined;
  }
}

/** The portal lost chunks that it had acknowledged: the parcels have to be made anew. */
export class ChunksLost extends Error {
  constructor() {
    super("the portal lost parts of the upload");
  }
}

/** Where an upload is. */
export type Phase = "starting" | "uploading" | "paused" | "waiting" | "delayed" | "sending" | "done";

/** A person's hand on an upload: pauses it, resumes it, gives it up. */
export class Control {
  readonly #abort = new AbortController();
  #paused: { readonly over: Promise<void>; readonly end: () => void } | null = null;
  readonly #waiting = new Set<() => void>();

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get paused(): boolean {
    return this.#paused !== null;
  }

  pause(): void {
    if (this.#paused !== null) return;
    let end = (): void => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#paused = { over, end };
  }

  /** Goes on; after a loss of the network, at once. */
  resume(): void {
    this.#paused?.end();
    this.#paused = null;
    this.#waiting.forEach((nudge) => nudge());
  }

  /** Nothing of the table will be on the servers, unless it is there already. */
  cancel(): void {
    this.#abort.abort(new Cancelled());
    this.resume();
  }

  /** Waits while paused; throws where cancelled. */
  async ready(): Promise<void> {
    while (this.#paused !== null) await this.#paused.over;
    this.signal.throwIfAborted();
  }

  /** Waits for some milliseconds, or until somebody resumes. */
  async wait(milliseconds: number): Promise<void> {
    let nudge = (): void => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      nudge = resolve;
      this.#waiting.add(nudge);
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
    this.#waiting.delete(nudge);
    await this.ready();
  }
}

export class Cancelled extends Error {
  constructor() {
    super("the upload was cancelled");
  }
}

/** Waits between attempts, in milliseconds; the last one is repeated. */
export const PATIENCE: readonly number[] = [500, 1000, 2000, 5000, 10_000, 30_000];

/** Failures of one request while there is a portal to be reached: with the waits between them, above a
 *  minute. */
export const ATTEMPTS = 8;

export interface Patience {
  readonly patience?: readonly number[];
  readonly attempts?: number;
  phase?(phase: Phase): void;
  /** Whether the portal can be reached at all. Without it, whatever is lost is lost by the network. */
  alive?(signal: AbortSignal): Promise<boolean>;
}

/** Tries until the network lets it through. What fails although the portal is there, as a parcel does that
 *  somebody alters or stops on its way, is tried a few times only. */
export async function persist<T>(
  control: Control,
  options: Patience,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = options.patience ?? PATIENCE;
  const attempts = options.attempts ?? ATTEMPTS;
  for (let tries = 1, failures = 0; ; tries += 1) {
    await control.ready();
    try {
      return await attempt(control.signal);
    } catch (error) {
      control.signal.throwIfAborted();
      if (!(error instanceof NetworkLoss || error instanceof PutOff)) throw error;
      const there = error instanceof PutOff || ((await options.alive?.(control.signal)) ?? false);
      control.signal.throwIfAborted();
      if (there) failures += 1;
      if (failures === attempts) throw new GivenUp(error);
      options.phase?.(there ? "delayed" : "waiting");
      await control.wait(patience[Math.min(tries, patience.length) - 1] ?? 0);
    }
  }
}

export interface DeliveryOptions extends Patience {
  readonly chunk: number;
  delivered?(server: ServerNumber, bytes: number): void;
}

/** One generation of parcels on its way: once made anew, everything is delivered again. */
export class Delivery {
  readonly #spool: Spool;
  readonly #control: Control;
  readonly #options: DeliveryOptions;
  readonly #delivered: Three<Set<number>> = [new Set(), new Set(), new Set()];
  readonly #rest: Octets[] = [];
  readonly #filled: number[] = [0, 0, 0];

  constructor(spool: Spool, control: Control, options: DeliveryOptions) {
    this.#spool = spool;
    this.#control = control;
    this.#options = options;
  }

  /** More of a server's parcel, in order. */
  async add(server: ServerNumber, bytes: Octets): Promise<void> {
    const { chunk } = this.#options;
    for (let at = 0; at < bytes.length;) {
      let filled = this.#filled[server] ?? 0;
      const rest = (this.#rest[server] ??= new Uint8Array(chunk));
      const taken = Math.min(chunk - filled, bytes.length - at);
      rest.set(bytes.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      this.#filled[server] = filled;
      if (filled === chunk) await this.#send(server);
    }
  }

  /** The server's parcel is complete. */
  async end(server: ServerNumber): Promise<void> {
    if ((this.#filled[server] ?? 0) > 0) await this.#send(server);
    delete this.#rest[server];
  }

  /** Throws `ChunksLost` unless the portal still has all that it acknowledged. */
  async check(): Promise<void> {
    await persist(this.#control, this.#options, (signal) => this.#stillThere(signal));
  }

  async #send(server: ServerNumber): Promise<void> {
    const bytes = (this.#rest[server] ?? new Uint8Array(0)).subarray(0, this.#filled[server] ?? 0);
    const number = this.#delivered[server].size;
    let again = false;
    if (this.#control.paused) this.#options.phase?.("paused");
    await persist(this.#control, this.#options, async (signal) => {
      // Whatever broke the connection may have cost the portal more than this chunk.
      if (again) await this.#stillThere(signal);
      again = true;
      await this.#spool.put(server, number, bytes, signal);
    });
    this.#options.phase?.("uploading");
    this.#delivered[server].add(number);
    this.#filled[server] = 0;
    this.#options.delivered?.(server, bytes.length);
  }

  async #stillThere(signal: AbortSignal): Promise<void> {
    const there = await this.#spool.have(signal);
    this.#delivered.forEach((mine, server) => {
      const theirs = new Set(there[server as ServerNumber]);
      if ([...mine].some((chunk) => !theirs.has(chunk))) throw new ChunksLost();
    });
  }
}
