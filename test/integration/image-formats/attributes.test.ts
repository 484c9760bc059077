/** Extended attributes, and access lists among them, from a folder or an archive into images, read back by other programs. */
import { execFileSync } from 'node:child_process';
import { lchownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryBase, tarBase } from '../../../rootfs-builder/src/bases/simple-bases.ts';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import { readErofs } from '../../../rootfs-builder/src/erofs/reader.ts';
import { writingOrder } from '../../../rootfs-builder/src/ext4/xattr-plan.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import type { Xattrs } from '../../../rootfs-builder/src/tree/entry.ts';
import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { Workshop } from '../../unit/rootfs-builder/bases/base-support.ts';
import { CAP_NET_RAW, noise } from '../../unit/rootfs-builder/rich-tree.ts';
import { run, TIME } from './support.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-attributes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function image(format: 'ext4' | 'erofs', tree: FileTree, name: string): Promise<string> {
  mkdirSync(join(folder, name), { recursive: true });
  const output = join(folder, name, `root.${format}`);
  await writeFormat(format, { tree, output, sourceDateEpoch: TIME, architecture: 'x86_64' });
  return output;
}

async function readExt4(output: string, path: string, name: string, isRaw = false): Promise<Uint8Array> {
  const to = join(folder, 'value');
  rmSync(to, { force: true });
  await run('debugfs', '-R', `ea_get ${isRaw ? '-r ' : ''}-f ${to} ${path} ${name}`, output);
  return new Uint8Array(readFileSync(to));
}

/** Some sets of dozens of values are refused, since no order of writing them has room for all. */
function hasRoom(xattrs: Xattrs): boolean {
  try {
    writingOrder('f', xattrs);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(BuildError);
    return false;
  }
}

describe('an ext4 image', () => {
  const xattrs = new Map<string, Uint8Array>([
    ['security.capability', CAP_NET_RAW],
    ...Array.from({ length: 30 }, (_, index) => [`user.value-${index}`, noise(4096 - index * 90, index)] as const),
  ]);

  it('holds many attributes of up to a block each, in inodes of their own', async () => {
    const tree = new FileTree()
      .file('usr/bin/ping', noise(5000), { xattrs })
      .dir('srv', { xattrs })
      .symlink('ln', 'srv');
    const output = await image('ext4', tree, 'many');
    expect(await run('e2fsck', '-fn', output)).toMatch(/files .* blocks\s*$/);
    for (const path of ['/usr/bin/ping', '/srv'])
      for (const [name, value] of xattrs)
        expect([name, Buffer.compare(await readExt4(output, path, name), value)]).toEqual([name, 0]);
    expect(await run('dumpe2fs', '-h', output)).toContain(' ea_inode ');
    const again = await image('ext4', tree, 'again');
    expect(Buffer.compare(readFileSync(output), readFileSync(again))).toBe(0);
  });

  it('takes what was planned to have room, whatever the sizes', async () => {
    const tree = new FileTree();
    const numbers = noise(4000, 99);
    let at = 0;
    const next = (below: number): number => ((numbers[at++ % 4000] ?? 0) * 256 + (numbers[at++ % 4000] ?? 0)) % below;
    for (let file = 0; file < 40; file++) {
      const count = 1 + next(60);
      const largest = [40, 300, 1500, 4097][next(4)] ?? 40;
      const xattrs = new Map<string, Uint8Array>();
      for (let index = 0; index < count; index++)
        xattrs.set(`user.${'n'.repeat(next(20))}${index}`, noise(next(largest), index));
      if (hasRoom(xattrs)) tree.file(`f${file}`, '', { xattrs });
    }
    const output = await image('ext4', tree, 'random');
    expect(await run('e2fsck', '-fn', output)).toMatch(/files .* blocks\s*$/);
    expect(tree.size).toBeGreaterThan(30);
    const [first] = tree.entries().filter(({ xattrs }) => (xattrs?.size ?? 0) > 10);
    expect(first).toBeDefined();
    for (const [name, value] of first?.xattrs ?? [])
      expect([name, Buffer.compare(await readExt4(output, first?.path ?? '', name), value)]).toEqual([name, 0]);
  });

  it('has not the feature where nothing needs it', async () => {
    const tree = new FileTree().file('f', '', { xattrs: new Map([['user.a', noise(4000)]]) });
    expect(await run('dumpe2fs', '-h', await image('ext4', tree, 'plain'))).not.toContain('ea_inode');
  });
});

