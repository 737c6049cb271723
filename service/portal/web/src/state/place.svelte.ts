// Where the page is.

import { goneOn } from "./toasts.svelte.ts";
import { link, parseRoute, type Route } from "./routes.ts";

const held = $state({ route: parseRoute(location.hash) });

export const here = (): Route => held.route;

/** Says why the reader may not want to leave, if there is something to lose. */
let stays: (() => string | undefined) | undefined;

/** Has the reader asked before another page is shown, as long as `why` says something. What it gives undoes
 *  it. */
export function staysFor(why: () => string | undefined): () => void {
  stays = why;
  return () => {
    if (stays === why) stays = undefined;
  };
}

/** Follows the address bar, and takes the reader to the top of a new page. */
export function followAddress(): void {
  addEventListener("hashchange", (event) => {
    const why = stays?.();
    if (why !== undefined && !confirm(why)) {
      history.replaceState(null, "", event.oldURL);
      return;
    }
    held.route = parseRoute(location.hash);
    goneOn();
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}

export function goTo(route: Route): void {
  location.hash = link(route);
}
