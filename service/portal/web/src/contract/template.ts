// Ready-made authorizations, as `vdl template` writes them.

import type { Rules } from "./language.ts";
import { SCRIPT_FORMAT } from "./script.ts";
import type { Script } from "./script.ts";

/** Uploads of any structure, without a name or rules, in any number and order. */
export const templateAnyUpload = (): Script => uploads("Allow any upload");

/** The same, of tables with these rules and no others. */
export const templateGuardedUpload = (rules: Rules): Script =>
  uploads("Allow any upload with these rules", rules);

function uploads(name: string, rules?: Rules): Script {
  const asked = rules === undefined ? {} : { rules: { value: rules } };
  const command = { verb: "upload", columns: { hole: "##columns##" }, ...asked } as const;
  return { format: SCRIPT_FORMAT, name, ordered: false, holes: [], steps: [{ command }] };
}
