// Short news for the reader: what was done, or why it was not.

export type Toast = {
  id: number;
  kind: "good" | "danger";
  text: string;
  help?: string | undefined;
  /** When it came, in milliseconds since 1970. */
  since: number;
};

/** Time in which somebody may have gone to another page without seeing what was just said. */
const SEEN = 10_000;

const held = $state<{ toasts: Toast[]; next: number }>({ toasts: [], next: 1 });

export const toasts = (): readonly Toast[] => held.toasts;

export function tell(text: string): void {
  const id = add({ kind: "good", text });
  setTimeout(() => dismiss(id), 6000);
}

/** Stays until it is closed, or its reader is on another page: whoever reads slowly, or with a magnifier,
 *  must not miss it. */
export function complain(text: string, help?: string): void {
  add({ kind: "danger", text, help });
}

export function dismiss(id: number): void {
  held.toasts = held.toasts.filter((toast) => toast.id !== id);
}

/** What went wrong before is tried anew: that it did is news no more. */
export function triesAnew(): void {
  held.toasts = held.toasts.filter((toast) => toast.kind !== "danger");
}

/** The reader went on to another page: what was said before that is not about it. */
export function goneOn(): void {
  held.toasts = held.toasts.filter((toast) => Date.now() - toast.since < SEEN);
}

function add(toast: Omit<Toast, "id" | "since">): number {
  const id = held.next++;
  held.toasts = [...held.toasts.slice(-3), { id, since: Date.now(), ...toast }];
  return id;
}
