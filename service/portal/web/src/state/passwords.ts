// What a new password or passphrase has to be before it is sent or used.

export const SHORTEST = 12;

export type NewSecretProblem = "short" | "differs";

/** Long counts; signs and digits do not (NIST SP 800-63B). */
export function newSecretProblem(secret: string, repeated: string): NewSecretProblem | undefined {
  if ([...secret].length < SHORTEST) return "short";
  return secret === repeated ? undefined : "differs";
}
