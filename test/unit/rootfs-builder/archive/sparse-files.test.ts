import { statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArchiveLoader } from '../../../../rootfs-builder/src/archive/archive-loader.ts';
import { indexMembers } from '../../../../rootfs-builder/src/archive/member-index.ts';
import { readTar } from '../../../../rootfs-builder/src/archive/read-tar.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { writeFileSync } from 'node:fs';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { readSlice } from '../../../../rootfs-builder/src/tree/content.ts';
import { Workshop } from '../bases/base-support.ts';
import { streamOf } from '../support.ts';
import { mapInData, SPARSE_FORMATS, sparseEntry, tellFiles } from './sparse-support.ts';
import type { SparsePlan } from './sparse-support.ts';
import { paxHeader, paxRecord, tarArchive, tarEntry } from './tar-support.ts';

const GIB = 1024 ** 3;

/** Any file of blocks and holes, its last region of any length. */
const plan: fc.Arbitrary<SparsePlan> = fc
  .record({
    parts: fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 4 })), { maxLength: 60 }),
    cut: fc.nat(511),
    tail: fc.nat(3000),
    isMarked: fc.boolean(),
  })
  .map(({ parts, cut, tail, isMarked }) => {
    const regions: [number, number][] = [];
    let end = 0;
    for (const [gap, blocks] of parts) {
      regions.push([end + gap * 512, blocks * 512]);
      end += (gap + blocks) * 512;
    }
    const last = regions.at(-1);
    if (last !== undefined) last[1] -= cut;
    end -= last === undefined ? 0 : cut;
    const stored = Buffer.alloc(regions.reduce((sum, [, length]) => sum + length, 0));
    stored.forEach((_, index) => (stored[index] = (index * 7 + 1) & 0xff));
    // GNU tar ends a file with a hole by a region of nothing at its end.
    if (isMarked) regions.push([end + tail, 0]);
    return { name: 'dir/real-name', regions, realBytes: end + tail, stored };
  });

