// What somebody with keys or with the portal in hand can put together without the page.

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stage } from "./stage.ts";

type Envelope = { payloadType: string; payload: string; signatures: { keyid: string; sig: string }[] };
const APPROVAL = "application/vnd.vdl.approval.v1+json";

/** The file of these exact bytes with these signatures, whether they fit or not. */
export function approvedFile(name: string, payload: string, signatures: Envelope["signatures"]): string {
  const path = join(stage.world.folder, name);
  const envelope: Envelope = { payloadType: APPROVAL, payload, signatures };
  writeFileSync(path, `${JSON.stringify(envelope)}\n`);
  return path;
}

/** The genuine signature of one of the keys beside the servers, over whatever bytes. */
export function signatureBy(key: string, payload: string): Envelope["signatures"][number] {
  const secret = createPrivateKey(readFileSync(join(stage.world.folder, `${key}.sk`)));
  const bytes = Buffer.from(payload, "base64");
  const header = Buffer.from(`DSSEv1 ${APPROVAL.length} ${APPROVAL} ${bytes.length} `);
  return { keyid: "", sig: sign(null, Buffer.concat([header, bytes]), secret).toString("base64") };
}

/** The same statement with some of its text exchanged. */
export function altered(payload: string, from: string | RegExp, to: string): string {
  const before = Buffer.from(payload, "base64").toString();
  const after = before.replace(from, to);
  if (after === before) throw new Error(`there is no ${from} in the statement`);
  return Buffer.from(after).toString("base64");
}
