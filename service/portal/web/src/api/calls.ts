// One function for each call to the portal.

import { refusalOf, unreachable } from "./refusal.ts";
import type * as S from "./shapes.ts";

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await send(method, path, body);
  return answer === "" ? (undefined as T) : (JSON.parse(answer) as T);
}

const text = (path: string): Promise<string> => send("GET", path);

async function send(method: string, path: string, body?: unknown): Promise<string> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw unreachable();
  }
  const said = await answer.text();
  if (answer.ok) return said;
  let problem: unknown;
  try {
    problem = JSON.parse(said);
  } catch {
    problem = undefined;
  }
  throw refusalOf(answer.status, problem);
}

const get = <T>(path: string): Promise<T> => call<T>("GET", path);
const post = <T = void>(path: string, body: unknown = {}): Promise<T> => call<T>("POST", path, body);
const of = encodeURIComponent;

// --- who I am
export const me = () => get<S.Me>("/api/me");
export const login = (email: string, password: string) => post<S.Me>("/api/login", { email, password });
export const logout = () => call<void>("DELETE", "/api/session");
export const changePassword = (old: string, fresh: string) => post("/api/password", { old, new: fresh });
export const stepUp = (password: string) => post<{ fresh_until: number }>("/api/fresh", { password });
export const invited = (token: string) => get<S.Invited>(`/api/invitations/${of(token)}`);
export const accept = (token: string, name: string, password: string, email?: string) =>
  post<S.Me>(`/api/invitations/${of(token)}`, email === undefined ? { name, password } : { name, password, email });
export const setMyLocale = (locale: "en" | "nl") => call<S.Me>("PATCH", "/api/me", { locale });
export const sessions = () => get<S.Session[]>("/api/sessions");
export const endSession = (id: string) => call<void>("DELETE", `/api/sessions/${of(id)}`);

// --- projects
const project = (id: string): string => `/api/projects/${of(id)}`;
export const oneProject = (id: string) => get<S.Project>(project(id));
export const setRoles = (id: string, user: string, roles: S.Role[]) =>
  call<void>("PUT", `${project(id)}/members/${of(user)}`, { roles });
export const invitations = (id: string) => get<S.Invitation[]>(`${project(id)}/invitations`);
export const invite = (id: string, email: string, roles: S.Role[]) =>
  post<{ link: string }>(`${project(id)}/invitations`, { email, roles });
export const uninvite = (id: string, invitation: string) =>
  call<void>("DELETE", `${project(id)}/invitations/${of(invitation)}`);
export const policies = (id: string) => get<S.Policies>(`${project(id)}/policy`);
export const proposePolicy = (id: string, payload: string) => post(`${project(id)}/policy`, { payload });
export const signPolicy = (id: string, version: number, signature: string) =>
  post(`${project(id)}/policy/signatures`, { version, signature });
export const policyFile = (id: string, version: number): string => `${project(id)}/policy/${version}/file`;

// --- keys
export const keys = () => get<S.Key[]>("/api/keys");
export const keyChallenge = () => get<S.Challenge>("/api/keys/challenge");
export const enrol = (name: string, purpose: S.KeyPurpose, spki: string, challenge: string, signature: string) =>
  post<S.Key>("/api/keys", { name, purpose, public: spki, challenge, signature });
export const retireKey = (id: string) => post(`/api/keys/${of(id)}/retire`);

// --- tables
export const tables = (id: string) => get<S.Table[]>(`${project(id)}/tables`);
export const archiveTable = (handle: string, archived: boolean) =>
  call<void>("PATCH", `/api/tables/${of(handle)}`, { archived });
export const deleteTable = (handle: string) => call<void>("DELETE", `/api/tables/${of(handle)}`);

export const addTable = (
  id: string,
  receipt: {
    handle: string;
    name?: string;
    schema: S.Column[];
    rules?: S.TableRules;
    rows: number;
    file_digest: string;
    file_name: string;
  },
) => post<S.Table>(`${project(id)}/tables`, receipt);

// --- requests
export const requests = (id: string) => get<S.RequestSummary[]>(`${project(id)}/requests`);
export const submit = (
  id: string,
  request: { kind: "script" | "upload"; name: string; payload: string; note?: string; dummy_output?: string },
) => post<S.RequestView>(`${project(id)}/requests`, request);
const request = (id: string): string => `/api/requests/${of(id)}`;
export const oneRequest = (id: string) => get<S.RequestView>(request(id));
export const resubmit = (id: string, version: { payload: string; note?: string; dummy_output?: string }) =>
  post(`${request(id)}/versions`, version);
export const comment = (id: string, text: string, step?: number) =>
  post(`${request(id)}/comments`, step === undefined ? { text } : { text, step });
export const addSignature = (id: string, version: number, signature: string) =>
  post(`${request(id)}/signatures`, { version, signature });
export const judge = (id: string, version: number, verdict: "changes" | "reject", text: string) =>
  post(`${request(id)}/verdict`, { version, verdict, text });
export const withdraw = (id: string) => post(`${request(id)}/withdraw`);
export const revoke = (id: string, revocation: string) => post(`${request(id)}/revoke`, { revocation });
export const approvedFile = (id: string): string => `${request(id)}/approved`;
export const approvedText = (id: string) => text(`${request(id)}/approved`);
export const runs = (id: string) => get<S.Runs>(`${request(id)}/runs`);

// --- what happened
export const journal = (id: string, filter: { after?: number; kind?: string; actor?: string }) => {
  const query = new URLSearchParams();
  if (filter.after !== undefined) query.set("after", String(filter.after));
  if (filter.kind) query.set("kind", filter.kind);
  if (filter.actor) query.set("actor", filter.actor);
  return get<S.Journal>(`${project(id)}/journal?${query}`);
};
export const journalText = (id: string) => text(`${project(id)}/journal/export`);
export const journalExport = (id: string): string => `${project(id)}/journal/export`;
export const auditLog = (id: string, server: number) => text(`${project(id)}/audit/${server}`);
export const inbox = () => get<S.Inbox>("/api/inbox");
export const markRead = (id: string) => post(`/api/inbox/${of(id)}/read`);
export const markAllRead = () => post("/api/inbox/read");