describe('sparse files of GNU tar', () => {
  it.each(SPARSE_FORMATS)('are read in format %s, whatever their map and the pieces that come', (format) => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 3000 }), (each, step) => {
        const archive = tarArchive(sparseEntry(format, each), { name: 'after', data: 'plain' });
        const [file, after] = tellFiles(archive, step);
        expect(file?.header).toMatchObject({
          name: each.name,
          kind: 'file',
          sizeBytes: each.realBytes,
          isSparse: true,
        });
        expect(Buffer.compare(file?.bytes ?? Buffer.alloc(0), each.stored)).toBe(0);
        let at = 0;
        const places: [number, number][] = [];
        for (const length of file?.pieces ?? []) {
          if (length > 0) places.push([at, length]);
          at += Math.abs(length);
        }
        expect(at).toBe(each.realBytes);
        // Regions that touch are told as one.
        const expected: [number, number][] = [];
        for (const [offset, length] of each.regions) {
          const before = expected.at(-1);
          if (length > 0 && before !== undefined && before[0] + before[1] === offset) before[1] += length;
          else if (length > 0) expected.push([offset, length]);
        }
        expect(places).toEqual(expected);
        expect(after?.bytes.toString()).toBe('plain');
      }),
      { numRuns: 60 },
    );
  });

  it.each(SPARSE_FORMATS)('in format %s become files with holes in the pack, and may be one hole', async (format) => {
    using shop = new Workshop();
    const { pack } = shop.context();
    const tree = new FileTree();
    const [first, second] = [Buffer.alloc(4096, 'a'), Buffer.alloc(100, 'b')];
    const regions: [number, number][] = [
      [0, 4096],
      [9 * GIB, 100],
    ];
    const holey = { name: 'holey', regions, realBytes: 10 * GIB, stored: Buffer.concat([first, second]) };
    const hole = { name: 'hole', regions: [], realBytes: GIB, stored: Buffer.alloc(0) };
    const archive = tarArchive(sparseEntry(format, holey), sparseEntry(format, hole), { name: 'z', data: 'z' });
    await new ArchiveLoader(tree, pack).load('test', streamOf(archive));
    pack.flush();
    expect(statSync(pack.path)).toMatchObject({ size: 11 * GIB });
    expect(statSync(pack.path).blocks * 512).toBeLessThan(1024 * 1024);
    const read = async (path: string, at: number, length: number): Promise<string> => {
      const entry = tree.get(path);
      if (entry?.kind !== 'file') throw new Error(path);
      return Buffer.from(await readSlice(entry.content, at, length)).toString('latin1');
    };
    expect(await read('holey', 4095, 3)).toBe('a\0\0');
    expect(await read('holey', 9 * GIB - 1, 102)).toBe(`\0${'b'.repeat(100)}\0`);
    expect(await read('holey', 10 * GIB - 1, 1)).toBe('\0');
    expect(await read('hole', GIB - 1, 1)).toBe('\0');
    expect(await read('z', 0, 1)).toBe('z');
    pack[Symbol.dispose]();
  });

  const hostile: readonly (readonly [string, Partial<SparsePlan>, string])[] = [
    [
      'regions that overlap',
      {
        regions: [
          [0, 512],
          [511, 512],
        ],
      },
      'overlapping or unsorted',
    ],
    [
      'regions in the wrong order',
      {
        regions: [
          [4096, 512],
          [0, 512],
        ],
      },
      'overlapping or unsorted',
    ],
    [
      'a region beyond the end',
      {
        regions: [
          [0, 512],
          [8192, 512],
        ],
        realBytes: 8191,
      },
      'of a file of 8191 bytes',
    ],
    [
      'regions beyond what is stored',
      {
        regions: [
          [0, 512],
          [4096, 1024],
        ],
      },
      'but 1024 are stored',
    ],
    ['regions of less than is stored', { regions: [[0, 512]] }, 'but 1024 are stored'],
    [
      'a region of odd length before another',
      {
        regions: [
          [0, 500],
          [4096, 524],
        ],
      },
      'no whole blocks before another',
    ],
    [
      'an offset near 2^53',
      {
        regions: [
          [0, 512],
          [Number.MAX_SAFE_INTEGER, 512],
        ],
      },
      'has a region up to byte',
    ],
    [
      'a length near 2^53',
      {
        regions: [
          [0, 512],
          [4096, Number.MAX_SAFE_INTEGER],
        ],
      },
      'has a region up to byte',
    ],
    [
      'a marker before the end of a region',
      {
        regions: [
          [0, 1024],
          [512, 0],
        ],
      },
      'overlapping or unsorted',
    ],
  ];
  it.each(hostile.flatMap((each) => SPARSE_FORMATS.map((format) => [format, ...each] as const)))(
    'in format %s, %s are refused',
    (format, _what, change, message) => {
      const each = { name: 'evil', regions: [], realBytes: 65_536, stored: Buffer.alloc(1024), ...change };
      const archive = tarArchive(sparseEntry(format, each));
      expect(() => tellFiles(archive)).toThrow(BuildError);
      expect(() => tellFiles(archive)).toThrow(/^tar: "evil": a sparse file's map/);
      expect(() => tellFiles(archive)).toThrow(message);
    },
  );

  const base = { name: 'evil', regions: [], realBytes: 4096, stored: Buffer.alloc(512) };
  it.each([
    ['a negative number', mapInData(base, '1\n-1\n512\n'), 'a line that is no number'],
    ['a number of 30 digits', mapInData(base, `1\n${'9'.repeat(30)}\n512\n`), 'a line that is no number'],
    ['a number beyond 2^53', mapInData(base, `1\n${'9'.repeat(18)}\n512\n`), 'a wrong number'],
    ['an empty line', mapInData(base, '1\n\n512\n'), 'a wrong number'],
    ['a count of a milliard', mapInData(base, '1000000000\n'), 'more than 250000 regions'],
    ['a map that is longer than the entry', mapInData(base, '200\n0\n512\n'), 'a line that is no number'],
    ['a map in which all is digits', mapInData(base, '5'.repeat(512)), 'a line that is no number'],
    ['a map of nothing but lines', mapInData(base, `250000\n${'0\n'.repeat(250)}`), "a sparse file's map"],
    ['two offsets in a row', pax('0', ['offset', '0'], ['offset', '4']), 'two offsets in a row'],
    ['a length first', pax('0', ['numbytes', '4']), 'a length without an offset'],
    ['an odd map', pax('0', ['map', '0,512,4096']), 'ends after an offset'],
    ['a map with a sign', pax('0', ['map', '0,-512']), 'a wrong number'],
    ['a map with a fraction', pax('0', ['map', '0,5.5']), 'a wrong number'],
    ['a wrong number of regions', pax('0', ['numblocks', '7'], ['map', '0,0']), 'in place of 7'],
    ['no size', paxed(paxRecord('GNU.sparse.map', '0,0')), 'without its size'],
    ['a version that comes later', pax('2'), 'of version 2.0 are not known'],
    ['a record that nobody knows', pax('0', ['secret', 'x']), 'unknown pax record GNU.sparse.secret'],
    ['a size that is negative', paxed(paxRecord('GNU.sparse.size', '-1')), 'a wrong number'],
    ['a map of a directory', Buffer.concat([sized(), tarEntry({ name: 'd', type: '5' })]), 'where none can be'],
    ['a map without data', Buffer.concat([major('1'), tarEntry({ name: 'f' })]), 'a sparse file without its map'],
    [
      'a map for all files',
      tarEntry({ name: 'g', type: 'g', data: paxRecord('GNU.sparse.size', '1') }),
      'means all files',
    ],
    ['a negative offset (old)', sparseEntry('gnu', { ...base, regions: [[-512, 512]] }), 'out of range'],
    ['a negative size (old)', sparseEntry('gnu', { ...base, realBytes: -1 }), 'out of range'],
  ])('with %s are refused', (_what, entry, message) => {
    expect(() => tellFiles(tarArchive(entry, { name: 'next' }))).toThrow(message);
    expect(() => tellFiles(tarArchive(entry, { name: 'next' }))).toThrow(BuildError);
  });

  it('with a map that never ends take no memory without end', () => {
    const block = Buffer.alloc(512);
    for (let at = 0; at < 504; at += 12) block.write('00000000000\0', at, 'latin1');
    block[504] = 1;
    const header = sparseEntry('gnu', { ...base, regions: Array.from({ length: 5 }, () => [0, 0] as const) });
    const archive = Buffer.concat([header.subarray(0, 512), ...Array.from({ length: 12_000 }, () => block)]);
    expect(() => tellFiles(archive)).toThrow('more than 250000 regions');
  });

  it('whose size is beyond what a guest may have are refused before anything is made', async () => {
    using shop = new Workshop();
    const { pack } = shop.context();
    const archive = tarArchive(sparseEntry('1.0', { ...base, regions: [[0, 512]], realBytes: 2 ** 52 }));
    await expect(new ArchiveLoader(new FileTree(), pack).load('bomb', streamOf(archive))).rejects.toThrow(
      'bomb: archive: more than 34359738368 bytes of content',
    );
    expect(pack.sizeBytes).toBe(0);
    pack[Symbol.dispose]();
  });

  it('cut off anywhere are refused', () => {
    for (const format of SPARSE_FORMATS) {
      const regions = Array.from({ length: 30 }, (_, index) => [index * 4096, 512] as const);
      const entry = sparseEntry(format, { name: 's', regions, realBytes: 1e6, stored: Buffer.alloc(30 * 512, 'x') });
      for (let length = 1; length < entry.length; length += 97)
        expect(() => tellFiles(entry.subarray(0, length))).toThrow(BuildError);
    }
  });

  it('have no place in a package index, nor as the blob of an image', async () => {
    using shop = new Workshop();
    const archive = tarArchive(sparseEntry('gnu', { ...base, regions: [[0, 512]] }));
    expect(() => readTar(archive)).toThrow('"evil": is stored sparse');
    writeFileSync(shop.path('image.tar'), archive);
    await expect(indexMembers(shop.path('image.tar'))).rejects.toThrow("make the image's archive without --sparse");
  });

  it('damaged anywhere are read as something else or refused, and what is read has the size it says', () => {
    const regions = Array.from({ length: 7 }, (_, index) => [index * 8192, 512] as const);
    const archives = SPARSE_FORMATS.map((format) =>
      tarArchive(sparseEntry(format, { name: 's', regions, realBytes: 100_000, stored: Buffer.alloc(7 * 512, 'x') })),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...archives),
        fc.array(fc.tuple(fc.nat(4000), fc.oneof(fc.nat(255), fc.integer({ min: 0x30, max: 0x39 }))), { maxLength: 4 }),
        (archive, changes) => {
          const bytes = Buffer.from(archive);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            for (const { header, pieces } of tellFiles(bytes))
              expect(pieces.reduce((sum, length) => sum + Math.abs(length), 0)).toBe(header.sizeBytes);
          } catch (error) {
            expect(error).toBeInstanceOf(BuildError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

function paxed(...records: Buffer[]): Buffer {
  return Buffer.concat([paxHeader(...records), tarEntry({ name: 'evil', data: Buffer.alloc(512) })]);
}

function pax(version: string, ...records: [string, string][]): Buffer {
  const all = records.map(([keyword, value]) => paxRecord(`GNU.sparse.${keyword}`, value));
  return paxed(paxRecord('GNU.sparse.major', version), paxRecord('GNU.sparse.size', '65536'), ...all);
}

function sized(): Buffer {
  return paxHeader(paxRecord('GNU.sparse.size', '10'));
}

function major(version: string): Buffer {
  return paxHeader(paxRecord('GNU.sparse.major', version), paxRecord('GNU.sparse.realsize', '10'));
}
