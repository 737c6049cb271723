// Passkeys, as the browser has them. Challenges and answers travel in the form the standard gives them in
// JSON.

/** What the portal asks of the browser. */
export type Options = { publicKey?: unknown };

/** Whether this browser takes passkeys at this address; none does at a number such as 127.0.0.1. */
export function passkeysHere(): boolean {
  const number = /^[\d.]+$|:/.test(location.hostname.replace(/^\[|\]$/g, ""));
  return !number && "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** What became of it when no answer came. */
export type Silence = "cancelled" | "known" | "failed";

export class NoAnswer extends Error {
  readonly silence: Silence;
  constructor(silence: Silence) {
    super(silence);
    this.silence = silence;
  }
}

/** Makes a passkey in a device of the reader's. */
export async function makePasskey(options: Options): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options.publicKey as PublicKeyCredentialCreationOptionsJSON,
  );
  return answered(() => navigator.credentials.create({ publicKey }));
}

/** Shows one. */
export async function showPasskey(options: Options): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options.publicKey as PublicKeyCredentialRequestOptionsJSON,
  );
  return answered(() => navigator.credentials.get({ publicKey }));
}

async function answered(ask: () => Promise<Credential | null>): Promise<unknown> {
  let credential: Credential | null;
  try {
    credential = await ask();
  } catch (problem) {
    const name = problem instanceof DOMException ? problem.name : "";
    if (name === "InvalidStateError") throw new NoAnswer("known");
    throw new NoAnswer(name === "NotAllowedError" || name === "AbortError" ? "cancelled" : "failed");
  }
  if (!(credential instanceof PublicKeyCredential)) throw new NoAnswer("failed");
  return credential.toJSON();
}

/** What the reader is told. */
export function toldOf(problem: unknown, said: Record<Silence, string>): string {
  if (problem instanceof NoAnswer) return said[problem.silence];
  return problem instanceof Error ? problem.message : String(problem);
}
