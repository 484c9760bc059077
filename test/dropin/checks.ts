import type { Outcome } from './program.ts';

/** What a command has to do. */
export interface Expected {
  /** Exit code; 0 unless said. */
  readonly code?: number;
  /** In standard output and error together. */
  readonly says?: RegExp;
}

/** Counts the checks of one run and prints a line for each. */
export class Checks {
  passed = 0;
  failed = 0;
  skipped = 0;

  skip(what: string, why: string): void {
    this.skipped += 1;
    console.log(`skipped  ${what}: ${why}`);
  }

  fail(what: string, why: string): void {
    this.failed += 1;
    console.log(`FAILED   ${what}: ${why}`);
  }

  /** Judges one outcome. */
  expect(what: string, outcome: Outcome, { code = 0, says }: Expected = {}): void {
    const text = `${outcome.stdout}\n${outcome.stderr}`;
    if (outcome.code !== code) this.fail(what, `exit code ${outcome.code}, not ${code}: ${text.trim().slice(-500)}`);
    else if (says?.test(text) === false) this.fail(what, `${String(says)} is not in: ${text.trim().slice(-500)}`);
    else {
      this.passed += 1;
      console.log(`passed   ${what}`);
    }
  }
}
