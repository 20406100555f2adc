/**
 * Rows with their columns aligned, a line each; no row, no line.
 *
 * @param rightColumn the column of numbers, if there is one
 */
export function table(rows: readonly (readonly string[])[], rightColumn = -1): string {
  const widths = rows.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === rightColumn ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("   ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}
