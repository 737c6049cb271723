// Names come from other people. A character that is not seen, or that turns the direction of reading round, could
// make one name look like another; so these are written out.

/** A piece of a name as it stands, or one character written out. */
export type Piece = { text: string; hidden: boolean };

const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029\u115F\u1160\u3164\uFFA0\u034F\u17B4\u17B5]/u;

/** Cuts a text into what may be shown as it is and what has to be written out. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  for (const letter of text) {
    const hidden = HIDDEN.test(letter);
    const shown = hidden ? `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}` : letter;
    const last = found.at(-1);
    if (last !== undefined && last.hidden === hidden) last.text += shown;
    else found.push({ text: shown, hidden });
  }
  return found;
}

/** The same as one text, for places that hold nothing else: titles, options, file names. */
export function visible(text: string): string {
  return pieces(text).map((piece) => piece.text).join("");
}

const ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];

/** Whether one word mixes alphabets that have letters of the same look. */
export function mixesAlphabets(text: string): boolean {
  return text
    .split(/[\s._@-]+/)
    .some((word) => ALPHABETS.filter((alphabet) => alphabet.test(word)).length > 1);
}
