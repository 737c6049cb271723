// Bytes as the standard alphabet writes them, and PEM around them.

export type Bytes = Uint8Array<ArrayBuffer>;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** Undefined if it is no base64. */
export function fromBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function toPem(label: string, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
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

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

export const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);
