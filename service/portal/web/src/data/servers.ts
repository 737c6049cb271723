// Small requests to the three servers, sealed to each, and the run that a command belongs to.

import { seal } from "./seal.ts";
import type { Octets } from "./source.ts";
import {
  decodeBody,
  encodeHeader,
  Garbled,
  isRecord,
  readError,
  type Authority,
  type ErrorAnswer,
  type Route,
  type ServerNumber,
  type Three,
} from "./wire.ts";

export const SERVERS: readonly ServerNumber[] = [0, 1, 2];

/** A server refused. The command did nothing on any of them, or `in_doubt` says that this cannot be told. */
export class Refused extends Error {
  readonly server: ServerNumber;
  readonly answer: ErrorAnswer;

  constructor(server: ServerNumber, answer: ErrorAnswer) {
    super(answer.message);
    this.server = server;
    this.answer = answer;
  }
}

/** Carries a parcel to a server, and its answer back. Throws `NetworkLoss` where trying again may help. */
export interface Relay {
  relay(server: ServerNumber, parcel: Octets, signal: AbortSignal): Promise<Octets>;
}

/** Who asks: signs with a key that stays where it is. Absent where the servers are in design mode. */
export interface RunSigner {
  /** The header that starts a run, signed, and the approval's exact bytes. */
  start(): Promise<{ readonly header: unknown; readonly envelope: Octets; readonly approval: string }>;
  /** One attempt at a command: over its exact text. */
  command(nonces: Three<string>, command: string, job: string): Promise<Authority>;
  /** The header that ends the run, signed. */
  close(nonces: Three<string>): Promise<unknown>;
}

/** The three servers behind the portal, which reads nothing of what it carries. */
export class Servers {
  readonly #keys: Three<Octets>;
  readonly #relay: Relay;

  /** `keys`: the public sealing keys. */
  constructor(keys: Three<Octets>, relay: Relay) {
    this.#keys = keys;
    this.#relay = relay;
  }

  /** The same to all three, at once, and what each of them says. */
  async each(route: Route, body: Octets, signal: AbortSignal): Promise<Three<Octets | Refused>> {
    const one = async (server: ServerNumber): Promise<Octets | Refused> => {
      const { parcel, sealer } = await seal(this.#keys[server], route, body);
      const answer = sealer.openAnswer(await this.#relay.relay(server, parcel, signal));
      const { status, body: said } = await from(server, answer);
      return status === 200 ? said : new Refused(server, readError(said));
    };
    return three(await Promise.all(SERVERS.map(one)));
  }

  /** The same, where all three have to agree to it. */
  async ask(route: Route, body: Octets, signal: AbortSignal): Promise<Three<Octets>> {
    return agreed(await this.each(route, body, signal));
  }

  /** Starts a run of what was approved: the servers' three nonces. The same request again starts no other. */
  async start(
    { header, envelope, approval }: Awaited<ReturnType<RunSigner["start"]>>,
    signal: AbortSignal,
  ): Promise<Three<string>> {
    const head = encodeHeader(header);
    const body = new Uint8Array(head.length + envelope.length);
    body.set(head);
    body.set(envelope, head.length);
    const answers = await this.ask("/v1/runs/start", body, signal);
    const nonces = answers.map((answer) => {
      const [started] = decodeBody(answer);
      const nonce = isRecord(started) && started["approval"] === approval ? started["nonce"] : undefined;
      if (typeof nonce !== "string") throw new Garbled("a run that was not asked for");
      return nonce;
    });
    return three(nonces);
  }

  /** Ends a run. What fails here costs nobody anything, so it is no error. */
  async close(signer: RunSigner, run: Three<string>): Promise<void> {
    const ended = signer
      .close(run)
      .then((header) => this.ask("/v1/runs/close", encodeHeader(header), AbortSignal.timeout(10_000)));
    await ended.catch(() => null);
  }
}

/** What all three answered. Where some refused, what is nearest to the cause is thrown. */
export function agreed(answers: Three<Octets | Refused>): Three<Octets> {
  throwNearest(answers.filter((answer) => answer instanceof Refused));
  return three(answers.filter((answer): answer is Octets => !(answer instanceof Refused)));
}

/** What a server found out itself is nearer to the cause than what it heard of another. */
export function throwNearest(refusals: readonly Refused[]): void {
  const cause = refusals.toSorted((one, other) => nearness(other.answer) - nearness(one.answer))[0];
  if (cause !== undefined) throw cause;
}

/** Whether a server only passes on that another one refused. */
export const isEcho = ({ answer }: Refused): boolean => nearness(answer) < 2;

function nearness(answer: ErrorAnswer): number {
  if (answer.code === "cancelled") return 0;
  return answer.code.startsWith("peer") || answer.code === "in_doubt" ? 1 : 2;
}

/** An answer that cannot be read is this server's, or pretends to be. */
export async function from<T>(server: ServerNumber, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Garbled) error.server ??= server;
    throw error;
  }
}

export function three<T>(values: readonly T[]): Three<T> {
  const [a, b, c] = values;
  if (a === undefined || b === undefined || c === undefined) throw new RangeError("there are three servers");
  return [a, b, c];
}
