// What was submitted from this browser, so that it notices when the portal keeps something else.

import type { RequestView } from "../api/shapes.ts";
import { fromBase64 } from "../contract/bytes.ts";
import { digest } from "../contract/digests.ts";
import { latestPayload } from "./latest.ts";

const PLACE = "vdl.sent";
/** So many are remembered; the oldest are forgotten first. */
const MOST = 500;

type Store = Pick<Storage, "getItem" | "setItem">;
/** Digests by request and version, the oldest first. */
type Sent = [place: string, digest: string][];

export type Altered = { sent: string; kept: string };

/** Keeps the digest of what was sent. `payload`: in base64. */
export function rememberSent(
  request: string,
  version: number,
  payload: string,
  store: Store = localStorage,
): void {
  const place = `${request}/${version}`;
  const others = read(store).filter(([other]) => other !== place);
  store.setItem(PLACE, JSON.stringify([...others, [place, digestOf(payload)]].slice(-MOST)));
}

/** What differs, where the portal keeps other bytes of the latest version than were sent from here. Undefined
 *  where they are the same, or were not sent from here. */
export function altered(request: RequestView, store: Store = localStorage): Altered | undefined {
  const place = `${request.id}/${request.version}`;
  const sent = read(store).find(([other]) => other === place)?.[1];
  if (sent === undefined) return undefined;
  const kept = digestOf(latestPayload(request));
  return kept === sent ? undefined : { sent, kept };
}

function read(store: Store): Sent {
  try {
    const kept: unknown = JSON.parse(store.getItem(PLACE) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isEntry) : [];
  } catch {
    return [];
  }
}

const isEntry = (one: unknown): one is Sent[number] =>
  Array.isArray(one) && one.length === 2 && one.every((part) => typeof part === "string");

/** Of no bytes where it is no base64. */
const digestOf = (payload: string): string => digest(fromBase64(payload) ?? new Uint8Array());
