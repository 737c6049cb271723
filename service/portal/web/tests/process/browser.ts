// What the page's own code needs of a browser, in a process of Node: one person at a time, with one cookie.

/** How `fetch` reaches the portal at `address`, and what says that it came from one of its pages. */
export function pretendToBeABrowser(address: string, origin: string): void {
  const base = globalThis.Request;
  const send = globalThis.fetch;
  class Here extends base {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === "string" ? new URL(input, address) : input, init);
    }
  }
  Object.assign(globalThis, { Request: Here, location: { origin } });
  globalThis.fetch = async (input, init) => {
    const request = new Here(input, init);
    request.headers.set("sec-fetch-site", "same-origin");
    if (cookie !== "") request.headers.set("cookie", cookie);
    const answer = await send(request);
    for (const set of answer.headers.getSetCookie()) cookie = set.split(";")[0] ?? "";
    return answer;
  };
}

let cookie = "";

/** Another person sits down. */
export function forgetCookie(): void {
  cookie = "";
}
