import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { PackWriter } from '../../../../rootfs-builder/src/cache/pack-writer.ts';
import { compressContent, compressFiles, encodeIndexes } from '../../../../rootfs-builder/src/erofs/compressed.ts';
import { readErofs } from '../../../../rootfs-builder/src/erofs/reader.ts';
import { writeErofs } from '../../../../rootfs-builder/src/erofs/write-erofs.ts';
import { readContent } from '../../../../rootfs-builder/src/tree/content.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';
import { surveyTree } from '../../../../rootfs-builder/src/tree/survey.ts';
import { compressibleTree, noise } from '../rich-tree.ts';
import { collect } from '../support.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-lz4-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
async function imageOf(tree: FileTree, isTailFree = false): Promise<Uint8Array> {
  const { sparse } = await surveyTree(tree, 0);
  using pack = new PackWriter(join(folder, `pack-${count++}`));
  const compressed = await compressFiles(tree, sparse, pack);
  return await collect(writeErofs(tree, { mtime: 0, uuid: new Uint8Array(16), isTailFree, sparse, compressed }));
}

async function expectSame(tree: FileTree, image: Uint8Array): Promise<void> {
  const records = new Map(readErofs(image).map((record) => [record.path, record]));
  for (const { path, inode } of namedInodes(tree)) {
    if (inode.entry.kind !== 'file') continue;
    const expected = await collect(readContent(inode.entry.content));
    expect([path, Buffer.compare(records.get(path)?.data ?? noise(1), expected)]).toEqual([path, 0]);
  }
}

describe('compressed files of EROFS', () => {
  it('hold the same bytes in less space, with and without tails in inodes', async () => {
    const tree = compressibleTree();
    for (const isTailFree of [true, false]) {
      const image = await imageOf(tree, isTailFree);
      await expectSame(tree, image);
      const layoutOf = (path: string) => readErofs(image).find((record) => record.path === path)?.layout;
      expect(layoutOf('usr/share/text')).toBe('compressed');
      expect(layoutOf('usr/share/one-byte-more')).toBe('compressed');
      expect(layoutOf('usr/share/holey')).toBe('chunks');
      expect(layoutOf('usr/bin/ping')).not.toBe('compressed'); // noise
      const { sparse } = await surveyTree(tree, 0);
      const plain = await collect(writeErofs(tree, { mtime: 0, uuid: new Uint8Array(16), isTailFree, sparse }));
      expect(image.length).toBeLessThan(plain.length - 1_000_000);
    }
  });

  it('are read back whatever they hold', async () => {
    const part = fc.oneof(
      fc.tuple(fc.nat(0xffff), fc.nat(9000)).map(([seed, length]) => noise(length, seed)),
      fc.tuple(fc.nat(255), fc.nat(60_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
      fc
        .tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.nat(500))
        .map(([unit, times]) => Buffer.from(unit.repeat(times))),
    );
    const files = fc.array(
      fc.array(part, { maxLength: 8 }).map((parts) => new Uint8Array(Buffer.concat(parts))),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(files, fc.boolean(), async (contents, isTailFree) => {
        const tree = new FileTree();
        for (const [index, bytes] of contents.entries())
          tree.file(`f${index}`, bytes, index % 2 === 0 ? {} : { xattrs: new Map([['user.a', Uint8Array.of(1)]]) });
        await expectSame(tree, await imageOf(tree, isTailFree));
      }),
      { numRuns: 30 },
    );
  });

  it('are compressed alike whatever pieces they are read in', async () => {
    const bytes = Buffer.concat([noise(30_000), Buffer.alloc(2_000_000, 'The quick brown fox. '), noise(30_000)]);
    const path = join(folder, 'pieces');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, bytes);
    const compress = async (content: Parameters<typeof compressContent>[0]) => {
      const blocks: Uint8Array[] = [];
      const extents = await compressContent(content, (block) => blocks.push(block));
      return { extents, blocks: Buffer.concat(blocks).toString('hex') };
    };
    const whole = await compress({ kind: 'bytes', bytes });
    expect(await compress({ kind: 'host', path, sizeBytes: bytes.length })).toEqual(whole);
  });

  it('have these indexes: a head, what follows it with both distances, a block as it is', () => {
    const extents = [
      { start: 0, isPlain: false },
      { start: 3 * 4096 + 16, isPlain: true },
    ];
    const map = Buffer.from(encodeIndexes(extents, 3 * 4096 + 100, 9, 36)).toString('hex');
    expect(map).toBe(
      '00000000' + // from the end of inode and attributes to a multiple of 8
        '0000000000000000' + // LZ4, blocks of 4 KiB
        '0000000000000000' +
        '0100' +
        '0000' +
        '09000000' +
        '0200' +
        '0000' +
        '0100' +
        '0200' +
        '0200' +
        '0000' +
        '0200' +
        '0100' +
        '0000' +
        '1000' +
        '0a000000',
    );
  });

  it('end with a head of nothing where the file ends inside what began before', () => {
    const map = Buffer.from(encodeIndexes([{ start: 0, isPlain: false }], 2 * 4096 + 5, 7, 32)).toString('hex');
    expect(map.slice(32)).toBe('0100000007000000' + '0200000001000100' + '0000' + '0500' + '00000000');
    const whole = Buffer.from(encodeIndexes([{ start: 0, isPlain: false }], 2 * 4096, 7, 32)).toString('hex');
    expect(whole.slice(32)).toBe('0100000007000000' + '0200000001000100');
  });

  it('that are damaged are refused, or read as something else, but never crash the reader', async () => {
    const image = await imageOf(compressibleTree());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(image.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        (changes) => {
          const bytes = new Uint8Array(image);
          for (const [at, value] of changes) bytes[1024 + 128 + (at % (bytes.length - 1152))] = value;
          // The superblock's checksum covers its whole block.
          for (let at = 1152; at < 4096; at++) bytes[at] = image[at] ?? 0;
          try {
            readErofs(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(BuildError);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});
