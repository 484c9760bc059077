import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { chooseDiskBytes, erofsDiskBytes } from '../../../../rootfs-builder/src/disk/choose-size.ts';
import { decodeDaxBlock, encodeDaxBlock, fletcher64 } from '../../../../rootfs-builder/src/disk/dax-block.ts';
import { diskTables, layoutDisk, MIB } from '../../../../rootfs-builder/src/disk/layout.ts';
import { decodeMbr, encodeMbr } from '../../../../rootfs-builder/src/disk/mbr.ts';

describe('the DAX block', () => {
  it('is these bytes', () => {
    const block = Buffer.from(encodeDaxBlock({ dataOffset: 2 * MIB, alignment: 2 * MIB }));
    expect(block.length).toBe(4096);
    expect(block.subarray(0, 16).toString('latin1')).toBe('NVDIMM_PFN_INFO\0');
    expect(block.subarray(16, 52).every((byte) => byte === 0)).toBe(true);
    expect(block.subarray(52, 56).toString('hex')).toBe('00000200');
    expect(block.subarray(56, 88).toString('hex')).toBe(
      '0000200000000000' + '0000000000000000' + '01000000' + '00000000' + '00000000' + '00002000',
    );
    // Low half: the sum of the words, computed by hand from the fields above.
    const words = [0x4944564e, 0x505f4d4d, 0x495f4e46, 0x004f464e, 0x00020000, 0x00200000, 1, 0x00200000];
    expect(block.readUInt32LE(4088)).toBe(words.reduce((sum, word) => (sum + word) >>> 0, 0));
  });

  it('has the sum of sums in its upper half', () => {
    expect(fletcher64(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0))).toBe((4n << 32n) | 3n);
    expect(fletcher64(Buffer.from('ffffffff01000000', 'hex'))).toBe(0xffff_ffffn << 32n);
  });

  it('is read back, and refused after any change', () => {
    const block = encodeDaxBlock({ dataOffset: 2 * MIB, alignment: 4096 });
    expect(decodeDaxBlock(block)).toEqual({ dataOffset: 2 * MIB, alignment: 4096 });
    fc.assert(
      fc.property(fc.nat(4095), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const damaged = Uint8Array.from(block);
        damaged[index] = (damaged[index] ?? 0) ^ change;
        expect(() => decodeDaxBlock(damaged)).toThrow(BuildError);
      }),
    );
  });
});

describe('the partition table', () => {
  it('is these bytes', () => {
    const sector = Buffer.from(encodeMbr([{ startSector: 2048, sectors: 6144, bootable: true }], 0x1234_5678));
    expect(sector.subarray(0, 440).every((byte) => byte === 0)).toBe(true);
    expect(sector.subarray(440, 512).toString('hex')).toBe(
      '78563412' + '0000' + '80' + '202100' + '83' + '820200' + '00080000' + '00180000' + '00'.repeat(48) + '55aa',
    );
  });

  it('is read back, whatever is in it', () => {
    const partition = fc.record({
      startSector: fc.integer({ min: 1, max: 0xffff_ffff }),
      sectors: fc.integer({ min: 1, max: 0xffff_ffff }),
      bootable: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(partition, { maxLength: 4 }), fc.nat(0xffff_ffff), (partitions, identifier) => {
        expect(decodeMbr(encodeMbr(partitions, identifier))).toEqual(partitions);
      }),
    );
  });

  it.each([
    ['five partitions', () => encodeMbr(new Array(5).fill({ startSector: 1, sectors: 1 }) as never, 0)],
    ['2 TiB', () => encodeMbr([{ startSector: 1, sectors: 2 ** 32 }], 0)],
    ['a sector without signature', () => decodeMbr(new Uint8Array(512))],
    ['half a sector', () => decodeMbr(new Uint8Array(256))],
  ])('refuses %s', (_, attempt) => {
    expect(attempt).toThrow(BuildError);
  });
});

