// The terms of a request's latest version.

import type { RequestView } from "../api/shapes.ts";
import { fromBase64 } from "../contract/bytes.ts";
import { readStatement, type Statement } from "../contract/statement.ts";

/** Undefined where servers would refuse it. */
export function readLatest(request: RequestView): Statement | undefined {
  const version = request.versions.find((one) => one.version === request.version);
  const payload = fromBase64(version?.payload ?? "");
  try {
    return payload === undefined ? undefined : readStatement(payload);
  } catch {
    return undefined;
  }
}
