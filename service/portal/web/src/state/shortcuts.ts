// Keys of the page on which approvers read. They are single letters, so they can be switched off: whoever
// speaks to their machine, or rests a hand on the keys, must not be taken elsewhere by it.

export type Action = "next" | "previous" | "comment" | "decide" | "help";

export const KEYS: Readonly<Record<Action, string>> = {
  next: "j",
  previous: "k",
  comment: "c",
  decide: "d",
  help: "?",
};

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing"> & {
  readonly target: EventTarget | null;
  readonly defaultPrevented: boolean;
};

/** Where letters are written, or where something else waits for an answer. */
const ELSEWHERE = "input, textarea, select, dialog, [contenteditable]";

/** What a key stands for; undefined where it is meant for something else. */
export function actionOf(pressed: Pressed): Action | undefined {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return undefined;
  if (pressed.isComposing || pressed.defaultPrevented) return undefined;
  const target = pressed.target as { closest?(selector: string): unknown } | null;
  if (target?.closest?.(ELSEWHERE)) return undefined;
  return (Object.keys(KEYS) as Action[]).find((action) => KEYS[action] === pressed.key);
}

/** The step to go to, within 1 and `last`; `from` is 0 before the first. */
export const stepBy = (from: number, by: 1 | -1, last: number): number =>
  Math.min(last, Math.max(1, from + by));

const PLACE = "vdl.shortcuts";

export const areOn = (): boolean => localStorage.getItem(PLACE) !== "off";
export const turn = (on: boolean): void => localStorage.setItem(PLACE, on ? "on" : "off");

/** Brings a step into sight, and whoever reads on with it. */
export function goToStep(step: number): void {
  const place = document.getElementById(`step-${step}`);
  place?.scrollIntoView({ block: "nearest" });
  place?.focus({ preventScroll: true });
}
