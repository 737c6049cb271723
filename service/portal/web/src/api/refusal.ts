// How the portal says no.

type Told = { text: string; help?: string | undefined };
type Speaker = (code: string, message: string, help: string | undefined, server?: number) => Told;

/** As the portal says it, until the page knows better. */
let speak: Speaker = (_, text, help) => ({ text, help });

/** Whoever knows the reader's language says refusals from here on. */
export function speakRefusals(how: Speaker): void {
  speak = how;
}

export class Refusal extends Error {
  readonly code: string;
  readonly help: string | undefined;
  readonly id: string | undefined;
  /** `server`: the one it is about, where that is known. */
  constructor(code: string, message: string, help?: string, id?: string, server?: number) {
    const told = speak(code, message, help, server);
    super(told.text);
    this.code = code;
    this.help = told.help;
    this.id = id;
  }
}

/** Reads the body of an answer that is an error; a proxy in between may have written anything. `asked`: the
 *  server that the request was for, where there is one. */
export function refusalOf(status: number, body: unknown, asked?: number): Refusal {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string): string | undefined =>
    typeof fields[name] === "string" && fields[name] !== "" ? fields[name] : undefined;
  const told = [0, 1, 2].find((number) => number === fields["server"]);
  const message = text("message") ?? `The portal answered ${status}.`;
  return new Refusal(text("code") ?? `status_${status}`, message, text("help"), text("id"), told ?? asked);
}

/** The network broke, or nobody answered. */
export const unreachable = (): Refusal =>
  new Refusal("portal_unreachable", "The portal cannot be reached.", "Look at your network and try again.");
