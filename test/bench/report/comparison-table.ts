import { formatNumber, formatSpread } from './format-number.ts';
import { medianOf, ratioOf, verdictOf, type Comparison, type Measurement } from './measurement.ts';
import type { TextTable } from './text-table.ts';

interface Column {
  readonly title: string;
  readonly cell: (row: Measurement) => string;
}

function columnsOf(comparison: Comparison): Column[] {
  const columns: Column[] = [
    { title: comparison.title, cell: (row) => `${row.name}, ${row.unit}` },
    { title: 'Kihon', cell: (row) => formatNumber(medianOf(row.ours)) },
  ];
  if (comparison.rows.some((row) => typeof row.ours !== 'number'))
    columns.push({ title: 'half of them in', cell: (row) => formatSpread(row.ours) });
  if (comparison.rows.some((row) => row.cpuMs !== undefined))
    columns.push({ title: 'CPU of QEMU, ms', cell: (row) => (row.cpuMs === undefined ? '' : formatNumber(row.cpuMs)) });
  for (const peer of comparison.peers) {
    const ratio = (row: Measurement): number | undefined => {
      const theirs = row.peers?.[peer.key];
      return theirs === undefined ? undefined : ratioOf(row.unit, medianOf(row.ours), medianOf(theirs));
    };
    columns.push({
      title: peer.title,
      cell: (row) => {
        const theirs = row.peers?.[peer.key];
        return theirs === undefined ? '' : formatNumber(medianOf(theirs));
      },
    });
    if (comparison.rows.some((row) => row.peersCpuMs?.[peer.key] !== undefined))
      columns.push({
        title: 'CPU of QEMU, ms',
        cell: (row) => {
          const used = row.peersCpuMs?.[peer.key];
          return used === undefined ? '' : formatNumber(used);
        },
      });
    columns.push({ title: 'ratio', cell: (row) => ratio(row)?.toFixed(2) ?? '' });
    if (comparison.judgedBy === peer.key)
      columns.push({
        title: 'verdict',
        cell: (row) => {
          const value = ratio(row);
          return value === undefined ? '' : verdictOf(value);
        },
      });
  }
  return columns;
}

/** A comparison as text. */
export function comparisonTable(comparison: Comparison): TextTable {
  const columns = columnsOf(comparison);
  return {
    title: comparison.title,
    columns: columns.map(({ title }) => title),
    rows: comparison.rows.map((row) => columns.map(({ cell }) => cell(row))),
  };
}
