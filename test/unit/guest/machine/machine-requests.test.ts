import { describe, expect, it } from 'vitest';
import { SysError } from '../../../../agent/src/base/sys-error.ts';
import { probeMemory } from '../../../../agent/src/guest/hotplug/probe-memory.ts';
import { checkDateTime } from '../../../../agent/src/guest/machine/date-time.ts';
import { swapPciPath } from '../../../../agent/src/guest/machine/swap-path.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const refusal = expect.objectContaining({ code: 'invalid_argument' }) as Error;

describe('API-12: a time for the guest', () => {
  it('has microseconds', () => {
    expect(checkDateTime(1_700_000_000n, 999_999n)).toBe(999_999_000);
    expect(checkDateTime(0n, 0n)).toBe(0);
  });

  it.each([
    [0n, -1n],
    [0n, 1_000_000n],
    [0n, 2n ** 63n - 1n],
    [-1n, 0n],
    [-(2n ** 63n), 0n],
  ])('is refused: %d s and %d us', (sec, usec) => {
    expect(() => checkDateTime(sec, usec)).toThrow(refusal);
  });
});

describe('the slots of a swap disk', () => {
  it.each([
    [[2, 3], '02/03'],
    [[31], '1f'],
    [[6, 0, 1], '06/00/01'],
  ])('%j are the path %s', (slots, path) => {
    expect(swapPciPath(slots)).toBe(path);
  });

  it.each([[[]], [[32]], [[2, 2 ** 32 - 1]], [Array<number>(33).fill(0)]])('%j are refused', (slots) => {
    expect(() => swapPciPath(slots)).toThrow(refusal);
  });
});

const PROBE = '/sys/devices/system/memory/probe';

describe('memory that the host tells of', () => {
  it('is written address by address, as the kernel reads it', () => {
    const files = new FakeKernelFiles({ [PROBE]: '' });
    probeMemory(files, [0x1_0800_0000n, 0xabcdef000n, 2n ** 64n - 1n, 0n]);
    expect(files.writes).toEqual(
      ['0x108000000', '0xABCDEF000', '0xFFFFFFFFFFFFFFFF', '0x0'].map((text) => `${PROBE}=${text}`),
    );
  });

  it('stops at the first address that the kernel refuses, and names it', () => {
    const files = new FakeKernelFiles({ [PROBE]: '' });
    files.onWrite = (_path, text) => {
      if (text === '0x2000') throw new SysError('write', 22, 'EINVAL', PROBE);
    };
    expect(() => {
      probeMemory(files, [0x1000n, 0x2000n, 0x3000n]);
    }).toThrow('memory at 0x2000');
    expect(files.writes).toHaveLength(2);
  });

  it('API-12: is not a million addresses', () => {
    expect(() => {
      probeMemory(new FakeKernelFiles(), Array<bigint>(100_000).fill(0n));
    }).toThrow(refusal);
  });
});
