/**
 * Runs test suites one after another and adds up what they counted:
 *
 *     npx tsx test/support/run-suites.ts unit engine -- FILTER
 *
 * A suite that fails does not keep the next ones from running. The last line is `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const reports = join(root, 'build', 'test');

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What we read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/** A report's counts. A file that failed to load has no failed test of its own, so it counts as one. */
function countsOf(report: Report, status: number | null): Counts {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests === 0 && status !== 0 ? 1 : report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function hasTests(suite: string): boolean {
  const folder = join(root, 'test', suite);
  return (
    existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.test.ts'))
  );
}

function runSuite(suite: string, filters: readonly string[]): Counts {
  if (!hasTests(suite)) {
    process.stdout.write(`test     ${suite}: there are none\n`);
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const output = join(reports, `${suite}.json`);
  rmSync(output, { force: true });
  process.stdout.write(`test     ${suite}\n`);
  const args = ['run', '--project', suite, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
  const run = spawnSync(join(root, 'node_modules/.bin/vitest'), [...args, '--passWithNoTests', ...filters], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (!existsSync(output)) return { passed: 0, failed: 1, skipped: 0 };
  return countsOf(JSON.parse(readFileSync(output, 'utf8')) as Report, run.status);
}

function main(args: readonly string[]): number {
  const separator = args.indexOf('--');
  const suites = separator < 0 ? args : args.slice(0, separator);
  const filters = separator < 0 ? [] : args.slice(separator + 1);
  mkdirSync(reports, { recursive: true });
  const results = suites.map((suite) => ({ suite, counts: runSuite(suite, filters) }));
  const sum = (key: keyof Counts): number => results.reduce((total, { counts }) => total + counts[key], 0);
  for (const { suite, counts } of results)
    process.stdout.write(
      `${suite.padEnd(12)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
    );
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
  return sum('failed') === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
