// Names come from other people. A character that is not seen, or that turns the direction of reading round,
// could make one name look like another; so these are written out, by the same table as on the servers.

import { visible } from "../contract/visible.ts";

export { visible, visibleLines } from "../contract/visible.ts";

/** A piece of a name as it stands, or characters written out. */
export type Piece = { text: string; hidden: boolean };

/** Cuts a text into what may be shown as it is and what has to be written out. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  for (const letter of text.normalize("NFC")) {
    const shown = visible(letter);
    const hidden = shown !== letter;
    const last = found.at(-1);
    if (last !== undefined && last.hidden === hidden) last.text += shown;
    else found.push({ text: shown, hidden });
  }
  return found;
}

const ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];

/** Whether one word mixes alphabets that have letters of the same look. */
export function mixesAlphabets(text: string): boolean {
  return text
    .split(/[\s._@-]+/)
    .some((word) => ALPHABETS.filter((alphabet) => alphabet.test(word)).length > 1);
}
