import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../../../../agent/src/base/text.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { decodeDirents, encodeDirents } from '../../../../rootfs-builder/src/erofs/dirents.ts';
import { decodeErofsInode, encodeErofsInode, needsExtended } from '../../../../rootfs-builder/src/erofs/inode.ts';
import { readErofs } from '../../../../rootfs-builder/src/erofs/reader.ts';
import { decodeErofsSuperblock, encodeErofsSuperblock } from '../../../../rootfs-builder/src/erofs/superblock.ts';
import { writeErofs } from '../../../../rootfs-builder/src/erofs/write-erofs.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { FILE_TYPES } from '../../../../rootfs-builder/src/tree/file-types.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';
import { surveyTree } from '../../../../rootfs-builder/src/tree/survey.ts';
import { CAP_NET_RAW, holeyBytes, richTree } from '../rich-tree.ts';
import { arbitraryTree, collect } from '../support.ts';

const TIME = 1_700_000_000;
const UUID = Uint8Array.from({ length: 16 }, (_, index) => index);

async function imageOf(tree: FileTree, isTailFree = true, mtime = TIME): Promise<Uint8Array> {
  const { sparse } = await surveyTree(tree, mtime);
  return await collect(writeErofs(tree, { mtime, uuid: UUID, isTailFree, sparse }));
}

describe('the EROFS superblock', () => {
  const superblock = {
    rootNid: 36,
    inodes: 3,
    buildTime: TIME,
    blocks: 7,
    xattrBlock: 2,
    uuid: UUID,
    incompat: 4,
  };

  it('is these bytes', () => {
    const bytes = Buffer.from(encodeErofsSuperblock(superblock, new Uint8Array(0)));
    expect(bytes.length).toBe(3072);
    expect(bytes.subarray(0, 4).toString('hex')).toBe('e2e1f5e0'); // magic
    expect(bytes.subarray(8, 16).toString('hex')).toBe('03000000' + '0c' + '00' + '2400'); // features, 4 KiB, root
    expect(bytes.subarray(16, 24).toString('hex')).toBe('0300000000000000'); // inodes
    expect(bytes.subarray(24, 36).toString('hex')).toBe('00f1536500000000' + '00000000'); // build time
    expect(bytes.subarray(36, 48).toString('hex')).toBe('07000000' + '00000000' + '02000000'); // blocks, metadata, xattrs
    expect(bytes.subarray(48, 64).toString('hex')).toBe('000102030405060708090a0b0c0d0e0f');
    expect(bytes.subarray(80, 84).toString('hex')).toBe('04000000');
  });

  it('is read back, and refused when a bit changed', () => {
    const image = Buffer.alloc(4096);
    image.set(encodeErofsSuperblock(superblock, new Uint8Array(0)), 1024);
    expect(decodeErofsSuperblock(image)).toEqual(superblock);
    image[1100] = (image[1100] ?? 0) ^ 1;
    expect(() => decodeErofsSuperblock(image)).toThrow('wrong checksum');
    expect(() => decodeErofsSuperblock(Buffer.alloc(4096))).toThrow('no magic number');
    expect(() => decodeErofsSuperblock(Buffer.alloc(100))).toThrow(BuildError);
  });
});

describe('an EROFS inode', () => {
  const base = {
    layout: 'plain',
    xattrBytes: 0,
    mode: 0o100644,
    nlink: 1,
    sizeBytes: 5,
    u: 3,
    ino: 2,
    uid: 0,
    gid: 0,
    mtime: TIME,
  } as const;

  it('has these 32 bytes in its short form', () => {
    const bytes = encodeErofsInode({ ...base, isExtended: false, layout: 'inline', xattrBytes: 16, uid: 7, gid: 8 });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0400' +
        '0200' +
        'a481' +
        '0100' +
        '05000000' +
        '00000000' +
        '03000000' +
        '02000000' +
        '0700' +
        '0800' +
        '00000000',
    );
  });

  it('has these 64 bytes in its long form', () => {
    const bytes = encodeErofsInode({ ...base, isExtended: true, uid: 70_000, nlink: 100_000, sizeBytes: 2 ** 33 });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0100' +
        '0000' +
        'a481' +
        '0000' +
        '0000000002000000' +
        '03000000' +
        '02000000' +
        '70110100' +
        '00000000' +
        '00f1536500000000' +
        '00000000' +
        'a0860100' +
        '00'.repeat(16),
    );
  });

  it.each([
    ['nothing', {}, false],
    ['a large owner', { uid: 65_536 }, true],
    ['a large group', { gid: 65_536 }, true],
    ['many links', { nlink: 65_536 }, true],
    ['a large file', { sizeBytes: 2 ** 32 }, true],
    ['a time of its own', { mtime: TIME - 1 }, true],
  ])('needs the long form for %s: %j', (_, change, expected) => {
    expect(needsExtended({ ...base, ...change }, TIME)).toBe(expected);
  });

  it('is read back, whatever the numbers', () => {
    const u32 = fc.nat(0xffff_ffff);
    const arbitrary = fc.record({
      layout: fc.constantFrom('plain' as const, 'inline' as const, 'chunks' as const),
      xattrBytes: fc.oneof(
        fc.constant(0),
        fc.nat(1000).map((words) => 12 + words * 4),
      ),
      mode: fc.nat(0xffff),
      nlink: u32,
      sizeBytes: fc.nat(Number.MAX_SAFE_INTEGER),
      u: u32,
      ino: u32,
      uid: u32,
      gid: u32,
      mtime: fc.nat(2 ** 33),
    });
    fc.assert(
      fc.property(arbitrary, (numbers) => {
        const inode = { ...numbers, isExtended: needsExtended(numbers, TIME) };
        expect(decodeErofsInode(encodeErofsInode(inode), 0, TIME)).toEqual(inode);
      }),
    );
  });
});

