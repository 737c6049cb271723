// A provider, an analyst and two approvers at a running portal, with the page's own code and without a browser:
//
//     node build/tests/process/story.js < CAST.json
//
// Reads who takes part, and prints what there is afterwards. Whoever starts it looks for what the portal kept.

import { cpSync, readFileSync } from "node:fs";
import type { Draft } from "../../src/state/draft.ts";
import type { Signer } from "../../src/state/keys.ts";
import type { Project } from "../../src/api/shapes.ts";
import { forgetCookie, pretendToBeABrowser } from "./browser.ts";

type Member = { email: string; password: string; key: string };
type Cast = {
  /** Where the portal is reached, and what it calls itself. */
  address: string;
  origin: string;
  provider: Member;
  analyst: Member & {
    /** Changes the password to this one. */
    next: string;
    /** PEM of a second key. */
    second: string;
  };
  approvers: Member[];
  file: { name: string; text: string };
  /** Where the portal keeps unfinished uploads, and where to copy them when all of it has arrived. */
  spool?: { from: string; to: string };
};

const cast = JSON.parse(readFileSync(0, "utf8")) as Cast;
pretendToBeABrowser(cast.address, cast.origin);

// Only now: the client of the portal takes `fetch` as it is when it is loaded.
const api = await import("../../src/api/calls.ts");
const { portalFor } = await import("../../src/api/upload.ts");
const { readScript } = await import("../../src/contract/script.ts");
const { encode } = await import("../../src/data/encode.ts");
const { survey } = await import("../../src/data/survey.ts");
const { upload } = await import("../../src/data/upload.ts");
const { bytesOf, emptyDraft, payloadOf } = await import("../../src/state/draft.ts");
const { enrol, openSigner } = await import("../../src/state/enrolment.ts");
const { leavesOf, sealKeys, signerFor } = await import("../../src/state/provider.ts");
const { APPROVAL, signPayload } = await import("../../src/state/signatures.ts");
const { uploadScript } = await import("../../src/state/upload-script.ts");

const keyOf = (text: string): Promise<Signer> => openSigner({ text, passphrase: "" });

/** Signs in and gives the one project there is. */
async function comeIn(member: Member): Promise<{ user: string; project: Project; key: Signer }> {
  forgetCookie();
  const { user, projects } = await api.login(member.email, member.password);
  const project = await api.oneProject(projects[0]?.id ?? "");
  return { user: user.id, project, key: await keyOf(member.key) };
}

function draft(key: Signer, purpose: string): Draft {
  return { ...emptyDraft(key.publicKey), purpose, maxRuns: "" };
}

/** Everybody signs what was asked for. */
async function approve(request: string): Promise<void> {
  for (const approver of cast.approvers) {
    const { key } = await comeIn(approver);
    await api.stepUp(approver.password);
    const { versions, version } = await api.oneRequest(request);
    const payload = bytesOf(versions.find((one) => one.version === version)?.payload ?? "");
    await api.addSignature(request, version, await signPayload(key, APPROVAL, payload));
  }
}

async function askLeave(): Promise<string> {
  const { project, key } = await comeIn(cast.provider);
  const script = uploadScript({ min_rows: 3, join_only: [] });
  const payload = payloadOf(script, draft(key, "The yearly survey"), project.environment, 1);
  return (await api.submit(project.id, { kind: "upload", name: "Permission to upload", payload })).id;
}

async function uploadFile(): Promise<{ project: string; handle: string; planes: string }> {
  const { user, project, key } = await comeIn(cast.provider);
  const file = new File([cast.file.text], cast.file.name);
  const found = await survey(file);
  const chosen = found.columns.map(({ name, guess }, column) => {
    const option = guess.options[guess.proposed ?? 0];
    if (option === undefined) throw new Error(`nobody knows what ${name} is`);
    return { column, name, reading: option.reading, type: option.tidy };
  });
  const { table } = await encode(file, found, chosen);
  const [leave] = await leavesOf(project.id, user);
  if (leave === undefined) throw new Error("there is no permission to upload");
  const { name } = cast.file;
  const { bytes, digest } = found;
  const order = { table, rules: leave.rules, keys: sealKeys(project), file: { name, bytes, digest } };
  const portal = portalFor(project.id);
  const send: typeof portal.send = (signal) => {
    if (cast.spool !== undefined) cpSync(cast.spool.from, cast.spool.to, { recursive: true });
    return portal.send(signal);
  };
  const receipt = await upload(order, { ...portal, send }, await signerFor(leave.request, key));
  const schema = receipt.columns.map((column) => ({ name: column.name, type: column.type }));
  const { handle, rows, file_digest, file_name } = receipt;
  const told = { handle, name: "survey", schema, rows, file_digest, file_name };
  const listed = await api.addTable(project.id, { ...told, upload: portal.upload ?? null });
  if (!listed.uploaded) throw new Error("the portal does not know the upload that it carried");
  await portal.drop();
  // As they are before they are split: nobody but the provider may have them.
  const pieces: Buffer[] = [];
  for await (const piece of table.pieces()) pieces.push(Buffer.from(piece));
  return { project: project.id, handle, planes: Buffer.concat(pieces).toString("hex") };
}

const condition = { binary: { op: "greater", left: { column: "age" }, right: { integer: 30 } } };
const mean = [{ name: "age", aggregate: "mean", value: { column: "age" } }];

async function submitScript(handle: string): Promise<string> {
  const { project, key } = await comeIn(cast.analyst);
  const steps = [
    { command: { get: { table: { handle } } } },
    { command: { filter: { table: { step: 0 }, condition } } },
    { command: { aggregate: { table: { step: 1 }, aggregations: mean } } },
  ];
  const text = JSON.stringify({ format: "vdl-script/1", name: "Mean age", ordered: true, steps });
  const script = readScript(new TextEncoder().encode(text));
  const payload = payloadOf(script, draft(key, "For the report"), project.environment, 1);
  const { id } = await api.submit(project.id, { kind: "script", name: "Mean age", payload });
  await api.comment(id, "Please look at the last step.", 2);
  return id;
}

/** The approved script, a second key, and another password. */
async function finish(request: string): Promise<string> {
  await comeIn(cast.analyst);
  const approved = await api.approvedText(request);
  await api.stepUp(cast.analyst.password);
  const second = await enrol("second", "analyst", await keyOf(cast.analyst.second));
  await api.changePassword(cast.analyst.password, cast.analyst.next);
  await api.logout();
  forgetCookie();
  await api.login(cast.analyst.email, cast.analyst.next);
  if (JSON.parse(approved).signatures.length !== cast.approvers.length) throw new Error("signatures are missing");
  return second.id;
}

const leave = await askLeave();
await approve(leave);
const { project, handle, planes } = await uploadFile();
const request = await submitScript(handle);
await approve(request);
// Nobody has decided about this one yet.
const open = await submitScript(handle);
const key = await finish(request);
console.log(JSON.stringify({ project, leave, request, open, handle, planes, key }));
