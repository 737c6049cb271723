// Light, dark, or as the system has it. Kept in this browser; no server has to know.

export type Theme = "system" | "light" | "dark";

const PLACE = "vdl.theme";

export function readTheme(): Theme {
  const kept = localStorage.getItem(PLACE);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function showTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function keepTheme(theme: Theme): void {
  localStorage.setItem(PLACE, theme);
  showTheme(theme);
}
