/** Writes every format into the directory of its argument, for tests that run it in odd surroundings. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import type { Format, FormatRequest } from '../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import { writeDocuments } from '../../../rootfs-builder/src/sbom/write-documents.ts';
import { richTree } from '../../unit/rootfs-builder/rich-tree.ts';

const [, , folder = '.', ...wanted] = process.argv;
const verity = { variant: 'base' };
const jobs: [string, Format, Partial<FormatRequest>][] = [
  ['initrd.gz', 'initrd', {}],
  ['initrd.zst', 'initrd', { compression: 'zstd' }],
  ['root.tar', 'tar', {}],
  ['oci', 'oci', {}],
  ['oci.tar', 'oci-archive', {}],
  ['root.ext4', 'ext4', { verity }],
  ['root.erofs', 'erofs', {}],
  ['small.erofs', 'erofs', { dax: false }],
  ['lz4.erofs', 'erofs', { compression: 'lz4' }],
  ['root.xfs', 'xfs', { sizeBytes: 304 * 1024 * 1024 }],
  ['disk.img', 'disk', { verity: { variant: 'disk' } }],
  ['erofs.img', 'disk', { rootType: 'erofs', dax: false }],
  ['extension.img', 'extension', { extensionName: 'x', verity: { variant: 'x-extension' } }],
];

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, kind, options] of jobs) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const tree = richTree(kind === 'xfs' ? { xattrs: false, links: false } : {});
    const base = { sourceDateEpoch: 1_700_000_000, architecture: 'x86_64' };
    const output = join(folder, name);
    const image = await writeFormat(kind, { ...base, tree, output, ...options });
    const facts = { components: [], recipe: { format: kind }, inputs: [], builderVersion: '0.1.0' };
    await writeDocuments({ ...base, ...facts, image, output });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof BuildError ? error.message : String(error)}\n`);
  process.exitCode = error instanceof BuildError ? 1 : 70;
});
