// A DSSE envelope (version 1) around the exact bytes of a document. Verify first, then read the bytes that
// were verified; loop over the keys that count, never over the signatures that came.

import { Refused, base64, fromAnyBase64, utf8 } from "./bytes.ts";
import { list, optional, readStrict, struct, text, writeStrict } from "./codec.ts";
import { pae } from "./keys.ts";
import type { SigningKey, VerifyingKey } from "./keys.ts";

export const APPROVAL = "application/vnd.vdl.approval.v1+json";
export const POLICY = "application/vnd.vdl.policy.v1+json";
export const REVOCATION = "application/vnd.vdl.revocation.v1+json";

const UNREADABLE = "approval_unreadable";
const MOST_SIGNATURES = 64;

/** The key id is a hint and decides nothing. */
type Signature = { readonly keyid?: string; readonly sig: string };
type Written = { readonly payloadType: string; readonly payload: string; readonly signatures: Signature[] };

const written = struct<Written>({
  payloadType: text,
  payload: text,
  signatures: list(struct<Signature>({ keyid: optional(text), sig: text })),
});

export class Envelope {
  readonly type: string;
  /** The exact bytes that were signed. */
  readonly payload: Uint8Array;
  private readonly signatures: Signature[];

  private constructor(type: string, payload: Uint8Array, signatures: Signature[]) {
    this.type = type;
    this.payload = payload;
    this.signatures = signatures;
  }

  /** Believes nothing. */
  static read(bytes: Uint8Array): Envelope {
    const { payloadType, payload, signatures } = readStrict(written, bytes, UNREADABLE);
    if (signatures.length > MOST_SIGNATURES) throw new Refused(UNREADABLE, "too many signatures");
    const inside = fromAnyBase64(payload);
    if (inside === undefined) throw new Refused(UNREADABLE, "the payload is no base64");
    return new Envelope(payloadType, inside, signatures);
  }

  /** An envelope that has to be of one kind. */
  static open(bytes: Uint8Array, type: string): Envelope {
    const envelope = Envelope.read(bytes);
    if (envelope.type !== type) throw new Refused(UNREADABLE, "this is another kind of file");
    return envelope;
  }

  static unsigned(type: string, payload: Uint8Array): Envelope {
    return new Envelope(type, payload, []);
  }

  /** Key ids are hints, and not needed. */
  async isSignedBy(key: VerifyingKey): Promise<boolean> {
    const message = pae(this.type, this.payload);
    for (const { sig } of this.signatures) if (await key.verifies(message, sig)) return true;
    return false;
  }

  /** With one more signature over the same bytes. Whoever calls this has read and understood them. */
  async signedAlsoBy(key: SigningKey): Promise<Envelope> {
    const keyid = key.verifyingKey.fingerprint();
    const sig = await key.sign(pae(this.type, this.payload));
    return new Envelope(this.type, this.payload, [...this.signatures, { keyid, sig }]);
  }

  toBytes(): Uint8Array {
    const { type: payloadType, signatures } = this;
    return utf8(
      writeStrict(written, { payloadType, payload: base64(this.payload), signatures }, UNREADABLE, true),
    );
  }
}
