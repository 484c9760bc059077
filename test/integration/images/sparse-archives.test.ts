/** Archives with holes that GNU tar makes become files with holes: nothing of them is lost, and nothing is written out. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ociBase } from '../../../rootfs-builder/src/bases/oci/oci-base.ts';
import { tarBase } from '../../../rootfs-builder/src/bases/simple-bases.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import { readSlice } from '../../../rootfs-builder/src/tree/content.ts';
import type { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { Workshop } from '../../unit/rootfs-builder/bases/base-support.ts';
import { dockerArchive, makeLayout } from '../../unit/rootfs-builder/bases/oci-layout.ts';
import { noise } from '../../unit/rootfs-builder/rich-tree.ts';
import { run, TIME } from '../image-formats/support.ts';

const MIB = 1024 * 1024;
const BIG_BYTES = 256 * MIB;
/** Where the big file has something. */
const PLACES = [0, 5 * MIB, 5 * MIB + 8192, 200 * MIB, BIG_BYTES - 4096 - 100];

const FORMATS = [
  ['gnu', ['--format=gnu']],
  ['pax 0.0', ['--format=posix', '--sparse-version=0.0']],
  ['pax 0.1', ['--format=posix', '--sparse-version=0.1']],
  ['pax 1.0', ['--format=posix', '--sparse-version=1.0']],
] as const;

let folder = '';
const archiveOf = (format: string): string => join(folder, `${format.replace(' ', '-')}.tar`);
const NAME = `srv/${'long-name-'.repeat(12)}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-sparse-'));
  const source = join(folder, 'source');
  mkdirSync(join(source, 'srv'), { recursive: true });
  const big = await open(join(source, NAME), 'wx', 0o640);
  await big.truncate(BIG_BYTES);
  for (const [index, at] of PLACES.entries())
    await big.write(noise(4096 + (at === PLACES.at(-1) ? 100 : 0), index), 0, undefined, at);
  // More regions than a header has room for, in each of the old format's blocks.
  for (let index = 0; index < 60; index++) await big.write(Buffer.from(`${index}`), 0, undefined, (100 + index) * MIB);
  await big.close();
  writeFileSync(join(source, 'srv/hole'), '');
  truncateSync(join(source, 'srv/hole'), 64 * MIB);
  writeFileSync(join(source, 'srv/plain'), 'plain');
  for (const [name, options] of FORMATS)
    execFileSync('tar', ['--sparse', ...options, '-C', source, '-cf', archiveOf(name), '.']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function expectWhole(tree: FileTree): Promise<void> {
  const entry = tree.get(NAME);
  if (entry?.kind !== 'file') throw new Error(`${NAME} is not there`);
  expect(entry).toMatchObject({ mode: 0o640, content: { sizeBytes: BIG_BYTES } });
  for (const [index, at] of PLACES.entries()) {
    const bytes = await readSlice(entry.content, at, 4096);
    expect([at, Buffer.compare(bytes, noise(4096, index))]).toEqual([at, 0]);
  }
  for (let index = 0; index < 60; index++) {
    const bytes = await readSlice(entry.content, (100 + index) * MIB - 1, 4);
    expect(Buffer.from(bytes).toString('latin1')).toBe(`\0${index}`.padEnd(4, '\0'));
  }
  expect(tree.get('srv/hole')).toMatchObject({ content: { sizeBytes: 64 * MIB } });
  expect(tree.get('srv/plain')).toMatchObject({ content: { bytes: new Uint8Array(Buffer.from('plain')) } });
}

describe('an archive made by tar --sparse', () => {
  it.each(FORMATS)('in the format %s is read as a base, and its holes take no room', async (format) => {
    using shop = new Workshop();
    const context = shop.context();
    expect(readFileSync(archiveOf(format)).length).toBeLessThan(2 * MIB);
    const { tree } = await tarBase({ kind: 'tar', path: archiveOf(format) }, context);
    context.pack.flush();
    await expectWhole(tree);
    expect(statSync(context.pack.path).blocks * 512).toBeLessThan(4 * MIB);
    context.pack[Symbol.dispose]();
  });

  it('is a layer of OCI and Docker images like others', async () => {
    using shop = new Workshop();
    makeLayout(
      shop.path('layout'),
      FORMATS.slice(0, 1).map(() => ({ layers: FORMATS.map(([format]) => readFileSync(archiveOf(format))) })),
    );
    const layout = await ociBase({ path: shop.path('layout') }, shop.context());
    await expectWhole(layout.tree);
    writeFileSync(shop.path('docker.tar'), dockerArchive([readFileSync(archiveOf('pax 1.0'))], 'sparse:latest'));
    const docker = await ociBase({ path: shop.path('docker.tar') }, shop.context());
    await expectWhole(docker.tree);
  });

  it('keeps its holes in ext4 and erofs, whose sizes do not count them', async () => {
    using shop = new Workshop();
    const context = shop.context();
    const { tree } = await tarBase({ kind: 'tar', path: archiveOf('pax 1.0') }, context);
    context.pack.flush();
    const request = { tree, sourceDateEpoch: TIME, architecture: 'x86_64' };
    const ext4 = await writeFormat('ext4', { ...request, output: shop.path('root.ext4') });
    expect(ext4.files[0]?.sizeBytes).toBeLessThan(64 * MIB);
    await run('e2fsck', '-fn', shop.path('root.ext4'));
    const shown = await run('debugfs', '-R', `stat /${NAME}`, shop.path('root.ext4'));
    expect(shown).toContain(`Size: ${BIG_BYTES}`);
    expect(Number(/Blockcount: (\d+)/.exec(shown)?.[1]) * 512).toBeLessThan(MIB);
    expect(await run('debugfs', '-R', 'stat /srv/hole', shop.path('root.ext4'))).toMatch(
      /Size: 67108864\n[^]*Blockcount: 0\n/,
    );
    const erofs = await writeFormat('erofs', { ...request, output: shop.path('root.erofs') });
    expect(erofs.files[0]?.sizeBytes).toBeLessThan(64 * MIB);
    expect(await run('fsck.erofs', '-d3', shop.path('root.erofs'))).toContain('No errors found');
    context.pack[Symbol.dispose]();
  });

  it('is zeros in an initrd', async () => {
    using shop = new Workshop();
    const small = join(folder, 'small');
    mkdirSync(small);
    writeFileSync(join(small, 'holey'), Buffer.concat([Buffer.alloc(MIB), Buffer.from('end')]));
    execFileSync('tar', ['--sparse', '--hole-detection=raw', '-C', small, '-cf', shop.path('small.tar'), 'holey']);
    const { tree } = await tarBase({ kind: 'tar', path: shop.path('small.tar') }, shop.context());
    const output = shop.path('initrd');
    await writeFormat('initrd', { tree, output, sourceDateEpoch: TIME, architecture: 'x86_64', compression: 'none' });
    mkdirSync(shop.path('out'));
    await run('sh', '-c', `cd '${shop.path('out')}' && cpio -idm --quiet <'${output}'`);
    expect(Buffer.compare(readFileSync(shop.path('out/holey')), readFileSync(join(small, 'holey')))).toBe(0);
  });
});
