// When requests end. Lists do not tell; what was asked for does, and a version never changes.

import * as api from "../api/calls.ts";
import type { RequestSummary } from "../api/shapes.ts";
import { endOf, mayBeOver } from "./expiry.ts";
import { now } from "./format.ts";

/** Ends by request and version; kept as long as the page is open. */
const known = new Map<string, number>();
/** Of so many requests of a list, the latest ones, and so many at once. */
const MOST = 200;
const AT_ONCE = 6;

const placeOf = ({ id, version }: RequestSummary): string => `${id}/${version}`;

export class Expiries {
  #learned = $state(0);

  /** Asks for the ends that are not known yet. What cannot be read has none. */
  async learn(requests: readonly RequestSummary[]): Promise<void> {
    const latest = requests.filter(mayBeOver).sort((a, b) => b.changed - a.changed);
    const unknown = latest.slice(0, MOST).filter((one) => !known.has(placeOf(one)));
    const ask = async (): Promise<void> => {
      for (let one = unknown.shift(); one !== undefined; one = unknown.shift()) {
        const { payload } = await api.oneVersion(one.id, one.version);
        known.set(placeOf(one), endOf(payload ?? ""));
        this.#learned += 1;
      }
    };
    // Without an answer a request is shown as the portal told it.
    await Promise.all(Array.from({ length: AT_ONCE }, ask)).catch(() => undefined);
  }

  isOver(request: RequestSummary): boolean {
    return this.#learned >= 0 && mayBeOver(request) && (known.get(placeOf(request)) ?? Infinity) < now();
  }
}
