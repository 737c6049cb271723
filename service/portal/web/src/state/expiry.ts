// Whether a request is over follows from its last day and the clock; the portal has no state for it.

import type { RequestState } from "../api/shapes.ts";
import { statementIn } from "./latest.ts";

/** Where the last day decides: nobody can sign any more, or no server runs it any more. */
export const mayBeOver = ({ state }: { state: RequestState }): boolean =>
  state === "submitted" || state === "approved";

/** The last second in which it holds; without an end where it has none or cannot be read. */
export const endOf = (payload: string): number => statementIn(payload)?.expires ?? Infinity;

/** What is shown instead of the portal's state. */
export const shownState = (state: RequestState, over: boolean): RequestState | "expired" =>
  over && mayBeOver({ state }) ? "expired" : state;
