// What the portal answers. Times are seconds since 1970 in UTC.

export type Role = "provider" | "analyst" | "approver" | "administrator" | "auditor";
export const ROLES: readonly Role[] = ["provider", "analyst", "approver", "administrator", "auditor"];

export type Membership = { id: string; name: string; roles: Role[] };
export type Me = {
  user: { id: string; name: string; email: string; locale: "en" | "nl" };
  projects: Membership[];
  fresh_until: number;
};
export type Invited = { email: string; project: string; roles: Role[] };
export type Invitation = { id: string; email: string; roles: Role[]; expires: number };
export type Session = { id: string; created: number; seen: number; agent?: string | null; current: boolean };

export type KeyPurpose = "analyst" | "approver" | "provider";
export type Key = {
  id: string;
  name: string;
  purpose: KeyPurpose;
  public: string;
  fingerprint: string;
  created: number;
  retired?: number | null;
};
export type Challenge = { challenge: string; expires: number };
export type Member = { user: string; name: string; email: string; roles: Role[]; keys: Key[] };
export type PolicyApprover = { name: string; key: string; fingerprint: string; user?: string | null };
export type PolicySignature = { user: string; public: string; signature: string; created: number };
export type PolicyInfo = {
  version: number;
  payload: string;
  digest: string;
  rule: string;
  approvers: PolicyApprover[];
  expires?: number | null;
  adopt_before?: number | null;
  adopted?: number | null;
  signatures: PolicySignature[];
};
export type Policies = { current?: PolicyInfo | null; draft?: PolicyInfo | null };
export type ServerInfo = { server: number; address: string; seal_key?: string | null; fingerprint: string };
export type Project = {
  id: string;
  name: string;
  environment: string;
  mode: string;
  members: Member[];
  policy?: PolicyInfo | null;
  servers: ServerInfo[];
};

export type Column = { name: string; type: string };
export type Table = {
  handle: string;
  name?: string | null;
  owner: string;
  schema: Column[];
  rules?: unknown;
  rows: number;
  file_digest: string;
  file_name: string;
  archived: boolean;
  created: number;
  used_by: string[];
};
/** What the page writes into `rules`, in its own words. */
export type TableRules = { minimum_rows?: number; purposes?: string };
export type Upload = { id: string; state: string; sizes: number[]; chunk: number; have: number[][]; created: number };

export type RequestState = "submitted" | "changes_requested" | "approved" | "rejected" | "withdrawn" | "revoked";
export type RequestAction = "sign" | "ask_changes" | "reject" | "withdraw" | "resubmit" | "revoke";
export type RequestKind = "script" | "upload";
export type RequestSummary = {
  id: string;
  kind: RequestKind;
  name: string;
  user: string;
  user_name: string;
  state: RequestState;
  version: number;
  digest: string;
  signed: number;
  created: number;
  changed: number;
};
export type Version = {
  version: number;
  payload: string;
  digest: string;
  note?: string | null;
  dummy_output?: string | null;
  created: number;
};
/** `step` counts from 0. */
export type Comment = {
  id: string;
  version: number;
  user: string;
  user_name: string;
  verdict?: "changes" | "reject" | null;
  step?: number | null;
  text: string;
  created: number;
};
export type Signature = {
  version: number;
  user: string;
  user_name: string;
  public: string;
  fingerprint: string;
  signature: string;
  created: number;
};
export type RequestView = Omit<RequestSummary, "signed"> & {
  project: string;
  allowed: RequestAction[];
  versions: Version[];
  comments: Comment[];
  signatures: Signature[];
};
export type Runs = { used: number; limit?: number | null; expires?: number | null };

export type Entry = {
  sequence: number;
  time: number;
  actor: string;
  kind: string;
  object: string;
  detail: unknown;
  previous: string;
};
export type Journal = { entries: Entry[]; length: number; head: string };
export type NoticeKind =
  | "submitted"
  | "resubmitted"
  | "signed"
  | "approved"
  | "changes_requested"
  | "rejected"
  | "withdrawn"
  | "revoked"
  | "commented"
  | "roles_changed"
  | "policy_proposed"
  | "policy_adopted";
export type Message = {
  id: string;
  kind: NoticeKind;
  project: string;
  project_name: string;
  request?: string | null;
  request_name?: string | null;
  created: number;
  seen?: number | null;
};
export type Inbox = { notices: Message[]; unread: number };
