// Where the page is.

import { link, parseRoute, type Route } from "./routes.ts";

const held = $state({ route: parseRoute(location.hash) });

export const here = (): Route => held.route;

/** Follows the address bar, and takes the reader to the top of a new page. */
export function followAddress(): void {
  addEventListener("hashchange", () => {
    held.route = parseRoute(location.hash);
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}

export function goTo(route: Route): void {
  location.hash = link(route);
}
