import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planResize } from '../../../../agent/src/guest/volume/resize-plan.ts';
import { volumeStats } from '../../../../agent/src/guest/volume/volume-stats.ts';

const MIB = 1n << 20n;
const volume = { fsType: 'ext4', blockSize: 4096n, usableBytes: 60n * MIB, deviceBytes: 128n * MIB };

describe('a volume that shall grow', () => {
  it.each([
    ['to a size', 100n * MIB, 25_600n],
    ['to a size within a block', 100n * MIB + 4095n, 25_600n],
    ['to its device', 0n, 32_768n],
    ['to exactly its device', 128n * MIB, 32_768n],
    ['to what it has', 60n * MIB, 15_360n],
  ])('%s', (_what, size, blocks) => {
    expect(planResize(volume, size)).toEqual({ method: 'ext4', blocks });
    expect(planResize({ ...volume, fsType: 'xfs' }, size)).toEqual({ method: 'xfs', blocks });
  });

  it.each([
    ['beyond its device', volume, 128n * MIB + 1n, 'invalid_argument'],
    ['beyond everything', volume, 2n ** 64n - 1n, 'invalid_argument'],
    ['to less than it has', volume, 59n * MIB, 'invalid_argument'],
    ['on a device that shrank', { ...volume, deviceBytes: 10n * MIB }, 0n, 'invalid_argument'],
    ['without a device', { ...volume, deviceBytes: undefined }, 0n, 'internal'],
    ['with another file system', { ...volume, fsType: 'tmpfs' }, 0n, 'unimplemented'],
  ])('not %s', (_what, found, size, code) => {
    expect(() => planResize(found, size)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the use of a volume', () => {
  it('counts free blocks, those kept for root too', () => {
    expect(volumeStats({ blockSize: 4096n, blocks: 10n, blocksFree: 4n, files: 100n, filesFree: 99n })).toEqual({
      bytes: { total: 40_960n, available: 16_384n, used: 24_576n },
      inodes: { total: 100n, available: 99n, used: 1n },
    });
  });

  it('is a number of 64 bits whatever a file system says', () => {
    const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
    fc.assert(
      fc.property(u64, u64, u64, u64, u64, (blockSize, blocks, blocksFree, files, filesFree) => {
        const { bytes, inodes } = volumeStats({ blockSize, blocks, blocksFree, files, filesFree });
        const all = [bytes, inodes].flatMap(({ total, available, used }) => [total, available, used]);
        for (const value of all) {
          expect(value >= 0n && value < 2n ** 64n).toBe(true);
        }
      }),
    );
  });
});
