import { describe, expect, test } from 'vitest';
import {
  estimateProgress,
  formatMinutes,
  formatProgress,
  isBuildStep,
} from '../../../../kernel-config/src/build/build-progress.ts';

describe('build progress', () => {
  test.each([
    ['  CC      kernel/fork.o', true],
    ['  AR      net/built-in.a', true],
    ['  HOSTCC  scripts/basic/fixdep', true],
    ['  LD      .tmp_vmlinux1', true],
    ['  CALL    scripts/checksyscalls.sh', false],
    ['  GEN     Makefile', false],
    ["make[1]: Entering directory '/x'", false],
    ['kernel/fork.c:10: warning: CC is nice', false],
    ['', false],
  ])('%s counts: %s', (line, counts) => {
    expect(isBuildStep(line)).toBe(counts);
  });

  test('gives no estimate before enough is done', () => {
    expect(estimateProgress(2, 1000, 5000).remainingMs).toBeUndefined();
  });

  test('extrapolates, and never claims to be finished', () => {
    expect(estimateProgress(250, 1000, 60_000)).toMatchObject({ fraction: 0.25, remainingMs: 180_000 });
    expect(estimateProgress(2000, 1000, 60_000).fraction).toBe(0.99);
    expect(estimateProgress(0, 0, 0).fraction).toBe(0);
  });

  test('is told in one line', () => {
    const report = estimateProgress(250, 1000, 61_000);
    expect(formatProgress('kernel lean', 1000, report)).toBe(
      'kernel lean  25 % (250/1000)  1:01 gone, about 3:03 to go',
    );
    expect(formatMinutes(59_600)).toBe('1:00');
  });
});
