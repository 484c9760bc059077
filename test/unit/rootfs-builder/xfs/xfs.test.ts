import { describe, expect, it } from 'vitest';
import { inodeNumber, patchInode } from '../../../../rootfs-builder/src/xfs/inode-patch.ts';
import { protofile } from '../../../../rootfs-builder/src/xfs/protofile.ts';
import { crc32c } from '../../../../rootfs-builder/src/checksum/crc32c.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

const text = (tree: FileTree): string => Buffer.from(protofile(tree, ({ ino }) => `/s/${ino}`)).toString();

describe('protofile()', () => {
  it('says owners, modes, nodes and nesting', () => {
    const tree = new FileTree()
      .file('a/b/f', '', { mode: 0o6755, uid: 1, gid: 2 })
      .symlink('a/l', '/x')
      .device('null', 'char', 1, 3, { mode: 0o666 })
      .special('p', 'fifo', { mode: 0o600 })
      .dir('tmp', { mode: 0o1777 });
    expect(text(tree).split('\n')).toEqual([
      '/',
      '0 0',
      'd--755 0 0',
      'a d--755 0 0',
      'b d--755 0 0',
      'f -ug755 1 2 /s/4',
      '$',
      'l l--777 0 0 /x',
      '$',
      'null c--666 0 0 1 3',
      'p p--600 0 0',
      'tmp d--777 0 0',
      '$',
      '$',
      '',
    ]);
  });

  it.each([
    ['a socket', new FileTree().special('f', 'socket')],
    ['a name or symlink with white space', new FileTree().file('f f', '')],
    ['such a name', new FileTree().file('$', '')],
  ])('refuses %s by name', (what, tree) => {
    expect(() => text(tree)).toThrow(`mkfs.xfs cannot make ${what}; use ext4 or erofs`);
  });
});

describe('an XFS inode', () => {
  const uuid = Uint8Array.from({ length: 16 }, (_, index) => index);
  const inode = (flags2: bigint): Buffer => {
    const bytes = Buffer.alloc(512);
    bytes.writeUInt16BE(0x494e, 0);
    bytes.writeUInt16BE(0o40777, 2);
    bytes.writeUInt8(3, 4);
    bytes.writeBigUInt64BE(flags2, 120);
    bytes.writeBigUInt64BE(131n, 152);
    bytes.set(uuid, 160);
    bytes.writeUInt32LE(~crc32c(bytes) >>> 0, 100);
    return bytes;
  };

  it.each([
    ['32 bits of seconds', 0n, (100n << 32n).toString(16)],
    ['64 bits of nanoseconds', 8n, ((100n + 2n ** 31n) * 10n ** 9n).toString(16)],
  ])('gets its four times in %s, and a checksum', (_, flags2, expected) => {
    const bytes = inode(flags2);
    patchInode(bytes, { mtime: 100, sticky: true });
    for (const offset of [32, 40, 48, 144]) expect(bytes.readBigUInt64BE(offset).toString(16)).toBe(expected);
    expect(bytes.readUInt16BE(2)).toBe(0o41777);
    expect(inodeNumber(bytes, uuid)).toBe(131n);
  });

  it('is told from data that looks like one', () => {
    expect(inodeNumber(inode(0n), uuid)).toBe(131n);
    expect(inodeNumber(inode(0n), new Uint8Array(16))).toBeUndefined();
    const damaged = inode(0n);
    damaged[300] = 1;
    expect(inodeNumber(damaged, uuid)).toBeUndefined();
    expect(inodeNumber(Buffer.alloc(512), uuid)).toBeUndefined();
  });
});

describe('crc32c()', () => {
  // RFC 3720, appendix B.4.
  it.each([
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ])('has the values of the RFC', (bytes, expected) => {
    expect(~crc32c(bytes) >>> 0).toBe(expected);
  });
});
