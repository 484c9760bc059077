/** Reading of TAP, the Test Anything Protocol (https://testanything.org), as the validation programs of runtime-tools write it. Pure. */

/** One line of results. */
export interface TapResult {
  readonly isOk: boolean;
  readonly isSkipped: boolean;
  readonly title: string;
}

/** The results of a program; diagnostics are passed over. */
export function parseTap(text: string): TapResult[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(not )?ok\b\s*\d*\s*(?:- )?(.*)$/.exec(line);
    if (match === null) return [];
    const [, not, rest = ''] = match;
    const isSkipped = /#\s*SKIP\b/i.test(rest);
    return [{ isOk: not === undefined, isSkipped, title: rest.replace(/#\s*SKIP\b\s*/i, '').trim() }];
  });
}

/** How a program went with one runtime. */
export interface Verdict {
  readonly kind: 'passed' | 'failed' | 'skipped' | 'silent';
  readonly passed: number;
  readonly total: number;
  /** Titles of what failed, or the last words of a program that ended with an error. */
  readonly complaints: readonly string[];
}

/**
 * What results mean. A program that ends well and says nothing is neither passed nor failed: some of them report only what goes
 * wrong.
 */
export function judge(results: readonly TapResult[], status: number, errors: string): Verdict {
  const counted = results.filter((result) => !result.isSkipped);
  const failed = counted.filter((result) => !result.isOk).map((result) => result.title);
  const passed = counted.length - failed.length;
  if (failed.length > 0) return { kind: 'failed', passed, total: counted.length, complaints: [...new Set(failed)] };
  if (status !== 0) {
    const last = errors
      .trim()
      .split('\n')
      .filter((line) => !/^exit status \d+$/.test(line));
    return { kind: 'failed', passed, total: counted.length + 1, complaints: [last.at(-1) ?? `exit ${status}`] };
  }
  if (counted.length > 0) return { kind: 'passed', passed, total: counted.length, complaints: [] };
  return { kind: results.length > 0 ? 'skipped' : 'silent', passed: 0, total: 0, complaints: [] };
}
