import { formatNumber } from '../../bench/report/format-number.ts';
import { formatTable, type TextTable } from '../../bench/report/text-table.ts';
import type { Outcome } from '../run-scenario.ts';

const KIB_PER_MIB = 1024;
const PLACES = { process: 'process', vm: 'VM' } as const;

/** How long a Check takes while it happens, and for how many times of an idle agent's. */
export function latencyTable(outcomes: readonly Outcome[]): TextTable {
  return {
    title: 'Check while it happens, ms',
    columns: [
      'Check while it happens, ms',
      ...['where', 'seconds', 'Checks', 'p50', 'p90', 'p99', 'most', 'idle p50', 'p50 ratio', 'p99 ratio', 'result'],
    ],
    rows: outcomes.map(({ title, place, seconds, busy, idle, problems }) => [
      title,
      PLACES[place],
      seconds.toFixed(0),
      String(busy.count),
      ...[busy.p50, busy.p90, busy.p99, busy.most, idle.p50, busy.p50 / idle.p50, busy.p99 / idle.p99].map(
        formatNumber,
      ),
      problems.length === 0 ? 'holds' : `${problems.length} broken`,
    ]),
  };
}

/** The agent's memory, descriptors and children over time. */
export function memoryTable(outcomes: readonly Outcome[]): TextTable {
  return {
    title: 'the agent over time',
    columns: [
      'memory of the agent, MiB',
      ...['where', 'resident at first', 'most', 'at last', 'anonymous at first', 'most', 'at last'],
      ...['descriptors at first', 'most', 'at last', 'zombies, most'],
    ],
    rows: outcomes.map(({ title, place, vitals }) => {
      const series = (field: 'residentKib' | 'anonymousKib' | 'descriptors'): number[] => {
        const values = vitals.map((entry) => entry[field]);
        return [values[0] ?? NaN, Math.max(...values), values.at(-1) ?? NaN];
      };
      const mib = (values: readonly number[]): string[] => values.map((value) => formatNumber(value / KIB_PER_MIB));
      return [
        title,
        PLACES[place],
        ...mib(series('residentKib')),
        ...mib(series('anonymousKib')),
        ...series('descriptors').map(String),
        String(Math.max(...vitals.map(({ zombies }) => zombies))),
      ];
    }),
  };
}

/** Notes and problems of one outcome. */
export function outcomeNotes({ scenario, place, notes, problems }: Outcome): readonly string[] {
  const where = `${scenario} (${PLACES[place]})`;
  return [...notes.map((note) => `- ${where}: ${note}`), ...problems.map((text) => `- BROKEN: ${where}: ${text}`)];
}

/** The whole report as Markdown. */
export function formatOutcomes(outcomes: readonly Outcome[], charts: readonly string[]): string {
  return [
    '## Soak',
    '',
    formatTable(latencyTable(outcomes)),
    '',
    formatTable(memoryTable(outcomes)),
    '',
    ...outcomes.flatMap(outcomeNotes),
    ...charts.map((file) => `- chart: ${file}`),
    '',
  ].join('\n');
}
