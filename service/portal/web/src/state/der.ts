// As much of DER as key files take.

import type { Bytes } from "./base64.ts";

export const SEQUENCE = 0x30;
export const INTEGER = 0x02;
export const OCTETS = 0x04;
export const NULL = 0x05;
export const OID = 0x06;

export type Node = { tag: number; content: Bytes };

export function write(tag: number, ...parts: Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head =
    length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes(length).length, ...lengthBytes(length)];
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A number of at least 0. */
export function writeInteger(value: number): Bytes {
  const bytes = lengthBytes(value);
  return write(INTEGER, new Uint8Array((bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes));
}

function lengthBytes(value: number): number[] {
  const bytes = [value & 0xff];
  for (let rest = Math.floor(value / 256); rest > 0; rest = Math.floor(rest / 256))
    bytes.unshift(rest & 0xff);
  return bytes;
}

/** The elements that `bytes` consists of; undefined if it is anything else. */
export function read(bytes: Bytes): Node[] | undefined {
  const nodes: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at];
    let length = bytes[at + 1];
    if (tag === undefined || length === undefined) return undefined;
    at += 2;
    if (length >= 0x80) {
      const many = length & 0x7f;
      if (many === 0 || many > 3 || at + many > bytes.length) return undefined;
      length = bytes.subarray(at, at + many).reduce((sum, byte) => sum * 256 + byte, 0);
      at += many;
    }
    if (at + length > bytes.length) return undefined;
    nodes.push({ tag, content: bytes.slice(at, at + length) });
    at += length;
  }
  return nodes;
}

/** What a sequence consists of. */
export function inside(node: Node | undefined): Node[] | undefined {
  return node?.tag === SEQUENCE ? read(node.content) : undefined;
}

export function readInteger(node: Node | undefined): number | undefined {
  if (node?.tag !== INTEGER || node.content.length > 5 || node.content.length === 0) return undefined;
  return node.content.reduce((sum, byte) => sum * 256 + byte, 0);
}
