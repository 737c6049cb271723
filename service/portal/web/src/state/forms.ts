// What forms have in common.

import { tick } from "svelte";

/** Takes the reader of a form that was not sent to the first field that is wrong: it may be out of sight. */
export async function showWrong(event: SubmitEvent): Promise<void> {
  const form = event.currentTarget;
  // The page marks them first.
  await tick();
  if (form instanceof HTMLFormElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
