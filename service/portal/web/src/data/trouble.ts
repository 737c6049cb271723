// Why a file could not be read, as data: it crosses from one thread to another, and is said in any language.

import { RowTooLong } from "./reader.ts";
import { NotText } from "./rows.ts";
import { SourceChanged } from "./source.ts";
import { BadFile, type FileFault } from "./survey.ts";

export type Trouble =
  | { readonly code: FileFault | "changed" }
  | { readonly code: "not_text"; readonly encoding: string }
  | { readonly code: "row_too_long"; readonly line: number };

/** What browsers throw when a file is gone, locked or not the same any more. */
const GONE = ["NotReadableError", "NotFoundError", "SecurityError", "NotAllowedError"];

/** Undefined for what is no fault of the file. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof FileTrouble) return error.trouble;
  if (error instanceof BadFile) return { code: error.fault };
  if (error instanceof NotText) return { code: "not_text", encoding: error.encoding };
  if (error instanceof RowTooLong) return { code: "row_too_long", line: error.line };
  if (error instanceof SourceChanged) return { code: "changed" };
  if (error instanceof DOMException && GONE.includes(error.name)) return { code: "changed" };
  return undefined;
}

/** A fault of the file that another thread met. */
export class FileTrouble extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble, message: string) {
    super(message);
    this.trouble = trouble;
  }
}
