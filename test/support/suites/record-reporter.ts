/**
 * A reporter of vitest that writes down each result when it is known (suite-record.ts), and gives up when enough has failed.
 * `KIHON_SUITE_RECORD` names the file.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import { reasonToGiveUp, type Failure, type RecordLine } from './suite-record.ts';

/** Errors as vitest hands them over; what was thrown need not have a message. */
function firstLine(error: { readonly message?: string } | undefined): string {
  const text = (error?.message ?? '').replace(/\u001b\[[\d;]*m/g, '').trim();
  return text.split('\n', 1)[0] ?? '';
}

const fileOf = (module: TestModule): string => relative(process.cwd(), module.moduleId);

export default class RecordReporter implements Reporter {
  readonly #file = process.env['KIHON_SUITE_RECORD'];
  readonly #failures: Failure[] = [];
  #vitest: Vitest | undefined;
  #hasGivenUp = false;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    if (this.#file !== undefined) writeFileSync(this.#file, '');
  }

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === 'pending') return;
    if (result.state !== 'failed') {
      this.#write({ kind: result.state });
      return;
    }
    const name = `${fileOf(test.module)} > ${test.fullName}`;
    this.#fail(name, result.errors[0], test.diagnostic()?.duration ?? 0);
  }

  onTestSuiteResult(suite: TestSuite): void {
    const [error] = suite.errors();
    if (error !== undefined) this.#fail(`${fileOf(suite.module)} > ${suite.fullName}`, error);
  }

  onTestModuleEnd(module: TestModule): void {
    const [error] = module.errors();
    if (error !== undefined) this.#fail(fileOf(module), error);
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const error of unhandled) this.#fail('outside of every test', error);
  }

  #fail(name: string, error: { readonly message?: string } | undefined, ms?: number): void {
    const message = firstLine(error);
    const failure: Failure = { name, message, ms: ms ?? Number(/timed out in (\d+)ms/.exec(message)?.[1] ?? 0) };
    this.#failures.push(failure);
    this.#write({ kind: 'failed', ...failure });
    const reason = this.#hasGivenUp ? undefined : reasonToGiveUp(this.#failures);
    if (reason === undefined) return;
    this.#hasGivenUp = true;
    this.#write({ kind: 'given-up', reason });
    process.stdout.write(`\nGIVING UP after ${reason}: the tests that are left are skipped\n\n`);
    void this.#vitest?.cancelCurrentRun('test-failure');
  }

  #write(line: RecordLine): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
