// Short news for the reader: what was done, or why it was not.

export type Notice = { id: number; kind: "good" | "danger"; text: string; help?: string | undefined };

const held = $state<{ notices: Notice[]; next: number }>({ notices: [], next: 1 });

export const notices = (): readonly Notice[] => held.notices;

export function tell(text: string): void {
  const id = add({ kind: "good", text });
  setTimeout(() => dismiss(id), 6000);
}

/** Stays until it is closed: whoever reads slowly, or with a magnifier, must not miss it. */
export function complain(text: string, help?: string): void {
  add({ kind: "danger", text, help });
}

export function dismiss(id: number): void {
  held.notices = held.notices.filter((notice) => notice.id !== id);
}

function add(notice: Omit<Notice, "id">): number {
  const id = held.next++;
  held.notices = [...held.notices.slice(-3), { id, ...notice }];
  return id;
}
