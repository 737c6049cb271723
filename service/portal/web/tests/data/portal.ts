// A portal and three servers in memory, for tests of the upload: servers open parcels with their own keys,
// the portal loses requests, answers and chunks where a test wants it.

import { NetworkLoss, PutOff, type Spool } from "../../src/data/delivery.ts";
import type { Portal } from "../../src/data/upload.ts";
import { joined } from "../../src/data/split.ts";
import { decodeBody, encodeHeader, type ServerNumber, type Three } from "../../src/data/wire.ts";
import { Recipient, type Opened } from "./recipient.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Described = Record<string, unknown>;

export interface Received {
  readonly request: { job: string; command: string; rows: number; authority?: unknown };
  readonly payload: Uint8Array;
}

/** What happens to a request: it may be lost on its way there, or its answer on the way back; or it is put off. */
export type Fate = "passes" | "lost" | "answer lost" | "put off";

export class TestPortal implements Portal {
  readonly keys: Three<Bytes>;
  readonly received: (Received | undefined)[] = [];
  readonly relayed: string[] = [];
  readonly calls: string[] = [];
  readonly chunks: Three<Map<number, Bytes>> = [new Map(), new Map(), new Map()];
  sizes: readonly number[] = [];
  dropped = 0;
  sent = 0;
  /** Whether anything reaches it. */
  there = true;
  /** Of the request with this number, from 0. */
  fate: (call: number, what: string) => Fate = () => "passes";
  /** What a server answers instead of a table. */
  refusal: (server: ServerNumber) => { status: number; body: unknown } | null = () => null;
  /** Changes the description a server gives. */
  lies: (server: ServerNumber, table: Described) => Described = (_, table) => table;
  readonly #servers: Three<Recipient>;
  #answers: Three<Bytes> | null = null;

  constructor(servers: Three<Recipient>) {
    this.#servers = servers;
    this.keys = [servers[0].publicKey, servers[1].publicKey, servers[2].publicKey];
  }

  static async make(): Promise<TestPortal> {
    const server = (number: number): Promise<Recipient> =>
      Recipient.from(new Uint8Array(32).fill(40 + number));
    return new TestPortal([await server(0), await server(1), await server(2)]);
  }

  relay(server: ServerNumber, parcel: Bytes): Promise<Bytes> {
    return this.#pass("relay", async () => {
      const opened = await this.#servers[server].open(parcel);
      this.relayed.push(`${opened.route} ${server}`);
      if (opened.route === "/v1/command") return this.#command(opened, server);
      if (opened.route !== "/v1/runs/start") return opened.answer(200, encodeHeader(null));
      const [header] = decodeBody(opened.body) as [{ approval: string }, Uint8Array];
      const nonce = `${server}`.repeat(64);
      return opened.answer(200, encodeHeader({ approval: header.approval, nonce, run: 1 }));
    });
  }

  open(sizes: Three<number>): Promise<Spool> {
    return this.#pass("open", () => {
      this.sizes = sizes;
      return Promise.resolve({
        put: (server, chunk, bytes) =>
          this.#pass(`put ${server}`, () => {
            this.chunks[server].set(chunk, bytes.slice());
            return Promise.resolve();
          }),
        have: () =>
          this.#pass("have", () =>
            Promise.resolve([
              [...this.chunks[0].keys()],
              [...this.chunks[1].keys()],
              [...this.chunks[2].keys()],
            ] as const),
          ),
      });
    });
  }

  send(): Promise<Three<Bytes>> {
    return this.#pass("send", async () => (this.#answers ??= await this.#deliver()));
  }

  drop(): Promise<void> {
    this.dropped += 1;
    return Promise.resolve();
  }

  alive(): Promise<boolean> {
    return Promise.resolve(this.there);
  }

  async #deliver(): Promise<Three<Bytes>> {
    this.sent += 1;
    const opened = await Promise.all(
      this.chunks.map((chunks, server) => {
        const parcel = joined([...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
        if (parcel.length !== this.sizes[server]) throw new Error("the portal was told another size");
        return this.#servers[server as ServerNumber].open(parcel);
      }),
    );
    const answers = await Promise.all(opened.map((one, server) => this.#answer(one, server as ServerNumber)));
    return answers as unknown as Three<Bytes>;
  }

  #answer(opened: Opened, server: ServerNumber): Promise<Bytes> {
    const [header, payload] = decodeBody(opened.body);
    const request = header as Received["request"];
    this.received[server] = { request, payload };
    const refusal = this.refusal(server);
    if (refusal !== null) {
      return opened.answer(refusal.status, new TextEncoder().encode(JSON.stringify(refusal.body)));
    }
    const { columns } = (JSON.parse(request.command) as { upload: { columns: unknown } }).upload;
    const table = this.lies(server, { handle: "AB".repeat(32), rows: request.rows, columns });
    return opened.answer(200, encodeHeader({ job: request.job, outcome: { table } }));
  }

  /** A command without a payload. */
  #command(opened: Opened, server: ServerNumber): Promise<Bytes> {
    const request = decodeBody(opened.body)[0] as Received["request"];
    this.received[server] = { request, payload: new Uint8Array(0) };
    const refusal = this.refusal(server);
    if (refusal !== null)
      return opened.answer(refusal.status, new TextEncoder().encode(JSON.stringify(refusal.body)));
    return opened.answer(200, encodeHeader(this.lies(server, { job: request.job, outcome: "removed" })));
  }

  async #pass<T>(what: string, work: () => Promise<T>): Promise<T> {
    const number = this.calls.push(what) - 1;
    await Promise.resolve();
    const fate = this.fate(number, what);
    if (fate === "lost") throw new NetworkLoss(what, serverOf(what));
    if (fate === "put off") throw new PutOff(new Error(`${what} was put off`));
    const result = await work();
    if (fate === "answer lost") throw new NetworkLoss(what, serverOf(what));
    return result;
  }
}

/** Whose parcel a request carries. */
function serverOf(what: string): ServerNumber | undefined {
  const [, number] = /^put (\d)$/.exec(what) ?? [];
  return number === undefined ? undefined : (Number(number) as ServerNumber);
}
