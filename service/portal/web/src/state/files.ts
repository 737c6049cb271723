// Files from and to the reader's disk.

/** Hands the reader a file. */
export function save(name: string, content: string | Uint8Array<ArrayBuffer>, type?: string): void {
  saveParts(name, [content], type);
}

/** The same in pieces, for what is long. */
export function saveParts(
  name: string,
  parts: readonly (string | Uint8Array<ArrayBuffer>)[],
  type = "application/octet-stream",
): void {
  const address = URL.createObjectURL(new Blob([...parts], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = safeFileName(name);
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A name that means nothing to any file system. */
export function safeFileName(name: string): string {
  const kept = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._ -]+/gu, "-")
    .replace(/^[. -]+/, "")
    .slice(0, 100);
  return kept === "" ? "file" : kept;
}

/** A name for a file made from a title: lower case, hyphens. */
export function slug(title: string): string {
  const kept = title
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return kept === "" ? "script" : kept;
}

export async function readBytes(file: File): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer());
}
