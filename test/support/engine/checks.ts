/** Checks for programs that run inside the engine: one line each on standard output, and an exit code. */
import { describeError } from '../../../agent/src/base/errors.ts';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { Fd } from '../../../agent/src/sys/fd.ts';
import { writeAll } from '../../../agent/src/sys/file.ts';
import { exit } from '../../../agent/src/sys/process.ts';

let failures = 0;

function say(text: string): void {
  const stdout = new Fd(1, 'stdout');
  writeAll(stdout, encodeBytes(`${text}\n`));
  stdout.release();
}

/** One promise of the code under test. `detail` is printed when it is broken. */
export function check(promise: string, isKept: boolean, detail = ''): void {
  if (!isKept) failures += 1;
  say(`${isKept ? 'ok' : 'FAIL'} ${promise}${isKept || detail === '' ? '' : `: ${detail}`}`);
}

/** The same value as far as JSON shows it. */
export function checkEqual(promise: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(promise, found === wanted, `${found.slice(0, 2000)} instead of ${wanted.slice(0, 2000)}`);
}

/** Expects a failure, at once, whose text holds `part`. */
export function checkThrows(promise: string, work: () => unknown, part: string): void {
  try {
    work();
  } catch (error) {
    const text = describeError(error);
    check(promise, text.includes(part), text);
    return;
  }
  check(promise, false, 'it did not fail');
}

/** Expects a failure whose text holds `part`. */
export async function checkFails(promise: string, work: Promise<unknown>, part: string): Promise<void> {
  try {
    await work;
    check(promise, false, 'it did not fail');
  } catch (error) {
    const text = describeError(error);
    check(promise, text.includes(part), text);
  }
}

/** Runs the program and ends it with 0 only when every check passed. */
export function runChecks(main: () => Promise<void>): void {
  main()
    .catch((error: unknown) => check(`the program runs to its end`, false, describeError(error)))
    .finally(() => exit(failures === 0 ? 0 : 1));
}
