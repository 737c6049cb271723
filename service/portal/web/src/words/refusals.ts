// Refusals by their code, for the reader: where the portal said more than the code, that is kept.

import type { Locale } from "../state/format.ts";
import { inDutch } from "./refusals.nl.ts";
import { ofApprovals } from "./refusals.approvals.ts";
import { ofThePortal } from "./refusals.portal.ts";
import { ofTheServers } from "./refusals.servers.ts";

/** What happened, and what to do. */
export type Said = readonly [what: string, next?: string];
export type Refusals = Readonly<Record<string, Readonly<Record<Locale, Said>>>>;

const all: Refusals = { ...ofApprovals, ...ofTheServers, ...ofThePortal };

export type Told = { text: string; help?: string | undefined };

/** The words for a code alone; the code itself where there are none. */
export function sayCode(code: string, locale: Locale): Told {
  const [text, help] = said(code, locale) ?? [code];
  return { text, help };
}

/** A refusal with what was said of it. English is what portal and servers speak, and they know the particulars;
 *  what to do, they say to programmers. `server`: which one it is about. */
export function sayRefusal(
  code: string,
  message: string,
  help: string | undefined,
  locale: Locale,
  server?: number,
): Told {
  const words = said(code, locale);
  const next = words?.[1] ?? (help === undefined ? undefined : sentence(help));
  const text = happened(code, message, words, locale);
  const named = server === undefined || /\bserver \d/i.test(text);
  return { text: named ? text : `Server ${server}: ${text}`, help: next };
}

function happened(code: string, message: string, words: Said | undefined, locale: Locale): string {
  if (message === "") return words?.[0] ?? code;
  if (locale === "en") return sentence(message);
  const particular = inDutch(message);
  if (particular !== undefined) return particular;
  if (words === undefined) return sentence(message);
  return FIXED.has(code) ? words[0] : `${words[0]} (“${message}”)`;
}

/** Those of which the portal always says the same. */
const FIXED: ReadonlySet<string> = new Set([
  ...["not_logged_in", "wrong_login", "step_up_needed", "passkey_needed", "passkey_refused", "only_way_in"],
  ...["oidc_unreachable", "not_allowed", "cross_site", "too_often", "too_slow", "changed_meanwhile"],
  ...["own_request", "wrong_signature", "key_unknown", "last_administrator", "no_policy"],
  ...["disk_full", "upload_incomplete", "portal_unreachable", "already_signed"],
]);

/** Portal and servers write for logs, too: without a capital and a full stop. */
const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

const said = (code: string, locale: Locale): Said | undefined =>
  Object.hasOwn(all, code) ? all[code]?.[locale] : undefined;
