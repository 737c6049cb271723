// Addresses of the page, behind the `#`: the server never sees them, not even an invitation's token.

import type { Notice } from "../api/shapes.ts";

export type Route =
  | { page: "home" }
  | { page: "invitation"; token: string }
  | { page: "sign-in"; what: string; why?: string }
  | { page: "requests"; project: string }
  | { page: "new-request"; project: string; kind: "script" | "upload" }
  | { page: "new-deletion"; project: string; handle: string }
  | { page: "request"; project: string; id: string }
  | { page: "tables"; project: string }
  | { page: "upload"; project: string }
  | { page: "table"; project: string; handle: string }
  | { page: "members"; project: string }
  | { page: "policy"; project: string }
  | { page: "journal"; project: string }
  | { page: "keys" }
  | { page: "sessions" }
  | { page: "settings" }
  | { page: "unknown" };

/** Reads what stands behind the `#`. */
export function parseRoute(hash: string): Route {
  const [path = ""] = hash.replace(/^#/, "").split("?");
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const [first, second, third, fourth, fifth] = parts;
  if (first === undefined) return { page: "home" };
  if (first === "invitation" && second !== undefined) return { page: "invitation", token: second };
  if (first === "sign-in" && second !== undefined) {
    return third === undefined
      ? { page: "sign-in", what: second }
      : { page: "sign-in", what: second, why: third };
  }
  if (first === "keys" || first === "sessions" || first === "settings") return { page: first };
  if (first === "projects" && second !== undefined) return parseProject(second, third, fourth, fifth);
  return { page: "unknown" };
}

function parseProject(project: string, area?: string, rest?: string, what?: string): Route {
  switch (area) {
    case undefined:
    case "requests":
      if (rest === undefined) return { page: "requests", project };
      if (rest === "new") return { page: "new-request", project, kind: "script" };
      if (rest === "new-upload") return { page: "new-request", project, kind: "upload" };
      return { page: "request", project, id: rest };
    case "tables":
      if (rest === undefined) return { page: "tables", project };
      return { page: what === "delete" ? "new-deletion" : "table", project, handle: rest };
    case "upload":
    case "members":
    case "policy":
    case "journal":
      return { page: area, project };
    default:
      return { page: "unknown" };
  }
}

/** The address of a page, to be put into `href`. */
export function link(route: Route): string {
  switch (route.page) {
    case "home":
    case "unknown":
      return "#/";
    case "invitation":
      return `#/invitation/${encodeURIComponent(route.token)}`;
    case "sign-in":
      // Nobody goes back to what went wrong.
      return "#/";
    case "keys":
    case "sessions":
    case "settings":
      return `#/${route.page}`;
    case "new-request":
      return `${base(route.project)}/requests/${route.kind === "script" ? "new" : "new-upload"}`;
    case "new-deletion":
      return `${base(route.project)}/tables/${encodeURIComponent(route.handle)}/delete`;
    case "request":
      return `${base(route.project)}/requests/${encodeURIComponent(route.id)}`;
    case "table":
      return `${base(route.project)}/tables/${encodeURIComponent(route.handle)}`;
    default:
      return `${base(route.project)}/${route.page}`;
  }
}

/** Where a reader of this message wants to go. */
export function aboutWhat({ project, request, kind }: Notice): Route {
  if (request) return { page: "request", project, id: request };
  switch (kind) {
    case "policy_proposed":
    case "policy_adopted":
      return { page: "policy", project };
    case "passkey_added":
    case "passkeys_reset":
    case "passkey_copied":
    case "account_changed":
    case "identity_linked":
      return { page: "settings" };
    default:
      return { page: "members", project };
  }
}

const base = (project: string): string => `#/projects/${encodeURIComponent(project)}`;

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