describe('layoutDisk()', () => {
  it.each([
    ['a plain disk', { totalBytes: 128 * MIB, dax: false, verity: false }, [1, 127], undefined],
    ['a disk with DAX', { totalBytes: 128 * MIB, dax: true, verity: false }, [3, 125], undefined],
    ['a measured disk', { totalBytes: 128 * MIB, dax: false, verity: true }, [1, 125], [126, 2]],
    ['a measured disk with DAX', { totalBytes: 256 * MIB, dax: true, verity: true }, [3, 250], [253, 3]],
    ['the smallest', { totalBytes: 2 * MIB, dax: false, verity: false }, [1, 1], undefined],
  ])('places %s', (_, shape, root, hashes) => {
    const range = ([offset = 0, length = 0]: number[]) => ({ offset: offset * MIB, lengthBytes: length * MIB });
    expect(layoutDisk(shape)).toEqual({
      root: range(root),
      ...(hashes === undefined ? {} : { hashes: range(hashes) }),
    });
  });

  it('shows the same bytes through both tables', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 4000 }), fc.boolean(), (mib, verity) => {
        const tables = diskTables(layoutDisk({ totalBytes: mib * MIB, dax: true, verity }), true, 1);
        expect(tables.map(([offset]) => offset)).toEqual([0, 4096, 2 * MIB]);
        const [outer, , inner] = tables.map(([, bytes]) => bytes);
        const shifted = decodeMbr(inner ?? new Uint8Array(0)).map((item) => ({
          ...item,
          startSector: item.startSector + 4096,
        }));
        expect(shifted).toEqual(decodeMbr(outer ?? new Uint8Array(0)));
        expect(shifted[0]?.startSector).toBe(6144);
      }),
    );
  });

  it('leaves room for the hashes of all data, at any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 100_000 }), fc.boolean(), (mib, dax) => {
        const { root, hashes } = layoutDisk({ totalBytes: mib * MIB, dax, verity: true });
        let need = 0;
        for (let blocks = root.lengthBytes / 4096; blocks > 1;) {
          blocks = Math.ceil(blocks / 128);
          need += blocks * 4096;
        }
        expect(hashes?.lengthBytes).toBeGreaterThanOrEqual(need);
      }),
    );
  });

  it.each([
    [3 * MIB, true, 'disk: 3 MiB are too small; the tables alone take 3 MiB'],
    [MIB, false, 'disk: 1 MiB are too small'],
    [MIB + 512, false, 'no multiple of 1 MiB'],
  ])('refuses %d bytes', (totalBytes, dax, message) => {
    expect(() => layoutDisk({ totalBytes, dax, verity: false })).toThrow(message);
  });
});

describe('the size of a disk', () => {
  // An empty file system has 10 MiB and 5 % less than its size.
  const freeOf = (size: number): Promise<number> => Promise.resolve(size * 0.95 - 10 * MIB);
  const question = { treeBytes: 50 * MIB, dax: false, verity: false, freeBytes: 0, alignmentBytes: MIB, freeOf };

  it.each([
    ['the first step with more free than the tree', {}, 70],
    ['DAX', { dax: true }, 72],
    ['free space', { freeBytes: 5 * MIB }, 75],
    ['the alignment', { alignmentBytes: 128 * MIB }, 128],
    ['both', { freeBytes: 60 * MIB, alignmentBytes: 128 * MIB }, 256],
    ['an empty tree', { treeBytes: 0 }, 21],
  ])('counts %s', async (_, change, mib) => {
    expect(await chooseDiskBytes({ ...question, ...change })).toBe(mib * MIB);
  });

  it('is given up when no size has room', async () => {
    await expect(chooseDiskBytes({ ...question, freeOf: () => Promise.resolve(0) })).rejects.toThrow(
      'disk: found no size for a tree of 50 MiB',
    );
  });

  it.each([
    [4096, false, false, 3],
    [MIB, false, false, 4],
    [10 * MIB - 1, false, false, 12],
    [100 * MIB, false, true, 105],
    [100 * MIB, true, true, 107],
  ])('of an erofs of %d bytes (dax %s, verity %s) is %d MiB', (bytes, dax, verity, mib) => {
    expect(erofsDiskBytes(bytes, { dax, verity, freeBytes: 0, alignmentBytes: MIB })).toBe(mib * MIB);
  });
});
