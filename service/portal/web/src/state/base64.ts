// PEM around bytes in base64, which is read here as strictly as what is signed.

import { base64, fromBase64, type Bytes } from "../contract/bytes.ts";

export { base64 as toBase64, equal, fromBase64, utf8, type Bytes } from "../contract/bytes.ts";

export function toPem(label: string, bytes: Uint8Array): string {
  const lines = base64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The label and content of the one block that a file consists of. */
export function fromPem(text: string): { label: string; bytes: Bytes } | undefined {
  const found = /^-----BEGIN ([A-Z ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*$/.exec(text.trim());
  const [, label, body] = found ?? [];
  if (label === undefined || body === undefined) return undefined;
  const bytes = fromBase64(body.replace(/\s/g, ""));
  return bytes === undefined ? undefined : { label, bytes };
}
