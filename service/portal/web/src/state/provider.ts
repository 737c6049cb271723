// What a provider signs in an authorized environment: the start of a run, one command, its end.

import * as api from "../api/calls.ts";
import type { Project, RequestView } from "../api/shapes.ts";
import { portalFor } from "../api/upload.ts";
import { digest } from "../contract/digests.ts";
import type { Rules } from "../contract/language.ts";
import { closeMessage, commandMessage, startMessage } from "../contract/messages.ts";
import type { Statement } from "../contract/statement.ts";
import { readSealKey } from "../data/seal.ts";
import { Servers, three, type RunSigner } from "../data/servers.ts";
import { identifier, type Three } from "../data/wire.ts";
import { fromBase64, toBase64, utf8 } from "./base64.ts";
import { now } from "./format.ts";
import type { Signer } from "./keys.ts";
import { readLatest } from "./latest.ts";
import { readUploadScript } from "./upload-script.ts";

/** An approved permission to upload, and what tables uploaded with it ask. */
export type Leave = { request: RequestView; statement: Statement; rules: Rules | undefined };

/** The reader's approved leaves that hold now, for keys they have. */
export async function leavesOf(project: string, user: string): Promise<Leave[]> {
  const mine = (await api.requests(project)).filter(
    (one) => one.kind === "upload" && one.state === "approved" && one.user === user,
  );
  const views = await Promise.all(mine.map((one) => api.oneRequest(one.id)));
  return views.flatMap((request) => {
    const statement = readLatest(request);
    const allowed = statement && readUploadScript(statement.script);
    if (statement === undefined || allowed === undefined) return [];
    const holds = statement.not_before <= now() && (statement.expires ?? Infinity) >= now();
    return holds ? [{ request, statement, rules: allowed.rules }] : [];
  });
}

/** Signs for an approved request with one step or pattern. */
export async function signerFor(request: RequestView, key: Signer): Promise<RunSigner> {
  const envelope = utf8(await api.approvedText(request.id));
  const payload = fromBase64((JSON.parse(new TextDecoder().decode(envelope)) as { payload: string }).payload);
  const approval = digest(payload ?? new Uint8Array());
  const sign = async (message: Uint8Array): Promise<string> => toBase64(await key.sign(message));
  return {
    async start() {
      const start = identifier(crypto.getRandomValues(new Uint8Array(32)));
      const signature = await sign(startMessage({ approval, start }));
      return { header: { approval, start, signature }, envelope, approval };
    },
    async command(nonces, command, job) {
      const step = 0;
      const signature = await sign(commandMessage({ approval, nonces: [...nonces], step, command, job }));
      return { approval, nonces, step, signature };
    },
    async close(nonces) {
      return { approval, nonces, signature: await sign(closeMessage({ approval, nonces: [...nonces] })) };
    },
  };
}

export const serversOf = (project: Project): Servers => new Servers(sealKeys(project), portalFor(project.id));

/** The public keys to which parcels for the three servers are sealed. */
export function sealKeys(project: Project): Three<Uint8Array<ArrayBuffer>> {
  const keys = [0, 1, 2].map((number) => {
    const text = project.servers.find((server) => server.server === number)?.seal_key;
    const key = text == null ? null : readSealKey(text);
    if (key === null) throw new Error("a server has no key to seal parcels to");
    return key;
  });
  return three(keys);
}
