import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { accessListOnDisk } from '../../../../rootfs-builder/src/xfs/access-list.ts';
import { dbScript } from '../../../../rootfs-builder/src/xfs/db-script.ts';
import { protofile } from '../../../../rootfs-builder/src/xfs/protofile.ts';
import { arbitraryTree } from '../support.ts';

const LIST = Buffer.from('02000000' + '01000600ffffffff' + '0200040092100000' + '20000000ffffffff', 'hex');
const ON_DISK = '00000003' + '00000001ffffffff00060000' + '000000020000109200040000' + '00000020ffffffff00000000';

describe('dbScript()', () => {
  it('adds further names and attributes to what the prototype made', () => {
    const xattrs = new Map<string, Uint8Array>([
      ['user.b', Uint8Array.of(1)],
      ['security.capability', Uint8Array.of(2)],
      ['system.posix_acl_default', LIST],
      ['trusted.empty', new Uint8Array(0)],
    ]);
    const tree = new FileTree().dir('.', { xattrs }).file('bin/su', '').link('bin/sudo', 'bin/su').link('-x', 'bin/su');
    const { commands, files } = dbScript(tree) ?? { commands: new Uint8Array(0), files: new Map<string, Uint8Array>() };
    // "-x" sorts first, so it is the name that the prototype makes.
    expect(Buffer.from(commands).toString().trimEnd().split('\n')).toEqual([
      'path /',
      'attr_set -s -N ./x1.0.name -V ./x1.0.value',
      'attr_set -r -N ./x1.1.name -V ./x1.1.value',
      'attr_set -r -N ./x1.2.name',
      'attr_set -u -N ./x1.3.name -V ./x1.3.value',
      'path /bin',
      'link -p /-x -- su',
      'path /bin',
      'link -p /-x -- sudo',
    ]);
    const text = (name: string): string => Buffer.from(files.get(name) ?? []).toString();
    expect([0, 1, 2, 3].map((index) => text(`x1.${index}.name`))).toEqual([
      'capability',
      'SGI_ACL_DEFAULT',
      'empty',
      'b',
    ]);
    expect(Buffer.from(files.get('x1.1.value') ?? []).toString('hex')).toBe(ON_DISK);
    const proto = Buffer.from(protofile(tree, () => './f', true)).toString();
    expect(proto).toContain('-x ---644 0 0 ./f');
    expect(proto).not.toContain('su');
  });

  it('has nothing to do for a tree of plain entries', () => {
    expect(dbScript(new FileTree().file('a', 'x').symlink('b', 'a'))).toBeUndefined();
  });

  it('has one link for each further name, whatever the tree', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        const links = tree.entries().filter(({ kind }) => kind === 'link').length;
        const lines = Buffer.from(dbScript(tree)?.commands ?? [])
          .toString('latin1')
          .split('\n');
        expect(lines.filter((line) => line.startsWith('link '))).toHaveLength(links);
      }),
    );
  });
});

it('an access list that is none is refused, whatever its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        expect(accessListOnDisk('f', 'system.posix_acl_access', bytes)).toHaveLength(4 + ((bytes.length - 4) / 8) * 12);
      } catch (error) {
        expect(error).toBeInstanceOf(BuildError);
        expect((error as Error).message).toBe('xfs: f: extended attribute system.posix_acl_access: is no access list');
      }
    }),
  );
});

it('without a program that adds them, links and attributes are refused with the first name and what would do', () => {
  const build = (tree: FileTree) => (): unknown => protofile(tree, () => './f');
  expect(build(new FileTree().file('bin/su', '').link('bin/sudo', 'bin/su'))).toThrow(
    'xfs: bin/su: mkfs.xfs cannot make hard links (bin/su, bin/sudo), and this xfs_db adds none (xfsprogs 6.10 does); use ext4 or erofs',
  );
  expect(build(new FileTree().file('a', '', { xattrs: new Map([['user.x', Uint8Array.of(1)]]) }))).toThrow(
    'xfs: a: mkfs.xfs cannot make extended attributes (user.x), and this xfs_db adds none (xfsprogs 6.10 does); use ext4 or erofs',
  );
  expect(() => protofile(new FileTree().special('run/s', 'socket'), () => '', true)).toThrow(
    'xfs: run/s: mkfs.xfs cannot make a socket; use ext4 or erofs',
  );
});
