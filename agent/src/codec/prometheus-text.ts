/** One value, with the labels that tell it from the others of its family. */
export interface Sample {
  /** In alphabetical order of their names. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: bigint | number;
}

/** All samples of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** A label's value between its quotes; what is not UTF-8 becomes U+FFFD. */
function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** A number in plain decimal, never with an exponent. */
export function plainDecimal(value: bigint | number): string {
  if (typeof value === 'bigint') return value.toString();
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  return text.includes('e') ? value.toFixed(9) : text;
}

function compareLabels(a: Sample, b: Sample): number {
  for (const [index, [, value]] of a.labels.entries()) {
    const other = b.labels[index]?.[1] ?? '';
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

const byName = (a: MetricFamily, b: MetricFamily): number => (a.name < b.name ? -1 : 1);

/**
 * Families in the text format of Prometheus, version 0.0.4: sorted by name, samples by label values, no timestamps. Families without
 * samples are left out.
 */
export function formatMetrics(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of [...families].sort(byName)) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of [...samples].sort(compareLabels)) {
      const text = labels.map(([label, labelValue]) => `${label}="${escapeLabel(labelValue)}"`).join(',');
      lines.push(`${name}${text === '' ? '' : `{${text}}`} ${plainDecimal(value)}`);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
