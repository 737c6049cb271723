// What the portal answers, as its own description says. Times are seconds since 1970 in UTC.

import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type Role = Schemas["Role"];
export const ROLES: readonly Role[] = ["provider", "analyst", "approver", "administrator", "auditor"];

export type Me = Schemas["Me"];
export type WaysIn = Schemas["WaysIn"];
export type Identity = Schemas["IdentityInfo"];
export type Passkey = Schemas["PasskeyInfo"];
export type Membership = Schemas["Membership"];
export type Key = Schemas["KeyInfo"];
export type KeyRevocation = Schemas["KeyRevocation"];
export type KeyPurpose = Schemas["Purpose"];
export type Member = Schemas["Member"];
export type PolicyInfo = Schemas["PolicyInfo"];
export type Policies = Schemas["Policies"];
export type ServersRules = Schemas["Rules"];
export type Project = Schemas["Project"];
export type Table = Schemas["Table"];
export type Upload = Schemas["Upload"];
export type RequestState = Schemas["State"];
export type RequestKind = Schemas["Kind"];
export type RequestSummary = Schemas["RequestSummary"];
/** Steps in comments count from 0. */
export type RequestView = Schemas["Request"];
export type Comment = Schemas["Comment"];
export type Signature = Schemas["Signature"];
export type Entry = Schemas["Entry"];
export type Notice = Schemas["Notice"];
export type Problem = Schemas["Problem"];
export type TableForm = Schemas["ReceiptForm"];

/** What the page writes into a table's `rules`: those the servers keep, and a note that nobody enforces. */
export type TableRules = { min_rows?: number; join_only?: string[]; round_counts?: number; note?: string };
