import type { DotConfig } from '../kconfig/dot-config.ts';
import { HARDENING, type HardeningRule } from './hardening-table.ts';

/** One row of a report. */
export interface HardeningFinding {
  readonly symbol: string;
  readonly group: HardeningRule['group'];
  readonly wanted: 'on' | 'off';
  /** What the configuration has. */
  readonly actual: 'on' | 'off';
  /** `met`; `accepted`: otherwise, for the reason given; `open`: otherwise, for none. */
  readonly state: 'met' | 'accepted' | 'open';
  readonly why: string;
  /** Why it is otherwise. */
  readonly because?: string;
}

/** Compares a finished configuration with the table. */
export function hardeningReport(
  result: DotConfig,
  configuration: string,
  architecture: string,
  table: readonly HardeningRule[] = HARDENING,
): HardeningFinding[] {
  return table
    .filter(({ architectures }) => architectures === undefined || architectures.includes(architecture))
    .map(({ symbol, group, wanted, why, otherwise }) => {
      const actual = ['y', 'm'].includes(result.get(symbol) ?? 'n') ? 'on' : 'off';
      const because = actual === wanted ? undefined : otherwise?.[configuration];
      const state = actual === wanted ? 'met' : because === undefined ? 'open' : 'accepted';
      return { symbol, group, wanted, actual, state, why, ...(because === undefined ? {} : { because }) };
    });
}

/** The report as Markdown. */
export function formatHardening(
  findings: readonly HardeningFinding[],
  configuration: string,
  architecture: string,
): string {
  const count = (state: HardeningFinding['state']): number => findings.filter((each) => each.state === state).length;
  return [
    `hardening of ${configuration} on ${architecture}: ${count('met')} of ${findings.length} as wanted, ` +
      `${count('accepted')} otherwise on purpose, ${count('open')} open`,
    '',
    '| symbol | wanted | is | why |',
    '| --- | --- | --- | --- |',
    ...findings.map(({ symbol, wanted, actual, state, why, because }) => {
      const note = because !== undefined ? `; otherwise because: ${because}` : state === 'open' ? '; OPEN' : '';
      return `| ${symbol} | ${wanted} | ${actual} | ${why}${note} |`;
    }),
    '',
  ].join('\n');
}