describe('EROFS directories', () => {
  it('keep all names, sorted by bytes within and across blocks', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 200, min: 1 });
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 80, selector: (bytes) => bytes.join() }), (names) => {
        const entries = names.map((bytes, index) => ({ name: bytes, nid: index * 7, type: (index % 7) + 1 }));
        const read = decodeDirents(encodeDirents(entries));
        expect(read).toEqual([...entries].sort((left, right) => Buffer.compare(left.name, right.name)));
      }),
    );
  });

  it('are refused when a name lies outside its block', () => {
    const data = encodeDirents([{ name: encodeBytes('a'), nid: 1, type: 1 }]);
    expect(() => decodeDirents(data.subarray(0, 12))).toThrow(BuildError);
    expect(() => decodeDirents(data.subarray(0, 5))).toThrow('inside an entry');
  });
});

describe('writeErofs()', () => {
  it('writes what the reader reads back, for any tree, with and without tails in inodes', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree, fc.boolean(), fc.nat(0xffff_ffff), async (tree, isTailFree, mtime) => {
        const image = await imageOf(tree, isTailFree, mtime);
        expect(image.length % 4096).toBe(0);
        const records = new Map(readErofs(image).map((record) => [record.path, record]));
        expect(records.size).toBe(tree.size);
        for (const { path, inode } of namedInodes(tree)) {
          const { entry } = inode;
          const { mode, uid, gid } = entry;
          const record = records.get(path);
          expect(record).toMatchObject({ mode: FILE_TYPES[entry.kind] | mode, uid, gid, mtime, ino: inode.ino });
          if (entry.kind === 'file' && entry.content.kind === 'bytes')
            expect(Buffer.from(record?.data ?? [])).toEqual(Buffer.from(entry.content.bytes));
          if (entry.kind === 'symlink')
            expect(Buffer.from(record?.data ?? [])).toEqual(Buffer.from(encodeBytes(entry.target)));
          if (entry.kind !== 'dir') expect(record?.nlink).toBe(inode.names.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps attributes, owners of 32 bits, hard links, devices and holes', async () => {
    const image = await imageOf(richTree({ socket: true }));
    const at = (path: string) => readErofs(image).find((record) => record.path === path);
    expect(at('usr/bin/ping')?.xattrs.get('security.capability')).toEqual(CAP_NET_RAW);
    expect(at('usr/bin/su')?.xattrs.get('security.selinux')).toEqual(
      at('usr/bin/ping')?.xattrs.get('security.selinux'),
    );
    expect(at('usr/bin/ping6')?.nid).toBe(at('usr/bin/ping')?.nid);
    expect(at('home/user/huge-id')).toMatchObject({ uid: 4_000_000_000, gid: 3_000_000_000 });
    expect(at('dev/vda')?.u).toBe(((254 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12)) >>> 0);
    expect(at('usr/share/holey')?.layout).toBe('chunks');
    expect(Buffer.compare(at('usr/share/holey')?.data ?? Buffer.of(), holeyBytes())).toBe(0);
    expect(image.length).toBeLessThan(holeyBytes().length + 512 * 1024);
    expect(at('usr/bin/exact')?.mtime).toBe(1_000_000_000);
    expect(at('usr')?.nlink).toBe(5);
  });

  it('puts the same names and bytes into less space with tails in inodes', async () => {
    const tree = richTree();
    expect((await imageOf(tree, false)).length).toBeLessThan((await imageOf(tree, true)).length / 2);
  });

  it('holds more links than 16 bits count', async () => {
    const tree = new FileTree().file('f', 'x');
    for (let index = 0; index < 65_600; index++) tree.link(`links/${index}`, 'f');
    const records = readErofs(await imageOf(tree));
    expect(records.find(({ path }) => path === 'f')?.nlink).toBe(65_601);
    expect(records.length).toBe(65_603);
  }, 60_000);

  it.each([
    [
      'an unknown system attribute',
      { 'system.nfs4_acl': 1 },
      'a: extended attribute system.nfs4_acl: cannot be stored',
    ],
    ['a value of 64 KiB', { 'user.x': 65_536 }, 'a: extended attribute user.x: its value is longer than 65535 bytes'],
  ])('refuses %s in one line', async (_, sizes, message) => {
    const xattrs = new Map(Object.entries(sizes).map(([name, size]) => [name, new Uint8Array(size)]));
    await expect(imageOf(new FileTree().file('a', '', { xattrs }))).rejects.toThrow(message);
  });

  it('keeps ACLs, long values and many attributes', async () => {
    const xattrs = new Map([
      ['system.posix_acl_access', Uint8Array.of(2, 0, 0, 0)],
      ['trusted.overlay.opaque', encodeBytes('y')],
      ...Array.from({ length: 200 }, (_, index): [string, Uint8Array] => [
        `user.n${index}`,
        new Uint8Array(900).fill(index),
      ]),
    ] as [string, Uint8Array][]);
    const tree = new FileTree().file('a', 'tail', { xattrs }).file('b', 'tail', { xattrs });
    for (const isTailFree of [true, false]) {
      const records = readErofs(await imageOf(tree, isTailFree));
      for (const path of ['a', 'b']) {
        const found = records.find((record) => record.path === path);
        expect([...(found?.xattrs ?? [])].sort()).toEqual([...xattrs].sort());
        expect(Buffer.from(found?.data ?? []).toString()).toBe('tail');
      }
    }
  });
});
