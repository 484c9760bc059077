/** Rows of text in columns, as Go's tabwriter makes runc's: at least 12 wide, three blanks apart, the last column as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 12, cell.length + 3)));
  const lines = rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join(''),
  );
  return lines.map((line) => `${line}\n`).join('');
}
