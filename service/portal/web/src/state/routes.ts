// Addresses of the page, behind the `#`: the server never sees them, not even an invitation's token.

export type Route =
  | { page: "home" }
  | { page: "invitation"; token: string }
  | { page: "requests"; project: string }
  | { page: "new-request"; project: string; kind: "script" | "upload" }
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
  const [first, second, third, fourth] = parts;
  if (first === undefined) return { page: "home" };
  if (first === "invitation" && second !== undefined) return { page: "invitation", token: second };
  if (first === "keys" || first === "sessions" || first === "settings") return { page: first };
  if (first === "projects" && second !== undefined) return parseProject(second, third, fourth);
  return { page: "unknown" };
}

function parseProject(project: string, area: string | undefined, rest: string | undefined): Route {
  switch (area) {
    case undefined:
    case "requests":
      if (rest === undefined) return { page: "requests", project };
      if (rest === "new") return { page: "new-request", project, kind: "script" };
      if (rest === "new-upload") return { page: "new-request", project, kind: "upload" };
      return { page: "request", project, id: rest };
    case "tables":
      return rest === undefined ? { page: "tables", project } : { page: "table", project, handle: rest };
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
    case "keys":
    case "sessions":
    case "settings":
      return `#/${route.page}`;
    case "new-request":
      return `${base(route.project)}/requests/${route.kind === "script" ? "new" : "new-upload"}`;
    case "request":
      return `${base(route.project)}/requests/${encodeURIComponent(route.id)}`;
    case "table":
      return `${base(route.project)}/tables/${encodeURIComponent(route.handle)}`;
    default:
      return `${base(route.project)}/${route.page}`;
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
