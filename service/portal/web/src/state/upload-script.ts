// The authorization a provider uploads with: uploads of any structure, with the same rules each, in any order
// and number; it opens nothing. The same as `vdl template any-upload` and `guarded-upload`.

import type { Rules } from "../contract/language.ts";
import type { Script } from "../contract/script.ts";
import { templateAnyUpload, templateGuardedUpload } from "../contract/template.ts";

export const uploadScript = (rules: Rules | undefined): Script =>
  rules === undefined ? templateAnyUpload() : templateGuardedUpload(rules);

/** The rules of the tables that a script allows to upload; `undefined` where it allows anything else. */
export function readUploadScript(script: Script): { readonly rules: Rules | undefined } | undefined {
  const [command, ...more] = script.steps.map((step) => step.command);
  if (script.ordered || more.length > 0 || script.holes.length > 0) return undefined;
  if (command?.verb !== "upload" || !("hole" in command.columns) || command.name !== undefined)
    return undefined;
  const { rules } = command;
  if (rules === undefined) return { rules: undefined };
  return "value" in rules ? { rules: rules.value } : undefined;
}
