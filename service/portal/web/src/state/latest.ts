// What a request asks for now: its latest version.

import type { RequestView } from "../api/shapes.ts";
import { fromBase64 } from "../contract/bytes.ts";
import { readStatement, type Statement } from "../contract/statement.ts";

/** In base64; empty where the portal gave none. */
export const latestPayload = ({ version, versions }: RequestView): string =>
  versions.find((one) => one.version === version)?.payload ?? "";

/** Undefined where servers would refuse it. */
export function statementIn(payload: string): Statement | undefined {
  const bytes = fromBase64(payload);
  try {
    return bytes && readStatement(bytes);
  } catch {
    return undefined;
  }
}

export const readLatest = (request: RequestView): Statement | undefined =>
  statementIn(latestPayload(request));
