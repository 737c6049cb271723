// What was said and holds no longer: a set of signed statements that only grows.

import { Refused, fromHex, utf8 } from "./bytes.ts";
import { digest, digestWithin } from "./digests.ts";
import { Envelope, REVOCATION } from "./envelope.ts";
import { i64, inner, optional, readStrict, struct, tagged, text, u32, writeStrict } from "./codec.ts";
import type { Codec } from "./codec.ts";
import { VerifyingKey } from "./keys.ts";
import { identifier } from "./language.ts";
import { isEnvironment } from "./policy.ts";
import type { Policy } from "./policy.ts";

const UNREADABLE = "revocation_unreadable";

/** Named by content, never by signatures: those could be made anew. Keys are SPKI in base64. */
export type Revoked = {
  readonly kind: "approval" | "analyst" | "approver" | "policy";
  readonly named: string;
};
export type Revocation = {
  readonly type: string;
  readonly environment: string;
  readonly policy_version: number;
  readonly revokes: Revoked;
  readonly reason?: string;
  readonly time: number;
};

type Each = { [K in Revoked["kind"]]: { readonly kind: K; readonly named: string } }[Revoked["kind"]];
export const revoked = tagged<Each, "kind">("kind", {
  approval: inner("named", identifier),
  analyst: inner("named", text),
  approver: inner("named", text),
  policy: inner("named", identifier),
}) as Codec<Revoked>;

const revocationCodec = struct<Revocation>({
  type: text,
  environment: text,
  policy_version: u32,
  revokes: revoked,
  reason: optional(text),
  time: i64,
});

export async function readRevocation(payload: Uint8Array): Promise<Revocation> {
  const revocation = readStrict(revocationCodec, payload, UNREADABLE);
  const check = (holds: boolean, message: string): void => {
    if (!holds) throw new Refused(UNREADABLE, message);
  };
  check(revocation.type === "vdl-revocation/1", "another type");
  check(isEnvironment(revocation.environment), "the environment has no name");
  const characters = revocation.reason === undefined ? 1 : [...revocation.reason].length;
  check(characters >= 1 && characters <= 1000, "a reason has 1 to 1000 characters");
  const { kind, named } = revocation.revokes;
  if (kind === "analyst" || kind === "approver") {
    const key = await VerifyingKey.fromBase64(named).catch(() => undefined);
    check(key !== undefined, "this is no usable key");
  }
  return revocation;
}

/** Names a revocation, however it was spaced. */
export function revocationDigest(revocation: Revocation): string {
  return digest(writeRevocation(revocation));
}

/** The exact bytes that are to be signed. */
export function writeRevocation(revocation: Revocation): Uint8Array {
  return utf8(writeStrict(revocationCodec, revocation, UNREADABLE, false));
}

export class Revocations {
  private readonly known = new Set<string>();
  private readonly revoked = new Set<string>();

  /** Adds one that an approver of one of these policies signed. */
  async add(bytes: Uint8Array, policies: Policy[]): Promise<void> {
    const envelope = Envelope.open(bytes, REVOCATION);
    const signedUnder: Policy[] = [];
    for (const policy of policies) {
      for (const key of policy.keys) {
        if (await envelope.isSignedBy(key)) {
          signedUnder.push(policy);
          break;
        }
      }
    }
    if (signedUnder.length === 0) throw new Refused("not_an_approver", "no approver signed this");
    const revocation = await readRevocation(envelope.payload);
    const policy = signedUnder.find((policy) => policy.statement.version === revocation.policy_version);
    if (policy === undefined) throw new Refused("not_an_approver", "signed under another policy");
    if (policy.statement.environment !== revocation.environment) {
      throw new Refused("wrong_environment", revocation.environment);
    }
    this.revoked.add(`${revocation.revokes.kind} ${revocation.revokes.named}`);
    this.known.add(revocationDigest(revocation));
  }

  /** Names the set: the same for all who know the same, in whatever order they learned it. */
  digest(): string {
    return digestWithin("vdl revocations 1", ...[...this.known].sort().map(fromHex));
  }

  approver(key: VerifyingKey): boolean {
    return this.revoked.has(`approver ${key.toBase64()}`);
  }

  analyst(key: VerifyingKey): boolean {
    return this.revoked.has(`analyst ${key.toBase64()}`);
  }

  approval(named: string): boolean {
    return this.revoked.has(`approval ${named}`);
  }

  policy(named: string): boolean {
    return this.revoked.has(`policy ${named}`);
  }
}
