// What somebody with keys or with the portal in hand can put together without the page.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stage } from "./stage.ts";
import { vdl } from "./world.ts";

type Envelope = { payloadType: string; payload: string; signatures: { keyid: string; sig: string }[] };
const APPROVAL = "application/vnd.vdl.approval.v1+json";

/** The file of these exact bytes with these signatures, whether they fit or not. */
export function approvedFile(name: string, payload: string, signatures: Envelope["signatures"]): string {
  const path = join(stage.world.folder, name);
  const envelope: Envelope = { payloadType: APPROVAL, payload, signatures };
  writeFileSync(path, `${JSON.stringify(envelope)}\n`);
  return path;
}

/** The genuine signature of one of the keys beside the servers, made with the command line. */
export function signatureBy(key: string, payload: string): Envelope["signatures"][number] {
  const path = approvedFile(`${key}-signs.approved`, payload, []);
  vdl("approve", path, "--key", join(stage.world.folder, `${key}.sk`));
  const [signature] = (JSON.parse(readFileSync(path, "utf8")) as Envelope).signatures;
  if (signature === undefined) throw new Error(`${key} signed nothing`);
  return signature;
}

/** The same statement with some of its text exchanged. */
export function altered(payload: string, from: string | RegExp, to: string): string {
  const before = Buffer.from(payload, "base64").toString();
  const after = before.replace(from, to);
  if (after === before) throw new Error(`there is no ${from} in the statement`);
  return Buffer.from(after).toString("base64");
}
