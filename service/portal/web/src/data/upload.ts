// One upload from planes to receipt. The three servers get all of a table or nothing.

import type { Rules } from "../contract/language.ts";
import { ChunksLost, Control, Delivery, persist, type Patience, type Phase, type Spool } from "./delivery.ts";
import type { Table } from "./encode.ts";
import { parcelBytes, Sealer } from "./seal.ts";
import { from, Refused, SERVERS, Servers, throwNearest, type Relay, type RunSigner } from "./servers.ts";
import { component, freshSeeds, payloadBytes, payloads, type Payload } from "./split.ts";
import type { Octets } from "./source.ts";
import {
  commandRequest,
  freshJob,
  Garbled,
  keeps,
  readError,
  readUploaded,
  uploadCommand,
  type Authority,
  type ServerNumber,
  type TableMeta,
  type Three,
} from "./wire.ts";

/** Bytes the portal takes in one request. */
export const CHUNK = 4 << 20;
/** How often parcels are made anew when the portal loses some. */
const GENERATIONS = 3;

/** The portal, as an upload sees it. Calls throw `NetworkLoss` or `PutOff` where trying again may help. */
export interface Portal extends Relay {
  /** Room for three parcels. */
  open(sizes: Three<number>, chunk: number, signal: AbortSignal): Promise<Spool>;
  /** Sends all three on, once; asked again it gives the same answers. */
  send(signal: AbortSignal): Promise<Three<Octets>>;
  /** Forgets what was spooled. */
  drop(): Promise<void>;
  /** Whether it can be reached at all. */
  alive(signal: AbortSignal): Promise<boolean>;
}

export interface Order {
  readonly table: Table;
  readonly name?: string;
  /** What whoever computes with it is held to. */
  readonly rules?: Rules | undefined;
  /** Public sealing keys of the three servers. */
  readonly keys: Three<Octets>;
  readonly file: { readonly name: string; readonly bytes: number; readonly digest: string };
}

/** What a provider keeps of an upload. */
export interface Receipt {
  readonly handle: string;
  readonly name?: string;
  readonly columns: TableMeta["columns"];
  readonly rows: number;
  readonly rules?: Partial<Rules>;
  readonly file_name: string;
  /** SHA-256 of the file, in lower-case hexadecimal. */
  readonly file_digest: string;
  /** Seconds since 1970, by the clock of this machine. */
  readonly time: number;
}

export interface Events {
  phase?(phase: Phase): void;
  /** Bytes for each server that reached the portal, of all there are; back to none where parcels are made
   *  anew. */
  progress?(done: Three<number>, sizes: Three<number>): void;
}

export interface UploadOptions {
  readonly chunk?: number;
  readonly patience?: readonly number[];
  readonly attempts?: number;
}

/** Uploads a table. Whatever goes wrong before `send`, no server has heard of it. One that went well is
 *  still known to the portal, so that its table can be told as uploaded; whoever told it drops the upload. */
export async function upload(
  order: Order,
  portal: Portal,
  signer: RunSigner | null,
  control: Control = new Control(),
  events: Events = {},
  options: UploadOptions = {},
): Promise<Receipt> {
  const task = new Task(order, portal, signer, control, events, options);
  try {
    return await task.run();
  } finally {
    await task.leave();
  }
}

class Task {
  readonly #order: Order;
  readonly #portal: Portal;
  readonly #servers: Servers;
  readonly #signer: RunSigner | null;
  readonly #control: Control;
  readonly #events: Events;
  readonly #options: UploadOptions;
  #run: Three<string> | null = null;
  #opened = false;
  #done = false;

  constructor(
    order: Order,
    portal: Portal,
    signer: RunSigner | null,
    control: Control,
    events: Events,
    options: UploadOptions,
  ) {
    this.#order = order;
    this.#portal = portal;
    this.#servers = new Servers(order.keys, portal);
    this.#signer = signer;
    this.#control = control;
    this.#events = events;
    this.#options = options;
  }

  async run(): Promise<Receipt> {
    this.#events.phase?.("starting");
    const { table, name, rules } = this.#order;
    const command = uploadCommand(table.columns, name, rules);
    const job = freshJob();
    const authority = await this.#authority(command, job);
    const header = commandRequest(job, command, authority, table.rows);
    const sealers = await this.#deliver(header);
    this.#events.phase?.("sending");
    const answers = await this.#patiently((signal) => this.#portal.send(signal));
    const described = await this.#agreed(sealers, answers, job);
    this.#done = true;
    this.#events.phase?.("done");
    const { name: fileName, digest } = this.#order.file;
    const time = Math.floor(Date.now() / 1000);
    return { ...described, file_name: fileName, file_digest: digest, time };
  }

