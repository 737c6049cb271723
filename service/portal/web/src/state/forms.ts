// What forms have in common.

import { tick } from "svelte";

/** Takes the reader of a form that was not sent to the first field that is wrong: it may be out of sight. */
export async function showWrong({ currentTarget: form }: Pick<SubmitEvent, "currentTarget">): Promise<void> {
  // The page marks them first.
  await tick();
  if (form instanceof HTMLFormElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
