// One function for each call to the portal. Paths, bodies and answers are held to its own description.

import createClient from "openapi-fetch";
import { refusalOf, unreachable } from "./refusal.ts";
import type { paths } from "./schema.ts";
import type { KeyPurpose, RequestKind, Role, TableForm } from "./shapes.ts";

const client = createClient<paths>({ credentials: "same-origin", cache: "no-store" });

/** The answer, or a `Refusal` is thrown. */
async function told<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch(() => {
    throw unreachable();
  });
  if (!response.ok) throw refusalOf(response.status, error);
  return data as T;
}

// --- who I am
export const me = () => told(client.GET("/api/me"));
export const setMyLocale = (locale: "en" | "nl") => told(client.PATCH("/api/me", { body: { locale } }));
export const login = (email: string, password: string) =>
  told(client.POST("/api/login", { body: { email, password } }));
export const logout = () => told(client.DELETE("/api/session"));
/** Without the old one where there is none yet. */
export const changePassword = (old: string | undefined, fresh: string) =>
  told(client.POST("/api/password", { body: old === undefined ? { new: fresh } : { old, new: fresh } }));
export const stepUp = (password: string) => told(client.POST("/api/fresh", { body: { password } }));
export const startPasskeyLogin = () => told(client.POST("/api/login/passkey/start"));
export const finishPasskeyLogin = (answer: unknown) =>
  told(client.POST("/api/login/passkey/finish", { body: { answer } }));
export const startPasskeyStepUp = () => told(client.POST("/api/fresh/passkey/start"));
export const finishPasskeyStepUp = (answer: unknown) =>
  told(client.POST("/api/fresh/passkey/finish", { body: { answer } }));
export const passkeys = () => told(client.GET("/api/passkeys"));
export const startPasskey = () => told(client.POST("/api/passkeys/start"));
export const finishPasskey = (name: string, answer: unknown) =>
  told(client.POST("/api/passkeys/finish", { body: { name, answer } }));
export const removePasskey = (id: string) =>
  told(client.DELETE("/api/passkeys/{id}", { params: { path: { id } } }));
export const needPasskey = (needed: boolean) =>
  told(client.PUT("/api/passkeys/needed", { body: { needed } }));
export const invited = (token: string) =>
  told(client.GET("/api/invitations/{token}", { params: { path: { token } } }));
export const accept = (token: string, body: { name: string; password: string; email?: string }) =>
  told(client.POST("/api/invitations/{token}", { params: { path: { token } }, body }));
export const signInOffer = () => told(client.GET("/api/oidc"));
export const acceptElsewhere = (token: string, body: { name: string; email?: string }) =>
  told(client.POST("/api/invitations/{token}/oidc", { params: { path: { token } }, body }));
export const waysIn = () => told(client.GET("/api/identities"));
export const linkIdentity = () => told(client.POST("/api/identities"));
export const unlinkIdentity = (id: string) =>
  told(client.DELETE("/api/identities/{id}", { params: { path: { id } } }));
export const sessions = () => told(client.GET("/api/sessions"));
export const endSession = (id: string) =>
  told(client.DELETE("/api/sessions/{id}", { params: { path: { id } } }));

// --- projects
const of = (project: string) => ({ params: { path: { project } } });
export const oneProject = (project: string) => told(client.GET("/api/projects/{project}", of(project)));
export const setRoles = (project: string, user: string, roles: Role[]) =>
  told(
    client.PUT("/api/projects/{project}/members/{user}", {
      params: { path: { project, user } },
      body: { roles },
    }),
  );
export const resetPasskeys = (project: string, user: string) =>
  told(
    client.DELETE("/api/projects/{project}/members/{user}/passkeys", { params: { path: { project, user } } }),
  );
export const invitations = (project: string) =>
  told(client.GET("/api/projects/{project}/invitations", of(project)));
export const invite = (project: string, email: string, roles: Role[]) =>
  told(client.POST("/api/projects/{project}/invitations", { ...of(project), body: { email, roles } }));
export const uninvite = (project: string, id: string) =>
  told(client.DELETE("/api/projects/{project}/invitations/{id}", { params: { path: { project, id } } }));
/** Signs somebody out everywhere. */
export const endMemberSessions = (project: string, user: string) =>
  told(
    client.DELETE("/api/projects/{project}/members/{user}/sessions", { params: { path: { project, user } } }),
  );
export const policies = (project: string) => told(client.GET("/api/projects/{project}/policy", of(project)));
export const proposePolicy = (project: string, payload: string) =>
  told(client.POST("/api/projects/{project}/policy", { ...of(project), body: { payload } }));
