/** What a suite has shown so far, line by line in a file: a run that is killed has no report, but this. */
import { existsSync, readFileSync } from 'node:fs';

/** A failed test, or hook, or file that could not be loaded. */
export interface Failure {
  /** File and names, as vitest prints them. */
  readonly name: string;
  /** First line of the first error. */
  readonly message: string;
  /** What it took, in ms; of a hook what its deadline took, or nothing. */
  readonly ms: number;
}

export type RecordLine =
  | { readonly kind: 'passed' | 'skipped' }
  | ({ readonly kind: 'failed' } & Failure)
  | { readonly kind: 'given-up'; readonly reason: string };

export interface SuiteRecord {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly givenUp: string | undefined;
}

/** Reads a record, whose last line may be cut; without a file nothing has happened. */
export function readRecord(file: string): SuiteRecord {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RecordLine);
  const count = (kind: RecordLine['kind']): number => lines.filter((line) => line.kind === kind).length;
  return {
    passed: count('passed'),
    skipped: count('skipped'),
    failures: lines.filter((line) => line.kind === 'failed'),
    givenUp: lines.find((line) => line.kind === 'given-up')?.reason,
  };
}

/** More failures than this have one cause. */
const MAX_FAILURES = 25;
/** Time that failures may take together, in ms: a few deadlines of VMs, and a part of what a whole run may take. */
const MAX_LOST_MS = 15 * 60_000;

/** Why a suite should go no further, or undefined. */
export function reasonToGiveUp(failures: readonly Failure[]): string | undefined {
  if (failures.length >= MAX_FAILURES) return `${failures.length} failures`;
  const lostMs = failures.reduce((sum, { ms }) => sum + ms, 0);
  return lostMs >= MAX_LOST_MS
    ? `${failures.length} failures that took ${Math.round(lostMs / 60_000)} minutes`
    : undefined;
}

/** What is listed at most, in lines. */
const MAX_LINES = 38;
const MAX_LINE = 300;

/** The failures of all suites, a line for each, in a form that fits into the end of a log. */
export function listFailures(suites: readonly (readonly Failure[])[]): string[] {
  const failed = suites.filter((failures) => failures.length > 0);
  const share = Math.floor(MAX_LINES / Math.max(1, failed.length)) - 1;
  return failed.flatMap((failures) => {
    // When not all have room, one line says so.
    const shown = failures.slice(0, failures.length <= share + 1 ? share + 1 : share);
    const lines = shown.map(({ name, message }) => `  ${name}: ${message}`.slice(0, MAX_LINE));
    return shown.length === failures.length ? lines : [...lines, `  and ${failures.length - shown.length} more`];
  });
}
