// Values that are taken elsewhere.

import { words } from "./locale.svelte.ts";
import { complain } from "./toasts.svelte.ts";

/** Copies a text; where the browser refuses, selects the element that shows it, so that a key press does. */
export async function copyOut(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    complain(words().common.notCopied);
    return false;
  }
}
