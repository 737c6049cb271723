// From a file to rows: bytes, text and fields in one stream, so that no more than a piece is ever held.

import { RowReader, delimiterOf, type Sink } from "./reader.ts";
import {
  decoderOf,
  encodingOf,
  pieces,
  type Encoding,
  type Octets,
  type Source,
  type Watch,
} from "./source.ts";

/** How a file is written. */
export interface FileFormat {
  readonly encoding: Encoding;
  readonly delimiter: string;
  /** Whether the first row names the columns. */
  readonly header: boolean;
}

const SAMPLE = 1 << 16;

/** How a file seems to be written, from its beginning. What is given is taken as it is. */
export async function formatOf(source: Source, given: Partial<FileFormat> = {}): Promise<FileFormat> {
  const head = new Uint8Array(await source.slice(0, Math.min(SAMPLE, source.size)).arrayBuffer());
  const found = encodingOf(head);
  let encoding = given.encoding ?? found.encoding;
  let text: string;
  try {
    text = decoderOf(encoding).decode(head.subarray(found.mark));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    if (given.encoding !== undefined) throw new NotText(given.encoding);
    encoding = "windows-1252";
    text = decoderOf(encoding).decode(head);
  }
  return { encoding, delimiter: given.delimiter ?? delimiterOf(text), header: given.header ?? true };
}

/** The bytes are no text in this encoding. */
export class NotText extends Error {
  readonly encoding: Encoding;

  constructor(encoding: Encoding) {
    super(`the file is not text in the encoding ${encoding}`);
    this.encoding = encoding;
  }
}

/** Hands every row to `sink`, and the bytes as they pass to `bytes`. */
export async function readRows(
  source: Source,
  format: FileFormat,
  sink: Sink,
  watch?: Watch,
  bytes?: (piece: Octets) => void,
): Promise<void> {
  const reader = new RowReader(format.delimiter, sink);
  const decoder = decoderOf(format.encoding);
  const text = (decode: () => string): string => {
    try {
      return decode();
    } catch (error) {
      throw error instanceof TypeError ? new NotText(format.encoding) : error;
    }
  };
  let first = true;
  for await (const piece of pieces(source, watch)) {
    bytes?.(piece);
    const mark = first ? encodingOf(piece).mark : 0;
    first = false;
    reader.push(text(() => decoder.decode(piece.subarray(mark))));
  }
  reader.push(text(() => decoder.end()));
  reader.end();
}

/** A text of its own: a part of a larger one would keep the whole alive. */
export function copyOf(text: string, longest = 200): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return new TextDecoder().decode(new TextEncoder().encode(cut));
}
