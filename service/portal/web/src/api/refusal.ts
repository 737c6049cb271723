// How the portal says no.

export class Refusal extends Error {
  readonly code: string;
  readonly help: string | undefined;
  readonly id: string | undefined;
  constructor(code: string, message: string, help?: string, id?: string) {
    super(message);
    this.code = code;
    this.help = help;
    this.id = id;
  }
}

/** Reads the body of an answer that is an error; a proxy in between may have written anything. */
export function refusalOf(status: number, body: unknown): Refusal {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string): string | undefined =>
    typeof fields[name] === "string" && fields[name] !== "" ? fields[name] : undefined;
  const message = text("message") ?? `The portal answered ${status}.`;
  return new Refusal(text("code") ?? `status_${status}`, message, text("help"), text("id"));
}

/** The network broke, or nobody answered. */
export const unreachable = (): Refusal =>
  new Refusal("portal_unreachable", "The portal cannot be reached.", "Look at your network and try again.");
