// A client that checks nothing, and asks the three servers for whatever it has in hand: what they say is their own.

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digest } from "../src/contract/digests.ts";
import { startMessage } from "../src/contract/messages.ts";
import { readSealKey, seal } from "../src/data/seal.ts";
import { encodeHeader, identifier, readError } from "../src/data/wire.ts";
import { stage } from "./stage.ts";

/** Asks to start a run of this file, signed with this key: "started", or the code of the refusal, of each server. */
export async function serversSay(approved: string, key: string): Promise<string[]> {
  const file = new Uint8Array(readFileSync(join(stage.world.folder, approved)));
  const { payload } = JSON.parse(new TextDecoder().decode(file)) as { payload: string };
  const approval = digest(Buffer.from(payload, "base64"));
  const start = identifier(crypto.getRandomValues(new Uint8Array(32)));
  const secret = createPrivateKey(readFileSync(join(stage.world.folder, `${key}.sk`)));
  const signature = sign(null, startMessage({ approval, start }), secret).toString("base64");
  const body = new Uint8Array(Buffer.concat([encodeHeader({ approval, start, signature }), file]));
  const told = await stage.paul.asks("GET", `/api/projects/${stage.project}`);
  const { servers } = JSON.parse(told.text) as { servers: { server: number; seal_key: string }[] };
  const ask = async ({ server, seal_key: to }: (typeof servers)[number]): Promise<string> => {
    const sealTo = readSealKey(to);
    if (sealTo === null) throw new Error(`server ${server} has no key for sealing`);
    const { parcel, sealer } = await seal(sealTo, "/v1/runs/start", body);
    const answer = await stage.paul.relays(stage.project, server, Buffer.from(parcel));
    const opened = await sealer.openAnswer(new Uint8Array(answer));
    return opened.status === 200 ? "started" : readError(opened.body).code;
  };
  return Promise.all(servers.map(ask));
}
