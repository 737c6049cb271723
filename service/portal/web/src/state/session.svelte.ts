// Who is signed in, and what the portal said about the project at hand.

import * as api from "../api/calls.ts";
import { Refusal } from "../api/refusal.ts";
import type { Me, Membership, Project, Role } from "../api/shapes.ts";
import { takeLocale, words } from "./locale.svelte.ts";
import { complain } from "./toasts.svelte.ts";
import { inWords } from "./problems.ts";

type Held = {
  me: Me | undefined | null;
  project: Project | undefined;
  unread: number;
  /** Somebody waits for the password to be given again. */
  stepUp: ((given: boolean) => void) | undefined;
};

/** `me`: undefined until the portal has answered, null when nobody is signed in. */
const held = $state<Held>({ me: undefined, project: undefined, unread: 0, stepUp: undefined });

export const me = (): Me | null | undefined => held.me;
export const project = (): Project | undefined => held.project;
export const unread = (): number => held.unread;
export const membership = (id: string): Membership | undefined =>
  held.me?.projects.find((one) => one.id === id);
export const has = (id: string, ...roles: Role[]): boolean =>
  membership(id)?.roles.some((role) => roles.includes(role)) ?? false;

export function enter(who: Me | null): void {
  held.me = who;
  held.project = undefined;
  if (who === null) return;
  takeLocale(who.user.locale);
  void countUnread();
}

/** The same person, about whom something changed. */
export function renew(who: Me): void {
  const waited = held.me?.passkeys.waiting ?? false;
  held.me = who;
  if (waited) void countUnread();
}

export async function findOut(): Promise<void> {
  try {
    enter(await api.me());
  } catch (problem) {
    held.me = null;
    if (problem instanceof Refusal && problem.code === "portal_unreachable") report(problem);
  }
}

export async function loadProject(id: string): Promise<Project> {
  if (held.project?.id !== id) held.project = undefined;
  const found = await api.oneProject(id);
  held.project = found;
  return found;
}

export async function countUnread(): Promise<void> {
  try {
    held.unread = (await api.inbox()).unread;
  } catch {
    held.unread = 0;
  }
}

/** A new version answers what was asked of the one before: that stands in the inbox as new no longer. */
export async function answered(request: string): Promise<void> {
  try {
    const { notices } = await api.inbox();
    const asked = notices.filter(
      (one) => one.kind === "changes_requested" && one.request === request && one.seen == null,
    );
    await Promise.all(asked.map((one) => api.markRead(one.id)));
  } catch {
    // The inbox can still be read by hand.
  }
  await countUnread();
}

/** Tells the reader why something did not happen. */
export function report(problem: unknown): void {
  if (problem instanceof Refusal) {
    if (problem.code === "not_logged_in") enter(null);
    // Another session of the same person said so; what they are to do now stands on the page.
    if (problem.code === "passkey_needed") return void findOut();
    complain(problem.message, problem.help);
  } else {
    complain(inWords(problem, words()));
  }
}

/** Does what the portal allows only shortly after the password was given; asks for it where needed.
 *  Undefined if it was not done; the reader has been told why. */
export async function doFresh<T>(act: () => Promise<T>): Promise<{ done: T } | undefined> {
  try {
    return { done: await act() };
  } catch (problem) {
    if (!(problem instanceof Refusal) || problem.code !== "step_up_needed") {
      report(problem);
      return undefined;
    }
  }
  const given = await new Promise<boolean>((resolve) => (held.stepUp = resolve));
  held.stepUp = undefined;
  if (!given) return undefined;
  try {
    return { done: await act() };
  } catch (problem) {
    report(problem);
    return undefined;
  }
}

/** The dialog that asks; undefined when nobody waits. */
export const stepUpWaits = (): ((given: boolean) => void) | undefined => held.stepUp;
