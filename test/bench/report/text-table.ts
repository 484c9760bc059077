/** A table of text; numbers are set flush right. */
export interface TextTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Markdown that can be read as it is, too. The first column is text, the others are numbers. */
export function formatTable(table: TextTable): string {
  const all = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const line = (row: readonly string[]): string =>
    `| ${widths.map((_, column) => cell(row[column] ?? '', column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(table.columns), rule, ...table.rows.map(line)].join('\n');
}
