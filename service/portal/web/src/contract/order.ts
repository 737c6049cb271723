// The order in which servers sort texts; JavaScript has another one beyond the first 65,536 characters.

/** By code points, as the bytes of UTF-8 sort. */
export function byBytes(left: string, right: string): number {
  const [mine, theirs] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < Math.min(mine.length, theirs.length); at += 1) {
    const distance = (mine[at]?.codePointAt(0) ?? 0) - (theirs[at]?.codePointAt(0) ?? 0);
    if (distance !== 0) return distance;
  }
  return mine.length - theirs.length;
}