export const signPolicy = (project: string, version: number, signature: string) =>
  told(
    client.POST("/api/projects/{project}/policy/signatures", {
      ...of(project),
      body: { version, signature },
    }),
  );
/** What the three servers go by. */
export const rules = (project: string) => told(client.GET("/api/projects/{project}/rules", of(project)));
export const revokedKeys = (project: string) =>
  told(client.GET("/api/projects/{project}/revocations", of(project)));
export const revokeKey = (project: string, revocation: string) =>
  told(client.POST("/api/projects/{project}/revocations", { ...of(project), body: { revocation } }));
export const policyFile = (project: string, version: number): string =>
  `/api/projects/${encodeURIComponent(project)}/policy/${version}/file`;

// --- keys
export const keys = () => told(client.GET("/api/keys"));
export const keyChallenge = () => told(client.GET("/api/keys/challenge"));
export const enrol = (
  name: string,
  purpose: KeyPurpose,
  spki: string,
  challenge: string,
  signature: string,
) => told(client.POST("/api/keys", { body: { name, purpose, public: spki, challenge, signature } }));
export const retireKey = (id: string) =>
  told(client.POST("/api/keys/{id}/retire", { params: { path: { id } } }));

// --- tables
export const tables = (project: string) => told(client.GET("/api/projects/{project}/tables", of(project)));
export const addTable = (project: string, body: TableForm) =>
  told(client.POST("/api/projects/{project}/tables", { ...of(project), body }));
export const archiveTable = (handle: string, archived: boolean) =>
  told(client.PATCH("/api/tables/{handle}", { params: { path: { handle } }, body: { archived } }));
export const deleteTable = (handle: string) =>
  told(client.DELETE("/api/tables/{handle}", { params: { path: { handle } } }));

// --- requests
type Words = { note?: string; dummy_output?: string };
const at = (request: string) => ({ params: { path: { request } } });
export const requests = (project: string) =>
  told(client.GET("/api/projects/{project}/requests", of(project)));
export const submit = (project: string, body: { kind: RequestKind; name: string; payload: string } & Words) =>
  told(client.POST("/api/projects/{project}/requests", { ...of(project), body }));
export const oneRequest = (id: string) => told(client.GET("/api/requests/{request}", at(id)));
/** Whole; in the request itself only the latest version is. */
export const oneVersion = (request: string, version: number) =>
  told(
    client.GET("/api/requests/{request}/versions/{version}", { params: { path: { request, version } } }),
  );
export const resubmit = (id: string, body: { payload: string } & Words) =>
  told(client.POST("/api/requests/{request}/versions", { ...at(id), body }));
/** `step` counts from 0. */
export const comment = (id: string, text: string, step?: number) =>
  told(
    client.POST("/api/requests/{request}/comments", {
      ...at(id),
      body: step === undefined ? { text } : { text, step },
    }),
  );
export const addSignature = (id: string, version: number, signature: string) =>
  told(client.POST("/api/requests/{request}/signatures", { ...at(id), body: { version, signature } }));
export const judge = (id: string, version: number, verdict: "changes" | "reject", text: string) =>
  told(client.POST("/api/requests/{request}/verdict", { ...at(id), body: { version, verdict, text } }));
export const withdraw = (id: string) => told(client.POST("/api/requests/{request}/withdraw", at(id)));
export const revoke = (id: string, revocation: string) =>
  told(client.POST("/api/requests/{request}/revoke", { ...at(id), body: { revocation } }));
export const runs = (id: string) => told(client.GET("/api/requests/{request}/runs", at(id)));
export const approvedFile = (id: string): string => `/api/requests/${encodeURIComponent(id)}/approved`;
export const approvedText = (id: string) =>
  told(client.GET("/api/requests/{request}/approved", { ...at(id), parseAs: "text" }));

// --- what happened
type Filter = { after?: number; kind?: string; actor?: string };
export const journal = (project: string, query: Filter) =>
  told(client.GET("/api/projects/{project}/journal", { params: { path: { project }, query } }));
export const journalText = (project: string) =>
  told(client.GET("/api/projects/{project}/journal/export", { ...of(project), parseAs: "text" }));
export const journalExport = (project: string): string =>
  `/api/projects/${encodeURIComponent(project)}/journal/export`;
export const auditLog = (project: string, server: number) =>
  told(
    client.GET("/api/projects/{project}/audit/{server}", {
      params: { path: { project, server } },
      parseAs: "text",
    }),
  );
export const inbox = () => told(client.GET("/api/inbox"));
export const markRead = (id: string) =>
  told(client.POST("/api/inbox/{id}/read", { params: { path: { id } } }));
export const markAllRead = () => told(client.POST("/api/inbox/read"));
