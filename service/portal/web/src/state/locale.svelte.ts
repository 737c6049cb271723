// The language of the page. Kept in this browser.

import { ui, type UiWords } from "../words/ui.ts";
import type { Locale } from "./format.ts";

const PLACE = "vdl.locale";

function initial(): Locale {
  const kept = localStorage.getItem(PLACE) ?? navigator.language;
  return kept.startsWith("nl") ? "nl" : "en";
}

const held = $state({ locale: initial() });

export const locale = (): Locale => held.locale;
export const words = (): UiWords => ui[held.locale];

/** The account's language, unless another was chosen in this browser. */
export function takeLocale(locale: Locale): void {
  if (localStorage.getItem(PLACE) === null) held.locale = locale;
}

export function setLocale(locale: Locale): void {
  held.locale = locale;
  localStorage.setItem(PLACE, locale);
}

/** What screen readers speak. */
export function tellLanguage(): void {
  document.documentElement.lang = held.locale;
}
