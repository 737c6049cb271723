// What was said and holds no longer: a set of signed statements that only grows.

import { Refused, fromHex, utf8 } from "./bytes.js";
import { digest, digestWithin } from "./digests.js";
import { Envelope, REVOCATION } from "./envelope.js";
import { identifier, object, oneOf, seconds, text, u32 } from "./form.js";
import { readJson, writeJson } from "./json.js";
import { VerifyingKey } from "./keys.js";
import { type Policy, isEnvironment } from "./policy.js";

const UNREADABLE = "revocation_unreadable";

const form = object(
  {
    type: text, environment: text, policy_version: u32,
    revokes: oneOf({ approval: identifier, analyst: text, approver: text, policy: identifier }),
    time: seconds,
  },
  { reason: text },
);
export type Revocation = ReturnType<typeof form>;

export async function readRevocation(payload: Uint8Array): Promise<Revocation> {
  const revocation = form(readJson(payload, UNREADABLE), UNREADABLE);
  const check = (holds: boolean, message: string): void => {
    if (!holds) throw new Refused(UNREADABLE, message);
  };
  check(revocation.type === "vdl-revocation/1", "another type");
  check(isEnvironment(revocation.environment), "the environment has no name");
  const characters = revocation.reason === undefined ? 1 : [...revocation.reason].length;
  check(characters >= 1 && characters <= 1000, "a reason has 1 to 1000 characters");
  const [kind, named] = revocation.revokes;
  if (kind === "analyst" || kind === "approver") {
    const key = await VerifyingKey.fromBase64(named).catch(() => undefined);
    check(key !== undefined, "this is no usable key");
  }
  return revocation;
}

/** Names a revocation, however it was spaced. */
export function revocationDigest(revocation: Revocation): string {
  const { type, environment, policy_version, revokes, reason, time } = revocation;
  const [kind, named] = revokes;
  return digest(
    utf8(writeJson({ type, environment, policy_version, revokes: { [kind]: named }, reason, time })),
  );
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
    this.revoked.add(revocation.revokes.join(" "));
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
