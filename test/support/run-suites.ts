/**
 * Runs groups of test suites one after another and adds up what they counted. A group is a suite, or lanes with a plus between
 * them that run at the same time, as each of them takes little more than one CPU; a lane is suites that follow one another:
 *
 *     npx tsx test/support/run-suites.ts unit engine,integration+vm -- FILTER
 *
 * A suite that fails does not keep the next ones from running. The last lines name each failed test, and are
 * `N passed, N failed, N skipped`. A signal ends the suites, and what they have said until then is not lost.
 * `--root DIR` runs the suites of another folder.
 */
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { RunningSuite, type Counts, type SuiteResult } from './suites/running-suite.ts';
import { listFailures } from './suites/suite-record.ts';

interface Options {
  readonly root: string;
  readonly groups: readonly string[];
  readonly filters: readonly string[];
}

function parse(args: readonly string[]): Options {
  const separator = args.indexOf('--');
  const groups = separator < 0 ? [...args] : args.slice(0, separator);
  const filters = separator < 0 ? [] : args.slice(separator + 1);
  const at = groups.indexOf('--root');
  const [, root] = at < 0 ? [] : groups.splice(at, 2);
  return { root: resolve(root ?? join(import.meta.dirname, '../..')), groups, filters };
}

function summary(results: readonly SuiteResult[]): string[] {
  const text = (counts: Counts): string =>
    `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  const sum = (key: keyof Counts): number => results.reduce((total, { counts }) => total + counts[key], 0);
  const failures = listFailures(results.map((result) => result.failures));
  return [
    ...(failures.length === 0 ? [] : ['', 'failed:', ...failures, '']),
    ...results.map(
      ({ suite, counts, cut }) => `${suite.padEnd(12)} ${text(counts)}${cut === undefined ? '' : `; ${cut}`}`,
    ),
    text({ passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }),
  ];
}

async function main({ root, groups, filters }: Options): Promise<number> {
  mkdirSync(join(root, 'build', 'test'), { recursive: true });
  const results: SuiteResult[] = [];
  let running: readonly RunningSuite[] = [];
  let endedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      // Those before us in the process group pass on what we got ourselves.
      if (endedBy !== undefined) return;
      endedBy = signal;
      process.stdout.write(`\ntest     ${signal}: ending the suites, which have said until now:\n`);
      for (const suite of running) {
        suite.show();
        suite.end(signal);
      }
    });
  for (const group of groups) {
    if (endedBy !== undefined) break;
    const isAlone = !/[+,]/.test(group);
    const lanes = group.split('+').map((lane) => lane.split(',').map((name) => new RunningSuite(name, root, isAlone)));
    running = lanes.flat();
    const ends = new Map<RunningSuite, Promise<SuiteResult>>();
    for (const lane of lanes) {
      let before: Promise<unknown> = Promise.resolve();
      for (const suite of lane) {
        const end = before.then(() => suite.run(filters));
        ends.set(suite, end);
        before = end;
      }
    }
    // Only one is shown at a time; what the others say waits for its turn.
    for (const [suite, end] of ends) {
      suite.show();
      results.push(await end);
    }
  }
  for (const line of summary(results)) process.stdout.write(`${line}\n`);
  if (endedBy !== undefined) return 128 + constants.signals[endedBy];
  return results.every(({ counts }) => counts.failed === 0) ? 0 : 1;
}

process.exitCode = await main(parse(process.argv.slice(2)));
