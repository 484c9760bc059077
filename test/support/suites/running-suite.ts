import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRecord, type Failure } from './suite-record.ts';

const repository = resolve(import.meta.dirname, '../../..');

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface SuiteResult {
  readonly suite: string;
  readonly counts: Counts;
  readonly failures: readonly Failure[];
  /** What kept it from its end. */
  readonly cut: string | undefined;
}

/** What we read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/** How long a suite that was told to end may take, in ms. */
const END_MS = 5000;

/** One suite: what it says is held until it is shown, unless it has the terminal to itself. */
export class RunningSuite {
  readonly #suite: string;
  readonly #root: string;
  readonly #isAlone: boolean;
  readonly #held: Buffer[] = [];
  #child: ChildProcess | undefined;
  #isShown = false;
  #endedBy: NodeJS.Signals | undefined;

  /** `root` is the folder of `vitest.config.ts`; the reports go to `build/test` in it. */
  constructor(suite: string, root: string, isAlone: boolean) {
    this.#suite = suite;
    this.#root = root;
    this.#isAlone = isAlone;
  }

  /** Writes what the suite has said so far and, as it comes, what it will say. */
  show(): void {
    if (this.#isShown) return;
    this.#isShown = true;
    process.stdout.write(`test     ${this.#suite}${this.#hasTests() ? '' : ': there are none'}\n`);
    for (const bytes of this.#held.splice(0)) process.stdout.write(bytes);
  }

  async run(filters: readonly string[]): Promise<SuiteResult> {
    if (this.#endedBy !== undefined || !this.#hasTests())
      return { suite: this.#suite, counts: { passed: 0, failed: 0, skipped: 0 }, failures: [], cut: this.#endedBy };
    const reports = join(this.#root, 'build', 'test');
    const report = join(reports, `${this.#suite}.json`);
    const record = join(reports, `${this.#suite}.results`);
    for (const file of [report, record]) rmSync(file, { force: true });
    const reporters = ['default', 'json', join(import.meta.dirname, 'record-reporter.ts')];
    const child = spawn(
      join(repository, 'node_modules/.bin/vitest'),
      [
        ...['run', '--project', this.#suite, '--passWithNoTests', `--outputFile.json=${report}`],
        ...reporters.map((reporter) => `--reporter=${reporter}`),
        ...filters,
      ],
      {
        cwd: this.#root,
        env: { ...process.env, KIHON_SUITE_RECORD: record },
        stdio: ['ignore', this.#isAlone ? 'inherit' : 'pipe', this.#isAlone ? 'inherit' : 'pipe'],
        // A group of its own, so that all of it can be ended.
        detached: true,
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => this.#take(bytes));
    const closed = once(child, 'close');
    const [status] = (await once(child, 'exit')) as [number | null];
    // The last words; a process that was left behind may hold the pipe for longer.
    await Promise.race([closed, sleep(END_MS, undefined, { ref: false })]);
    return this.#result(report, record, status);
  }

  /** Ends the suite and all that it has started, first by asking; one that has not begun will not. */
  end(signal: NodeJS.Signals): void {
    this.#endedBy = signal;
    this.#signal('SIGTERM');
    setTimeout(() => this.#signal('SIGKILL'), END_MS).unref();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // All of the group have gone.
    }
  }

  #take(bytes: Buffer): void {
    if (this.#isShown) process.stdout.write(bytes);
    else this.#held.push(bytes);
  }

  #hasTests(): boolean {
    const folder = join(this.#root, 'test', this.#suite);
    return (
      existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.test.ts'))
    );
  }

  #result(reportFile: string, recordFile: string, status: number | null): SuiteResult {
    const { passed, skipped, failures, givenUp } = readRecord(recordFile);
    const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, 'utf8')) as Report) : undefined;
    const failed = Math.max(report?.numFailedTests ?? 0, failures.length);
    const ended = status === null ? 'killed' : 'without a report';
    return {
      suite: this.#suite,
      counts: {
        passed: report?.numPassedTests ?? passed,
        // What fails without a failed test, e.g. vitest itself, counts as one.
        failed: failed === 0 && status !== 0 ? 1 : failed,
        skipped: report === undefined ? skipped : report.numPendingTests + report.numTodoTests,
      },
      failures,
      cut:
        this.#endedBy ?? (givenUp === undefined ? (report === undefined ? ended : undefined) : `given up: ${givenUp}`),
    };
  }
}
