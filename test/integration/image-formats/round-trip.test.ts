/** Each format is read back by programs that have nothing to do with its writer. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Format, FormatRequest, WrittenImage } from '../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import { compressibleTree, holeyBytes, noise, richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { cut, expectExtracted, outputIn, run, TIME } from './support.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function build(
  kind: Format,
  tree: FormatRequest['tree'],
  options: Partial<FormatRequest> = {},
): Promise<WrittenImage & { output: string }> {
  const output = outputIn(folder, `${count++}/${kind}`);
  const request = { tree, output, sourceDateEpoch: TIME, architecture: 'x86_64', ...options };
  return { output, ...(await writeFormat(kind, request)) };
}

async function directory(): Promise<string> {
  const path = join(folder, `dir-${count++}`);
  await mkdir(path);
  return path;
}

describe('an initrd', () => {
  it('is unpacked by cpio with owners, modes, nodes, links and times', async () => {
    const tree = richTree({ socket: true });
    const { output, notes } = await build('initrd', tree, { compression: 'none' });
    const target = await directory();
    await run('sh', '-c', `cd "${target}" && cpio -idm --quiet < "${output}"`);
    await expectExtracted(tree, target, { times: 'files' }); // cpio sets no times of links

    expect(notes.join()).toMatch(/^initrd: cpio holds no extended attributes; 3 left without, such as usr\/bin\/ping/);
  });
});

describe('a tar archive', () => {
  it('is unpacked by tar with all that the tree holds', async () => {
    const tree = richTree();
    const { output } = await build('tar', tree, { compression: 'gzip' });
    const target = await directory();
    await run(
      'tar',
      '-xpzf',
      output,
      '-C',
      target,
      '--numeric-owner',
      '--xattrs',
      '--xattrs-include=user.*',
      '--delay-directory-restore',
    );
    await expectExtracted(tree, target);
    expect(await run('tar', '-tvvzf', output, '--xattrs', '--xattrs-include=*')).toMatch(
      /x: {1,3}\d+ security\.capability/,
    );
  });
});

describe('an OCI image', () => {
  it('has blobs with the digests that name them, from the index down to the layer', async () => {
    const tree = richTree();
    const { output, files } = await build('oci', tree, { oci: { cmd: ['/bin/su'] } });
    const blob = async (digest: string): Promise<Buffer> => {
      const bytes = await readFile(join(output, 'blobs', digest.replace(':', '/')));
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
      return bytes;
    };
    interface Descriptor {
      digest: string;
      size: number;
    }
    const index = JSON.parse(await readFile(join(output, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
    const manifest = JSON.parse((await blob(index.manifests[0]?.digest ?? '')).toString()) as {
      config: Descriptor;
      layers: Descriptor[];
    };
    const config = JSON.parse((await blob(manifest.config.digest)).toString()) as { rootfs: { diff_ids: string[] } };
    const [layer] = manifest.layers;
    expect((await blob(layer?.digest ?? '')).length).toBe(layer?.size);
    const stored = join(output, 'blobs', (layer?.digest ?? '').replace(':', '/'));
    const sum = await run('sh', '-c', `gzip -dc "${stored}" | sha256sum | cut -d ' ' -f 1`);
    expect(config.rootfs.diff_ids).toEqual([`sha256:${sum.trim()}`]);
    const target = await directory();
    await run('tar', '-xpzf', stored, '-C', target, '--numeric-owner', '--delay-directory-restore');
    await expectExtracted(tree, target);
    expect(files).toHaveLength(5);
  });

  it('takes the place of an older layout, but not of another directory', async () => {
    const tree = richTree();
    const { output } = await build('oci', tree);
    const again = { tree: tree.file('new', ''), output, sourceDateEpoch: TIME, architecture: 'x86_64' };
    await writeFormat('oci', again);
    expect(await readdir(join(output, 'blobs/sha256'))).toHaveLength(3);
    const other = await directory();
    await mkdir(join(other, 'precious'));
    await expect(writeFormat('oci', { ...again, output: other })).rejects.toThrow('that is no OCI layout');
    expect(await readdir(other)).toEqual(['precious']);
  });

  it('is the same as one archive', async () => {
    const tree = richTree();
    const { output } = await build('oci', tree);
    const { output: archive } = await build('oci-archive', tree);
    const target = await directory();
    await run('tar', '-xf', archive, '-C', target);
    await run('diff', '-r', output, target);
  });
});

describe('an ext4 image', () => {
  it('is clean to e2fsck and shows debugfs all that the tree holds', async () => {
    const { output } = await build('ext4', richTree({ socket: true }));
    expect(await run('e2fsck', '-fn', output)).toMatch(/files .* blocks\s*$/);
    const show = (command: string): Promise<string> => run('debugfs', '-R', command, output);
    const ping = await show('stat /usr/bin/ping6');
    expect(ping).toMatch(/Type: regular {4}Mode: {2}0755/);
    expect(ping).toMatch(/Links: 2/);
    expect(ping).toMatch(/security\.capability \(20\) = 01 00 00 02 00 20 00 00/);
    expect(ping).toMatch(/mtime: 0x6553f100:00000000/);
    expect(await show('stat /usr/bin/exact')).toMatch(/mtime: 0x3b9aca00/);
    expect(await show('stat /home/user/huge-id')).toMatch(
      /User: +(?:4000000000|-294967296) +Group: +(?:3000000000|-1294967296)/,
    );
    expect(await show('stat /tmp')).toMatch(/Type: directory {4}Mode: {2}01777/);
    expect(await show('stat /dev/vda')).toMatch(/Type: block special[\s\S]*Device major\/minor number: 254:300/);
    expect(await show('ls -l /run')).toMatch(/ 10622 \(5\)[^\n]*pipe\n[^\n]* 140755 \(6\)[^\n]*socket/);
    expect(await show('stat /usr/long-link')).toMatch(/Type: symlink[\s\S]*Size: 201/);
    const copy = join(await directory(), 'copy');
    for (const [path, bytes] of [
      ['/usr/share/holey', holeyBytes()],
      ['/usr/bin/ping6', noise(70_000)],
    ] as const) {
      await show(`dump ${path} ${copy}`);
      expect(Buffer.compare(await readFile(copy), bytes)).toBe(0);
    }
    expect(await show('stat /usr/share/holey')).toMatch(/Blockcount: 24\n/); // 3 blocks of 4 KiB, the rest is a hole
    expect(await show('ls /usr/lib/many')).toContain('file-with-a-long-name-299');
  });

  it('can be as small as the tree allows, and larger', async () => {
    const { files } = await build('ext4', richTree(), { sizeBytes: 8 * 1024 * 1024 });
    expect(files[0]?.sizeBytes).toBe(8 * 1024 * 1024);
    const free = await build('ext4', richTree(), { freeBytes: 64 * 1024 * 1024 });
    expect(free.files[0]?.sizeBytes).toBeGreaterThan(64 * 1024 * 1024);
  });
});

describe('an erofs image', () => {
  it.each([true, false])('is clean to fsck.erofs, which unpacks the tree (DAX: %s)', async (dax) => {
    const tree = richTree({ socket: true });
    const { output } = await build('erofs', tree, { dax });
    expect(await run('fsck.erofs', '-d3', output)).toContain('No errors found');
    const target = join(await directory(), 'root');
    await run('fsck.erofs', `--extract=${target}`, output);
    // fsck.erofs 1.5 makes copies of hard links, and its chown after chmod clears set-user-ID bits.
    // It also leaves holes out of what it unpacks, so that this one file is shorter.
    await expectExtracted(tree, target, { hardLinks: false, setUser: false, but: ['usr/share/holey'] });
    const dump = (path: string): Promise<string> => run('dump.erofs', `--path=${path}`, output);
    expect(await dump('/usr/bin/ping')).toMatch(/Links: 2 {3}Layout: (0|2)[\s\S]*Xattr size: 52/);
    expect(await dump('/usr/bin/exact')).toContain('Timestamp: 2001-09-09 01:46:40');
    expect(await run('dump.erofs', '-s', output)).toMatch(/sb_csum mtime chunked_file/);
  });

  it('with compressed files is clean and unpacks to the same', async () => {
    const tree = compressibleTree();
    const { output } = await build('erofs', tree, { compression: 'lz4' });
    expect(await run('fsck.erofs', '-d3', output)).toContain('No errors found');
    const target = join(await directory(), 'root');
    await run('fsck.erofs', `--extract=${target}`, output);
    await expectExtracted(tree, target, { hardLinks: false, setUser: false, but: ['usr/share/holey'] });
    expect(await run('dump.erofs', '--path=/usr/share/text', output)).toMatch(/Layout: 1 {3}Compression ratio: \d/);
    expect(await run('dump.erofs', '-s', output)).toContain('0padding');
  });
});

describe('an xfs image', () => {
  it('is clean to xfs_repair, and holds modes and times', async () => {
    const tree = richTree({ xattrs: false, links: false });
    const { output } = await build('xfs', tree, { sizeBytes: 304 * 1024 * 1024 });
    await run('xfs_repair', '-n', output);
    const show = (path: string): Promise<string> =>
      run('xfs_db', '-r', '-c', `path ${path}`, '-c', 'print core', output);
    expect(await show('/tmp')).toMatch(/core\.mode = 041777[\s\S]*core\.mtime\.sec = Tue Nov 14 22:13:20 2023/);
    expect(await show('/usr/bin/exact')).toContain('core.mtime.sec = Sun Sep  9 01:46:40 2001');
    expect(await show('/home/user/huge-id')).toMatch(/core\.uid = 4000000000\ncore\.gid = 3000000000/);
    await expect(build('xfs', richTree({ socket: true }))).rejects.toThrow(/^xfs: .*use ext4 or erofs$/);
  });

  it('holds links and attributes where xfs_db can add them, and refuses them elsewhere', async () => {
    const options = { sizeBytes: 304 * 1024 * 1024 };
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(await run('xfs_db', '-V')) ?? [];
    if (Number(major) < 6 || (Number(major) === 6 && Number(minor) < 10)) {
      await expect(build('xfs', richTree(), options)).rejects.toThrow(
        /^xfs: \S+: mkfs.xfs cannot make .*, and this xfs_db adds none \(xfsprogs 6.10 does\); use ext4 or erofs$/,
      );
      return;
    }
    const [first, second] = [await build('xfs', richTree(), options), await build('xfs', richTree(), options)];
    await run('xfs_repair', '-n', first.output);
    const show = (path: string, ...commands: string[]): Promise<string> =>
      run('xfs_db', '-rx', '-c', `path ${path}`, ...commands.flatMap((command) => ['-c', command]), first.output);
    expect(await show('/usr/bin/ping6', 'print core.nlinkv2')).toContain('core.nlinkv2 = 2');
    expect(await show('/usr/bin/ping', 'attr_list -s')).toContain('capability');
    expect(await show('/usr/share/holey', 'attr_list -u')).toContain('note');
    expect(Buffer.compare(await readFile(first.output), await readFile(second.output))).toBe(0);
  });
});

describe('a verity tree', () => {
  it('is byte by byte what veritysetup writes, superblock included', async () => {
    const { output, verity, files } = await build('erofs', richTree(), { verity: { variant: 'test' } });
    const theirs = join(await directory(), 'hashes');
    const ours = await readFile(`${output}.verity`);
    const uuid = ours
      .subarray(16, 32)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const salt = verity?.salt ?? '';
    const said = await run('veritysetup', 'format', `--salt=${salt}`, `--uuid=${uuid}`, output, theirs);
    expect(said).toMatch(new RegExp(`Root hash:\\s+${verity?.rootHash}`));
    expect(Buffer.compare(ours, await readFile(theirs))).toBe(0);
    await run('veritysetup', 'verify', output, `${output}.verity`, verity?.rootHash ?? '');
    const line = await readFile(files.at(-1)?.path ?? '', 'utf8');
    expect(line).toBe(
      `root_hash=${verity?.rootHash},salt=${salt},data_blocks=${verity?.dataBlocks},data_block_size=4096,hash_block_size=4096\n`,
    );
  });

  it('of one block, and with no salt, is the same as theirs', async () => {
    for (const [blocks, salt] of [
      [1, 'ab'],
      [300, '-'],
    ] as const) {
      const { HashTreeBuilder } = await import('../../../rootfs-builder/src/verity/hash-tree.ts');
      const data = noise(blocks * 4096);
      const builder = new HashTreeBuilder(Buffer.from(salt === '-' ? '' : salt, 'hex'));
      builder.push(data);
      const { rootHash, bytes } = builder.finish();
      const where = await directory();
      const { writeFile } = await import('node:fs/promises');
      await writeFile(join(where, 'data'), data);
      const args = ['--no-superblock', `--salt=${salt}`, join(where, 'data'), join(where, 'hashes')];
      const said = await run('veritysetup', 'format', ...args);
      expect(said).toContain(Buffer.from(rootHash).toString('hex'));
      if (blocks > 1) expect(Buffer.compare(bytes, await readFile(join(where, 'hashes')))).toBe(0);
    }
  });
});

describe('a disk', () => {
  const MIB = 1024 * 1024;
  const table = async (image: string): Promise<number[][]> =>
    [...(await run('sfdisk', '-d', image)).matchAll(/start= *(\d+), size= *(\d+), type=83/g)].map(([, start, size]) => [
      Number(start),
      Number(size),
    ]);

  it('with DAX and verity has two tables over the same root, which e2fsck and veritysetup accept', async () => {
    const { output, verity, kernelParameters } = await build('disk', richTree({ socket: true }), {
      verity: { variant: 'base' },
    });
    expect((await stat(output)).size).toBe(128 * MIB);
    expect(await table(output)).toEqual([
      [6144, 126 * 2048 - 6144],
      [126 * 2048, 4096],
    ]);
    const where = await directory();
    const inner = await cut(output, 2 * MIB, 126 * MIB, join(where, 'inner'));
    expect(await table(inner)).toEqual([
      [2048, 126 * 2048 - 6144],
      [126 * 2048 - 4096, 4096],
    ]);
    await run('e2fsck', '-fn', `${output}?offset=${3 * MIB}`);
    const data = await cut(output, 3 * MIB, 123 * MIB, join(where, 'data'));
    const hashes = await cut(output, 126 * MIB, 2 * MIB, join(where, 'hashes'));
    const args = ['--no-superblock', `--salt=${verity?.salt}`, `--data-blocks=${verity?.dataBlocks}`];
    await run('veritysetup', 'verify', ...args, data, hashes, verity?.rootHash ?? '');
    await expect(
      run('veritysetup', 'verify', ...args, data, hashes, (verity?.rootHash ?? '').replace(/^./, 'x')),
    ).rejects.toThrow();
    expect(kernelParameters.join(' ')).toMatch(
      /^dm-mod\.create="dm-verity,,,ro,0 251904 verity 1 \/dev\/vda1 \/dev\/vda2 4096 4096 31488 0 sha256 [0-9a-f]{64} [0-9a-f]{64}" root=\/dev\/dm-0 /,
    );
  });

  it('with erofs is as small as its content, and clean', async () => {
    const { output, kernelParameters } = await build('disk', richTree(), { rootType: 'erofs', dax: false });
    expect((await stat(output)).size).toBe(4 * MIB);
    expect(await table(output)).toEqual([[2048, 3 * 2048]]);
    expect(await run('fsck.erofs', '-d3', await cut(output, MIB, 3 * MIB, join(await directory(), 'root')))).toContain(
      'No errors',
    );
    expect(kernelParameters).toEqual(['root=/dev/vda1', 'ro', 'rootfstype=erofs']);
  });

  it('is a guest extension with its own kernel parameter', async () => {
    const options = { extensionName: 'coco', verity: { variant: 'coco-extension' } };
    const { kernelParameters, files } = await build('extension', richTree(), options);
    const line = (await readFile(files[1]?.path ?? '', 'utf8')).trim();
    expect(files[1]?.path).toMatch(/root_hash_coco-extension\.txt$/);
    expect(kernelParameters).toEqual([`kata.extension.coco.verity_params=${line}`]);
    expect((await build('extension', richTree(), { extensionName: 'gpu' })).kernelParameters).toEqual([
      'kata.extension.gpu.verity_params',
    ]);
  });
});
