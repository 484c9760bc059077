/** What reads disk images and what belongs to them. */
import fc from 'fast-check';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import { decodeDaxBlock, encodeDaxBlock } from '../../../rootfs-builder/src/disk/dax-block.ts';
import { decodeMbr, encodeMbr } from '../../../rootfs-builder/src/disk/mbr.ts';
import { decodeDirents, encodeDirents } from '../../../rootfs-builder/src/erofs/dirents.ts';
import { encodeErofsInode } from '../../../rootfs-builder/src/erofs/inode.ts';
import { readErofs } from '../../../rootfs-builder/src/erofs/reader.ts';
import { encodeErofsSuperblock } from '../../../rootfs-builder/src/erofs/superblock.ts';
import { isLicenseExpression } from '../../../rootfs-builder/src/sbom/component.ts';
import { npmComponents } from '../../../rootfs-builder/src/sbom/npm-components.ts';
import { parseVerityLine, verityLine } from '../../../rootfs-builder/src/verity/parameters.ts';
import { decodeVeritySuperblock, encodeVeritySuperblock } from '../../../rootfs-builder/src/verity/superblock.ts';
import { promise, promiseEqual } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes, mutatedText } from '../support/fuzz-target.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** An image of two blocks: a directory with a file whose bytes stand behind its inode, and one in chunks. */
function smallErofs(): Uint8Array {
  const image = Buffer.alloc(8192);
  const inode = (layout: 'inline' | 'chunks', mode: number, sizeBytes: number, u: number): Uint8Array =>
    encodeErofsInode({
      ...{ isExtended: false, layout, xattrBytes: 0, mode, nlink: 1, sizeBytes, u, ino: 1, uid: 0, gid: 0, mtime: 0 },
    });
  const entries = encodeDirents([
    { name: bytes('.'), nid: 36, type: 2 },
    { name: bytes('..'), nid: 36, type: 2 },
    { name: bytes('f'), nid: 48, type: 1 },
    { name: bytes('g'), nid: 56, type: 1 },
  ]);
  image.set(inode('inline', 0o40755, entries.length, 0), 36 * 32);
  image.set(entries, 37 * 32);
  image.set(inode('inline', 0o100644, 5, 0), 48 * 32);
  image.set(bytes('hello'), 49 * 32);
  image.set(inode('chunks', 0o100644, 8000, 0), 56 * 32);
  image.set([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0], 57 * 32);
  const superblock = {
    rootNid: 36,
    inodes: 3,
    buildTime: 0,
    blocks: 2,
    xattrBlock: 1,
    uuid: new Uint8Array(16),
    incompat: 4,
  };
  image.set(encodeErofsSuperblock(superblock, image.subarray(1152, 4096)), 1024);
  return image;
}

const erofs = fuzzTarget({
  name: 'erofs-image',
  // The checksum would refuse nearly all mutations: half of the images say that they have none.
  input: fc.tuple(mutatedBytes([smallErofs()]), fc.boolean()),
  errors: [BuildError],
  run: ([image, isUnchecked]) => {
    if (isUnchecked && image.length > 1032) image[1032] = (image[1032] ?? 0) & ~1;
    const records = readErofs(image);
    promise(
      'paths stay inside',
      records.every(({ path }) => !path.split('/').includes('..') && !path.startsWith('/')),
    );
  },
});

const dirents = fuzzTarget({
  name: 'erofs-directory',
  input: mutatedBytes([
    encodeDirents(['.', '..', 'a', 'bb'].map((name, nid) => ({ name: bytes(name), nid, type: 1 }))),
  ]),
  errors: [BuildError],
  run: (data) => {
    promise(
      'names are short',
      decodeDirents(data).every(({ name }) => name.length < 4096),
    );
  },
});

const table = fuzzTarget({
  name: 'partition-table',
  input: mutatedBytes([encodeMbr([{ startSector: 2048, sectors: 4096, bootable: true }], 7)]),
  errors: [BuildError],
  run: (sector) => {
    const partitions = decodeMbr(sector);
    promiseEqual('what is read is written', decodeMbr(encodeMbr(partitions, 0)), partitions);
  },
});

const dax = fuzzTarget({
  name: 'dax-block',
  input: mutatedBytes([encodeDaxBlock({ dataOffset: 1 << 21, alignment: 1 << 21 })]),
  errors: [BuildError],
  run: (block) => {
    promise('numbers are numbers', Number.isFinite(decodeDaxBlock(block).dataOffset));
  },
});

const verity = fuzzTarget({
  name: 'verity-superblock',
  input: mutatedBytes([
    encodeVeritySuperblock({
      uuid: new Uint8Array(16),
      ...{ dataBlockSize: 4096, hashBlockSize: 4096, dataBlocks: 9, salt: Uint8Array.of(1, 2) },
    }).subarray(0, 512),
  ]),
  errors: [BuildError],
  run: (block) => {
    promise('a salt has its bounds', decodeVeritySuperblock(block).salt.length <= 256);
  },
});

const line = `root_hash=${'a1'.repeat(32)},salt=0102,data_blocks=10,data_block_size=4096,hash_block_size=4096`;
const parameters = fuzzTarget({
  name: 'verity-parameters',
  input: mutatedText([line]),
  errors: [BuildError],
  run: (text) => {
    const parsed = parseVerityLine(text);
    promiseEqual('what is read is written', parseVerityLine(verityLine(parsed)), parsed);
  },
});

const licenses = fuzzTarget({
  name: 'licence-expression',
  input: mutatedText(['(MIT OR Apache-2.0) AND GPL-2.0-only WITH Linux-syscall-note']),
  errors: [],
  run: (text) => {
    if (isLicenseExpression(text)) promise('an expression has a licence', /[A-Z]/.test(text));
  },
});

const lock = fuzzTarget({
  name: 'package-lock',
  input: mutatedText(['{"packages":{"node_modules/a":{"version":"1.2.3","license":"MIT"}}}']),
  errors: [BuildError],
  run: (text) => {
    promise(
      'a version is text',
      npmComponents(text, ['a']).every(({ version }) => typeof version === 'string'),
    );
  },
});

export const imageTargets: readonly FuzzTarget[] = [erofs, dirents, table, dax, verity, parameters, licenses, lock];
