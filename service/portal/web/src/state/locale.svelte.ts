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

export function setLocale(locale: Locale): void {
  held.locale = locale;
  localStorage.setItem(PLACE, locale);
  document.documentElement.lang = locale;
}
