/**
 * Runs test suites one after another and adds up what they counted; those with a plus between them run at the same time, as
 * each of them takes little more than one CPU:
 *
 *     npx tsx test/support/run-suites.ts unit integration+vm -- FILTER
 *
 * A suite that fails does not keep the next ones from running. The last line is `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

/** A suite on its way: `show` writes what it has said so far and will say. */
interface RunningSuite {
  readonly suite: string;
  readonly show: () => void;
  readonly counts: Promise<Counts>;
}

/** One that runs alone has the terminal. */
function startSuite(suite: string, filters: readonly string[], isAlone: boolean): RunningSuite {
  if (!hasTests(suite)) {
    const show = (): void => void process.stdout.write(`test     ${suite}: there are none\n`);
    return { suite, show, counts: Promise.resolve({ passed: 0, failed: 0, skipped: 0 }) };
  }
  const output = join(reports, `${suite}.json`);
  rmSync(output, { force: true });
  const args = ['run', '--project', suite, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
  const child = spawn(join(root, 'node_modules/.bin/vitest'), [...args, '--passWithNoTests', ...filters], {
    cwd: root,
    stdio: ['ignore', isAlone ? 'inherit' : 'pipe', isAlone ? 'inherit' : 'pipe'],
  });
  const held: Buffer[] = [];
  let write = (bytes: Buffer): unknown => held.push(bytes);
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => write(bytes));
  const show = (): void => {
    process.stdout.write(`test     ${suite}\n`);
    for (const bytes of held.splice(0)) process.stdout.write(bytes);
    write = (bytes) => process.stdout.write(bytes);
  };
  const counts = once(child, 'close').then(([status]) =>
    existsSync(output)
      ? countsOf(JSON.parse(readFileSync(output, 'utf8')) as Report, status as number | null)
      : { passed: 0, failed: 1, skipped: 0 },
  );
  return { suite, show, counts };
}

async function main(args: readonly string[]): Promise<number> {
  const separator = args.indexOf('--');
  const groups = separator < 0 ? args : args.slice(0, separator);
  const filters = separator < 0 ? [] : args.slice(separator + 1);
  mkdirSync(reports, { recursive: true });
  const results: { readonly suite: string; readonly counts: Counts }[] = [];
  for (const group of groups) {
    // Only one is shown at a time; what the others say waits for its turn.
    const names = group.split('+');
    for (const { suite, show, counts } of names.map((name) => startSuite(name, filters, names.length === 1))) {
      show();
      results.push({ suite, counts: await counts });
    }
  }
  const sum = (key: keyof Counts): number => results.reduce((total, { counts }) => total + counts[key], 0);
  for (const { suite, counts } of results)
    process.stdout.write(
      `${suite.padEnd(12)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
    );
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
  return sum('failed') === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
