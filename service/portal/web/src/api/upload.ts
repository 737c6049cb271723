// The portal as an upload sees it: octets in, octets out.

import type { Portal } from "../data/upload.ts";
import { NetworkLoss, type Spool } from "../data/delivery.ts";
import type { ServerNumber, Three } from "../data/wire.ts";
import { fromBase64 } from "../state/base64.ts";
import { refusalOf } from "./refusal.ts";
import type { Upload } from "./shapes.ts";

type Octets = Uint8Array<ArrayBuffer>;
type Body = { json: unknown } | { octets: Octets } | undefined;

/** What may go away by itself: nobody there, or nobody behind who is there. */
const PASSING = new Set([408, 429, 502, 503, 504]);

async function ask(method: string, path: string, body: Body, signal: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-store", signal };
  if (body !== undefined) {
    const isJson = "json" in body;
    init.headers = { "content-type": isJson ? "application/json" : "application/octet-stream" };
    init.body = isJson ? JSON.stringify(body.json) : body.octets;
  }
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (problem) {
    if (signal.aborted) throw problem;
    throw new NetworkLoss("the portal cannot be reached");
  }
  if (answer.ok) return answer;
  if (PASSING.has(answer.status)) throw new NetworkLoss(`the portal answered ${answer.status}`);
  throw refusalOf(answer.status, await answer.json().catch(() => undefined));
}

/** For one upload into a project. */
export function portalFor(project: string): Portal {
  const base = `/api/projects/${encodeURIComponent(project)}`;
  let upload: string | undefined;
  const here = (): string => `/api/uploads/${encodeURIComponent(upload ?? "")}`;
  const spool: Spool = {
    async put(server, chunk, bytes, signal) {
      await ask("PUT", `${here()}/${server}/${chunk}`, { octets: bytes }, signal);
    },
    async have(signal) {
      const { have } = (await (await ask("GET", here(), undefined, signal)).json()) as Upload;
      return three(have);
    },
  };
  return {
    async relay(server: ServerNumber, parcel: Octets, signal: AbortSignal) {
      const answer = await ask("POST", `${base}/relay/${server}`, { octets: parcel }, signal);
      return new Uint8Array(await answer.arrayBuffer());
    },
    async open(sizes: Three<number>, chunk: number, signal: AbortSignal) {
      const answer = await ask("POST", `${base}/uploads`, { json: { sizes, chunk } }, signal);
      upload = ((await answer.json()) as Upload).id;
      return spool;
    },
    async send(signal: AbortSignal) {
      const answer = await ask("POST", `${here()}/send`, undefined, signal);
      const { answers } = (await answer.json()) as { answers: string[] };
      return three(answers.map((text) => fromBase64(text) ?? new Uint8Array()));
    },
    async drop() {
      if (upload !== undefined) await ask("DELETE", here(), undefined, AbortSignal.timeout(10_000));
    },
  };
}

function three<T>(values: readonly T[]): Three<T> {
  const [a, b, c] = values;
  if (a === undefined || b === undefined || c === undefined) throw new RangeError("there are three servers");
  return [a, b, c];
}
