// A picture of dark and light squares as one path.

/** `squares`: by row; true is dark. One unit for each. */
export function qrPath(squares: readonly (readonly boolean[])[]): { size: number; path: string } {
  const runs = squares.flatMap((row, y) => {
    const found: string[] = [];
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue;
      let end = x + 1;
      while (row[end] === true) end += 1;
      found.push(`M${x} ${y}h${end - x}v1h${x - end}z`);
      x = end;
    }
    return found;
  });
  return { size: squares.length, path: runs.join("") };
}