  /** Ends the run, and frees the spool of what did not go well. What fails here costs nobody anything, so it
   *  is no error. */
  async leave(): Promise<void> {
    if (this.#opened && !this.#done) await this.#portal.drop().catch(() => null);
    if (this.#run !== null && this.#signer !== null) await this.#servers.close(this.#signer, this.#run);
  }

  /** Starts a run on all three servers and signs the command in it. */
  async #authority(command: string, job: string): Promise<Authority | null> {
    if (this.#signer === null) return null;
    const start = await this.#signer.start();
    this.#run = await this.#patiently((signal) => this.#servers.start(start, signal));
    return this.#signer.command(this.#run, command, job);
  }

  /** Makes the parcels and brings them to the portal; anew where the portal lost some. */
  async #deliver(header: Octets): Promise<Three<Sealer>> {
    const chunk = this.#options.chunk ?? CHUNK;
    const { table } = this.#order;
    const blank = payloads(table, [new Uint8Array(16), new Uint8Array(16)]);
    const size = (payload: Payload): number =>
      parcelBytes("/v1/command", header.length + payloadBytes(payload, table));
    const sizes: Three<number> = [size(blank[0]), size(blank[1]), size(blank[2])];
    const spool = await this.#patiently((signal) => this.#portal.open(sizes, chunk, signal));
    this.#opened = true;
    for (let generation = 1; ; generation += 1) {
      const done: [number, number, number] = [0, 0, 0];
      const delivery = new Delivery(spool, this.#control, {
        ...this.#patience,
        chunk,
        delivered: (server, bytes) => {
          done[server] += bytes;
          this.#events.progress?.([...done], sizes);
        },
      });
      this.#events.phase?.("uploading");
      try {
        return await this.#parcels(header, delivery);
      } catch (error) {
        if (!(error instanceof ChunksLost) || generation === GENERATIONS) throw error;
      }
    }
  }

  /** One generation: fresh seeds and fresh keys, so that parts of two generations never make a parcel. */
  async #parcels(header: Octets, delivery: Delivery): Promise<Three<Sealer>> {
    const { table, keys } = this.#order;
    const seeds = freshSeeds();
    const parts = payloads(table, seeds);
    const open = async (server: ServerNumber): Promise<Sealer> => {
      const sealer = await Sealer.to(keys[server], "/v1/command", (bytes) => delivery.add(server, bytes));
      await sealer.write(header);
      await sealer.write(parts[server].before);
      return sealer;
    };
    const sealers: Three<Sealer> = [await open(0), await open(1), await open(2)];
    const finish = async (server: ServerNumber): Promise<void> => {
      await sealers[server].write(parts[server].after);
      await sealers[server].end();
      await delivery.end(server);
    };
    // Who gets two seeds has all of it now.
    for (const server of SERVERS) if (!parts[server].whole) await finish(server);
    const holders = SERVERS.filter((server) => parts[server].whole);
    for await (const piece of component(table, seeds, { signal: this.#control.signal })) {
      await Promise.all(holders.map((server) => sealers[server].write(piece)));
    }
    for (const server of holders) await finish(server);
    await delivery.check();
    return sealers;
  }

  /** What the three answers say, which must be the same. */
  async #agreed(sealers: Three<Sealer>, answers: Three<Octets>, job: string): Promise<TableMeta> {
    const tables: TableMeta[] = [];
    const refusals: Refused[] = [];
    for (const server of SERVERS) {
      const { status, body } = await from(server, sealers[server].openAnswer(answers[server]));
      if (status === 200) tables.push(readUploaded(body, job));
      else refusals.push(new Refused(server, readError(body)));
    }
    throwNearest(refusals);
    const said = tables.map((table) => JSON.stringify(table));
    const [first] = tables;
    if (first === undefined || said.some((one) => one !== said[0])) {
      throw new Garbled("the servers do not agree on what was uploaded");
    }
    const { columns, rows } = this.#order.table;
    if (first.rows !== rows || JSON.stringify(first.columns) !== JSON.stringify(columns)) {
      throw new Garbled("the servers tell of another table");
    }
    if (!keeps(first, this.#order.rules)) throw new Garbled("the servers tell of other rules");
    return first;
  }

  get #patience(): Patience {
    const phase = (now: Phase): void => this.#events.phase?.(now);
    return { ...this.#options, phase, alive: (signal) => this.#portal.alive(signal) };
  }

  #patiently<T>(attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return persist(this.#control, this.#patience, attempt);
  }
}
