/**
 * The partition tables of every disk that we write, read back by sfdisk and by sgdisk. Kata's disks have an msdos label, never GPT: what
 * sgdisk verifies is the table that it makes of it in memory. A GPT ends with a copy of itself, for which a disk whose last partition goes
 * to the end, as Kata's does, has no place; that is the one problem which it may find, and with room behind the disk it finds none.
 */
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Format, FormatRequest } from '../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { cut, run, TIME } from './support.ts';

const MIB = 1024 * 1024;
const SECTORS = MIB / 512;
/** Where the second table of a disk with DAX header lies. */
const INNER = 2 * MIB;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** First sector, number of sectors, and whether the boot flag is set. */
type Row = readonly [start: number, sectors: number, bootable: boolean];

interface SfdiskTable {
  readonly partitiontable: {
    readonly label: string;
    readonly partitions: readonly { start: number; size: number; type: string; bootable?: boolean }[];
  };
}

async function sfdiskRows(image: string): Promise<Row[]> {
  const { partitiontable } = JSON.parse(await run('sfdisk', '--json', image)) as SfdiskTable;
  expect(partitiontable.label).toBe('dos');
  expect(partitiontable.partitions.map(({ type }) => type)).toEqual(partitiontable.partitions.map(() => '83'));
  return partitiontable.partitions.map(({ start, size, bootable = false }) => [start, size, bootable]);
}

async function sgdiskRows(image: string): Promise<[number, number][]> {
  const said = await run('sgdisk', '--print', image);
  const rows = said.matchAll(/^ +\d+ +(\d+) +(\d+) +[\d.]+ [KMG]iB +8300 /gm);
  return [...rows].map(([, first, last]) => [Number(first), Number(last) - Number(first) + 1]);
}

/** A disk, or the part of one that a pmem device shows, is to have these partitions. Leaves the image as it is. */
async function expectTable(image: string, rows: readonly Row[]): Promise<void> {
  expect(await sfdiskRows(image)).toEqual(rows);
  expect(await run('sfdisk', '--verify', image)).toContain('No errors detected.');
  expect(await sgdiskRows(image)).toEqual(rows.map(([start, sectors]) => [start, sectors]));
  const verified = await run('sgdisk', '--verify', image);
  expect(verified).toContain('Found invalid GPT and valid MBR');
  expect(verified).toMatch(/Secondary partition table overlaps the last partition by\s+33 blocks/);
  expect(verified).toContain('Identified 1 problems!');
  const { size } = await stat(image);
  await truncate(image, size + MIB);
  expect(await run('sgdisk', '--verify', image)).toMatch(/No problems found/);
  await truncate(image, size);
}

const measured = { verity: { variant: 'base' } };
const end128 = 128 * SECTORS;
/** 99 % of 128 MiB, in whole MiB: where the hashes begin. */
const hashes128 = 126 * SECTORS;

describe('sfdisk and sgdisk see the partitions of', () => {
  it.each<[string, Format, Partial<FormatRequest>, readonly Row[]]>([
    ['a plain disk', 'disk', { dax: false }, [[SECTORS, end128 - SECTORS, false]]],
    ['a disk with DAX header', 'disk', {}, [[3 * SECTORS, end128 - 3 * SECTORS, false]]],
    [
      'a measured disk',
      'disk',
      { dax: false, ...measured },
      [
        [SECTORS, hashes128 - SECTORS, true],
        [hashes128, 2 * SECTORS, false],
      ],
    ],
    [
      'a measured disk with DAX header',
      'disk',
      measured,
      [
        [3 * SECTORS, hashes128 - 3 * SECTORS, true],
        [hashes128, 2 * SECTORS, false],
      ],
    ],
    ['a disk with erofs', 'disk', { rootType: 'erofs', dax: false }, [[SECTORS, 3 * SECTORS, false]]],
    ['a disk with erofs and DAX header', 'disk', { rootType: 'erofs' }, [[3 * SECTORS, 3 * SECTORS, false]]],
    [
      'a measured disk with erofs and DAX header',
      'disk',
      { rootType: 'erofs', ...measured },
      [
        [3 * SECTORS, 4 * SECTORS, true],
        [7 * SECTORS, SECTORS, false],
      ],
    ],
    [
      'a measured extension',
      'extension',
      { extensionName: 'x', verity: { variant: 'x-extension' } },
      [
        [SECTORS, 3 * SECTORS, true],
        [4 * SECTORS, SECTORS, false],
      ],
    ],
  ])('%s', async (name, kind, options, rows) => {
    const output = join(folder, name, 'image');
    const isSmall = kind === 'disk' && options.rootType === undefined; // Kata's size of 128 MiB whatever is in it
    const tree = isSmall ? new FileTree().file('sbin/init', 'init') : richTree();
    await writeFormat(kind, { tree, output, sourceDateEpoch: TIME, architecture: 'x86_64', ...options });
    await expectTable(output, rows);
    const hasHeader = kind === 'disk' && options.dax !== false;
    const inner = await cut(output, INNER, (await stat(output)).size - INNER, join(folder, name, 'inner'));
    if (hasHeader)
      await expectTable(
        inner,
        rows.map(([start, sectors, bootable]) => [start - INNER / 512, sectors, bootable]),
      );
    else expect(await sfdiskRows(inner).catch(() => 'none')).toBe('none');
    await rm(join(folder, name), { recursive: true });
  });

  it('nothing in a disk with a broken table: the check can fail', async () => {
    const output = join(folder, 'broken/image');
    const request = { tree: richTree(), output, sourceDateEpoch: TIME, architecture: 'x86_64' };
    await writeFormat('extension', { ...request, extensionName: 'x', verity: { variant: 'x-extension' } });
    // The second partition begins inside the first.
    await run('sh', '-c', `printf '\\001' | dd of="${output}" bs=1 seek=$((446 + 16 + 9)) conv=notrunc status=none`);
    expect(await run('sgdisk', '--verify', output)).toMatch(/partitions 2 and 1 overlap/);
    await expect(expectTable(output, await sfdiskRows(output))).rejects.toThrow();
  });
});
