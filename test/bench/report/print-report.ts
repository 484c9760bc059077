import { comparisonTable } from './comparison-table.ts';
import type { SectionReport, SkippedSection } from './section.ts';
import { formatTable } from './text-table.ts';

/** A section as text: Markdown that can go into the documentation as it is. */
export function formatSection(name: string, report: SectionReport | SkippedSection): string {
  const heading = `## ${report.title}\n\n\`npx tsx test/bench/main.ts ${name}\`\n`;
  if ('skipped' in report) return `${heading}\nskipped: ${report.skipped}\n`;
  const tables = [...report.comparisons.map(comparisonTable), ...report.tables].map(formatTable);
  const charts = report.charts.map((file) => `chart: ${file}`);
  return `${[heading, ...tables.map((table) => `${table}\n`), ...[...report.notes, ...charts].map((note) => `- ${note}`)].join('\n')}\n`;
}
