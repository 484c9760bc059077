/**
 * Size and build time of each image format for one tree: the busybox root with three npm packages of this repository.
 * usage: npx tsx test/bench/image-formats.ts
 */
import { mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxTree } from '../../rootfs-builder/src/busybox/busybox-root.ts';
import type { Format, FormatRequest } from '../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../rootfs-builder/src/format/write-format.ts';
import { diskUsageBytes } from '../../rootfs-builder/src/tree/disk-usage.ts';
import { scanDirectory } from '../../rootfs-builder/src/tree/scan-directory.ts';
import { repository } from '../support/repository.ts';

const MIB = 1024 * 1024;
const jobs: [string, Format, Partial<FormatRequest>][] = [
  ['initrd, uncompressed', 'initrd', { compression: 'none' }],
  ['initrd, gzip', 'initrd', {}],
  ['initrd, zstd', 'initrd', { compression: 'zstd' }],
  ['tar', 'tar', {}],
  ['oci (gzip layer)', 'oci-archive', {}],
  ['ext4', 'ext4', {}],
  ['erofs, tails in inodes', 'erofs', { dax: false }],
  ['erofs', 'erofs', {}],
  ['erofs with verity beside it', 'erofs', { verity: { variant: 'bench' } }],
  ['xfs', 'xfs', { sizeBytes: 304 * MIB }],
  ['disk: ext4, DAX', 'disk', {}],
  ['disk: ext4, DAX, verity', 'disk', { verity: { variant: 'bench' } }],
  ['disk: erofs, verity', 'disk', { rootType: 'erofs', dax: false, verity: { variant: 'bench' } }],
];

async function main(): Promise<void> {
  const tree = await busyboxTree();
  for (const name of ['typescript', 'lodash', 'undici-types'])
    await scanDirectory(tree, await realpath(join(repository, 'node_modules', name)), `opt/${name}`, { owner: 'root' });
  const folder = await mkdtemp(join(tmpdir(), 'kihon-bench-'));
  const row = (...cells: string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
  try {
    process.stdout.write(`${tree.size} names, ${(diskUsageBytes(tree) / MIB).toFixed(1)} MiB\n\n`);
    row('Format', 'MiB', 'MiB on disk', 'Seconds');
    row('---', '---:', '---:', '---:');
    for (const [label, kind, options] of jobs) {
      const output = join(folder, 'image');
      const start = performance.now();
      const { files } = await writeFormat(kind, {
        ...{ tree, output, sourceDateEpoch: 0, architecture: 'x86_64' },
        ...options,
      });
      const seconds = (performance.now() - start) / 1000;
      const stats = await Promise.all(files.map(({ path }) => stat(path)));
      const sum = (of: (item: (typeof stats)[number]) => number): string =>
        (stats.reduce((total, item) => total + of(item), 0) / MIB).toFixed(1);
      row(
        label,
        sum(({ size }) => size),
        sum(({ blocks }) => blocks * 512),
        seconds.toFixed(1),
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
