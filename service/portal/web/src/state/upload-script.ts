// The authorization a provider uploads with: any upload, in any order and number; it opens nothing. The same as
// `vdl template any-upload`.

import { utf8 } from "../contract/bytes.ts";
import { readScript, SCRIPT_FORMAT, type Script } from "../contract/script.ts";

export function uploadScript(): Script {
  const steps = [{ command: { upload: { columns: "##columns##" } } }];
  return readScript(
    utf8(JSON.stringify({ format: SCRIPT_FORMAT, name: "Allow any upload", ordered: false, steps })),
  );
}

/** Whether a script allows just this. */
export const isUploadScript = (script: Script): boolean =>
  !script.ordered &&
  script.steps.length > 0 &&
  script.steps.every(({ command }) => command.verb === "upload");
