import { describe, expect, it } from 'vitest';
import { judge, parseTap } from '../../conformance/runtime-tools/tap.ts';

const TAP = `TAP version 13
ok 1 - first
  ---
  { "stdout": "not ok 7 - inside a diagnostic" }
  ...
not ok 2 - second promise
ok 3 # SKIP not asked for
1..3
`;

describe('parseTap()', () => {
  it('reads results and passes over diagnostics', () => {
    expect(parseTap(TAP)).toEqual([
      { isOk: true, isSkipped: false, title: 'first' },
      { isOk: false, isSkipped: false, title: 'second promise' },
      { isOk: true, isSkipped: true, title: 'not asked for' },
    ]);
  });
});

describe('judge()', () => {
  const ok = { isOk: true, isSkipped: false, title: 'a' };
  const skipped = { ...ok, isSkipped: true };

  it('names what failed, each once', () => {
    const bad = { ...ok, isOk: false, title: 'b' };
    expect(judge([ok, bad, bad], 0, '')).toEqual({ kind: 'failed', passed: 1, total: 3, complaints: ['b'] });
  });

  it('takes a bad end for a failure, with the last words of the program', () => {
    const verdict = judge([ok], 1, 'first words\nlast words\nexit status 1\n');
    expect(verdict).toEqual({ kind: 'failed', passed: 1, total: 2, complaints: ['last words'] });
  });

  it('tells passed, skipped and silent apart', () => {
    expect([judge([ok, skipped], 0, ''), judge([skipped], 0, ''), judge([], 0, '')].map(({ kind }) => kind)).toEqual([
      'passed',
      'skipped',
      'silent',
    ]);
  });
});
