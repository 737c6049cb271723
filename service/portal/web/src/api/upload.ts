// The portal as an upload sees it: octets in, octets out.

import type { Portal } from "../data/upload.ts";
import { NetworkLoss, PutOff, type Spool } from "../data/delivery.ts";
import type { ServerNumber, Three } from "../data/wire.ts";
import { fromBase64 } from "../state/base64.ts";
import { refusalOf } from "./refusal.ts";
import type { Upload } from "./shapes.ts";

type Octets = Uint8Array<ArrayBuffer>;
type Body = { json: unknown } | { octets: Octets } | undefined;

/** Answers that may be others after a while: of the portal, or of whoever stands before it. */
const PASSING = new Set([408, 429, 502, 503, 504, 507]);
/** The codes that such an answer of the portal has then; any other is there to stay. */
const PUT_OFF = new Set([
  ...["too_slow", "too_often", "disk_full", "node_unreachable", "busy", "shutting_down"],
  ...["peer_unreachable", "peer_lost", "peer_silent", "request_missing"],
]);

/** `server`: whose parcel it is. */
async function ask(
  method: string,
  path: string,
  body: Body,
  signal: AbortSignal,
  server?: ServerNumber,
): Promise<Response> {
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
    throw new NetworkLoss("the portal cannot be reached", server);
  }
  if (answer.ok) return answer;
  const refusal = refusalOf(answer.status, await answer.json().catch(() => undefined), server);
  if (!PASSING.has(answer.status)) throw refusal;
  if (PUT_OFF.has(refusal.code)) throw new PutOff(refusal);
  // Without a code it is not the portal that speaks, but somebody who does not reach it.
  throw refusal.code.startsWith("status_") ? new NetworkLoss(refusal.message, server) : refusal;
}

/** Who does not answer this soon is not there. */
const SOON = 20_000;

async function isThere(upload: AbortSignal): Promise<boolean> {
  const signal = AbortSignal.any([upload, AbortSignal.timeout(SOON)]);
  try {
    return (await fetch("/healthz", { credentials: "same-origin", cache: "no-store", signal })).ok;
  } catch {
    return false;
  }
}

/** For one upload into a project. `upload`: its id at the portal, once it was opened. */
export function portalFor(project: string): Portal & { readonly upload: string | undefined } {
  const base = `/api/projects/${encodeURIComponent(project)}`;
  let upload: string | undefined;
  const here = (): string => `/api/uploads/${encodeURIComponent(upload ?? "")}`;
  const spool: Spool = {
    async put(server, chunk, bytes, signal) {
      await ask("PUT", `${here()}/${server}/${chunk}`, { octets: bytes }, signal, server);
    },
    async have(signal) {
      const { have } = (await (await ask("GET", here(), undefined, signal)).json()) as Upload;
      return three(have);
    },
  };
  return {
    get upload() {
      return upload;
    },
    async relay(server: ServerNumber, parcel: Octets, signal: AbortSignal) {
      const answer = await ask("POST", `${base}/relay/${server}`, { octets: parcel }, signal, server);
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
    alive: isThere,
  };
}

function three<T>(values: readonly T[]): Three<T> {
  const [a, b, c] = values;
  if (a === undefined || b === undefined || c === undefined) throw new RangeError("there are three servers");
  return [a, b, c];
}
