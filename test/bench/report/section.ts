import type { Workspace } from '../workspace.ts';
import type { Comparison } from './measurement.ts';
import type { TextTable } from './text-table.ts';

/** How much is measured: `short` proves that it runs, `normal` is for reading, `long` looks for slow growth too. */
export type Extent = 'short' | 'normal' | 'long';

export interface BenchContext {
  readonly workspace: Workspace;
  readonly extent: Extent;
  /** Where charts go. */
  readonly chartFolder: string;
  /** The value for the extent; `long` counts as normal where nothing is said. */
  amount(short: number, normal: number, long?: number): number;
}

/** What a section found. */
export interface SectionReport {
  readonly title: string;
  readonly comparisons: readonly Comparison[];
  /** What is not a comparison. */
  readonly tables: readonly TextTable[];
  /** Sentences below the tables. */
  readonly notes: readonly string[];
  /** Files of charts that were written. */
  readonly charts: readonly string[];
}

/** A section that cannot run here says why instead. */
export interface SkippedSection {
  readonly title: string;
  readonly skipped: string;
}

export type RunSection = (context: BenchContext) => Promise<SectionReport | SkippedSection>;