describe('owners, access lists and capabilities of others', () => {
  const access = Buffer.from(
    '02000000' +
      '01000600ffffffff' +
      '0200040001000000' +
      '0200060092100000' +
      '04000400ffffffff' +
      '10000600ffffffff' +
      '20000000ffffffff',
    'hex',
  );
  /** The same on disk (kernel, fs/ext4/acl.h): version 1, and numbers only where an entry has one. */
  const onDisk = Buffer.from(
    '01000000' + '01000600' + '0200040001000000' + '0200060092100000' + '04000400' + '10000600' + '20000000',
    'hex',
  );

  function makeFolder(): string {
    const source = join(folder, 'source');
    mkdirSync(join(source, 'srv'), { recursive: true });
    writeFileSync(join(source, 'srv/list'), 'x');
    writeFileSync(join(source, 'ping'), 'x', { mode: 0o755 });
    const set = (path: string, name: string, value: Uint8Array): void =>
      void execFileSync('setfattr', ['-n', name, '-v', `0x${Buffer.from(value).toString('hex')}`, join(source, path)]);
    for (const path of ['srv', 'srv/list', 'ping']) lchownSync(join(source, path), 4_000_000_000, 3_000_000_000);
    set('srv/list', 'system.posix_acl_access', access);
    set('srv', 'system.posix_acl_default', access);
    set('ping', 'security.capability', CAP_NET_RAW);
    return source;
  }

  it('survive from a folder and from archives of it, in ext4 and erofs', { timeout: 120_000 }, async () => {
    const source = makeFolder();
    using shop = new Workshop();
    const archive = (name: string, ...options: string[]): string => {
      execFileSync('tar', ['-C', source, ...options, '-cf', shop.path(name), '.']);
      return shop.path(name);
    };
    // GNU tar writes lists as text, and names of users where this machine has them; with --xattrs also as they are.
    const withXattrs = archive('xattrs.tar', '--acls', '--xattrs', '--xattrs-include=*');
    const trees = [
      (await directoryBase({ kind: 'dir', path: source, owner: 'keep' }, {})).tree,
      (await tarBase({ kind: 'tar', path: withXattrs }, shop.context())).tree,
    ];
    for (const [index, tree] of trees.entries()) {
      for (const path of ['srv', 'srv/list', 'ping'])
        expect(tree.get(path)).toMatchObject({ uid: 4_000_000_000, gid: 3_000_000_000 });
      const ext4 = await image('ext4', tree, `lists-${index}`);
      expect(await run('e2fsck', '-fn', ext4)).toMatch(/files .* blocks\s*$/);
      expect(Buffer.from(await readExt4(ext4, '/srv/list', 'system.posix_acl_access', true))).toEqual(onDisk);
      expect(Buffer.from(await readExt4(ext4, '/srv', 'system.posix_acl_default', true))).toEqual(onDisk);
      expect(await readExt4(ext4, '/ping', 'security.capability')).toEqual(CAP_NET_RAW);
      const erofs = await image('erofs', tree, `lists-${index}`);
      expect(await run('fsck.erofs', '-d3', erofs)).toContain('No errors found');
      const found = new Map(readErofs(readFileSync(erofs)).map(({ path, xattrs }) => [path, xattrs]));
      expect(found.get('srv/list')?.get('system.posix_acl_access')).toEqual(new Uint8Array(access));
      expect(found.get('srv')?.get('system.posix_acl_default')).toEqual(new Uint8Array(access));
    }
    const named = tarBase({ kind: 'tar', path: archive('acls.tar', '--acls') }, shop.context());
    await expect(named).rejects.toThrow(/tar: ".\/srv\/": an access list names the user "daemon"; only numbers mean/);
  });
});
