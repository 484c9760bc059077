import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MIB } from '../../../../rootfs-builder/src/disk/layout.ts';
import { decodeMbr } from '../../../../rootfs-builder/src/disk/mbr.ts';
import type { FormatRequest, WrittenImage } from '../../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../../rootfs-builder/src/format/write-format.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

const SECTORS_PER_MIB = 2048;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(
  contentMib: number,
  options: Partial<FormatRequest>,
): Promise<WrittenImage & { mib: number; output: string }> {
  const output = join(folder, 'disk');
  const tree = new FileTree().file('data', new Uint8Array(contentMib * MIB).fill(1));
  const written = await writeFormat('disk', {
    ...{ tree, output, sourceDateEpoch: 1, architecture: 'x86_64', rootType: 'erofs' },
    ...options,
  });
  return { ...written, mib: (await stat(output)).size / MIB, output };
}

it.each([false, true])(
  'an erofs disk with DAX header ends where the guest’s pmem driver takes it, measured %s',
  async (isMeasured) => {
    for (const contentMib of [1, 2, 3, 4]) {
      const { mib, output, notes } = await write(contentMib, isMeasured ? { verity: { variant: 'v' } } : {});
      expect(mib % 2).toBe(0);
      expect(notes).toEqual([]);
      const bytes = await readFile(output);
      const outer = decodeMbr(bytes.subarray(0, 512));
      const inner = decodeMbr(bytes.subarray(2 * MIB, 2 * MIB + 512));
      expect(inner.map(({ startSector }) => startSector + 2 * SECTORS_PER_MIB)).toEqual(
        outer.map(({ startSector }) => startSector),
      );
      expect(inner.map(({ sectors }) => sectors)).toEqual(outer.map(({ sectors }) => sectors));
      // The last partition ends with the file in both views, and the hashes begin where the data ends.
      const ends = outer.map(({ startSector, sectors }) => startSector + sectors);
      expect(ends.at(-1)).toBe(mib * SECTORS_PER_MIB);
      expect(outer.slice(1).map(({ startSector }) => startSector)).toEqual(ends.slice(0, -1));
    }
  },
);

it('an erofs disk without DAX header is rounded to 1 MiB only', async () => {
  const sizes = [await write(1, { dax: false }), await write(2, { dax: false })].map(({ mib }) => mib);
  expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBe(1);
});

it('an odd size that was asked for is kept, with a note that it cannot be an NVDIMM', async () => {
  const odd = await write(1, { sizeBytes: 9 * MIB });
  expect(odd.mib).toBe(9);
  expect(odd.notes).toEqual(['disk: 9 MiB are no multiple of 2 MiB, so it cannot be attached as an NVDIMM']);
  expect((await write(1, { sizeBytes: 9 * MIB, dax: false })).notes).toEqual([]);
});
