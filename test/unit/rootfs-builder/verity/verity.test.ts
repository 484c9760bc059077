import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { HashTreeBuilder, hashTreeBytes } from '../../../../rootfs-builder/src/verity/hash-tree.ts';
import {
  checkVerityRequest,
  dmModCreate,
  parseVerityLine,
  verityLine,
} from '../../../../rootfs-builder/src/verity/parameters.ts';
import { decodeVeritySuperblock, encodeVeritySuperblock } from '../../../../rootfs-builder/src/verity/superblock.ts';
import { noise } from '../rich-tree.ts';

const SALT = Uint8Array.of(1, 2, 3);
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

describe('a verity hash tree', () => {
  it('of one block is that block’s salted hash and nothing else', () => {
    const data = noise(4096);
    const builder = new HashTreeBuilder(SALT);
    builder.push(data);
    const { rootHash, bytes, dataBlocks } = builder.finish();
    expect(Buffer.from(rootHash)).toEqual(sha256(SALT, data));
    expect([bytes.length, dataBlocks]).toEqual([0, 1]);
  });

  it('of 129 blocks has two levels, the upper one first', () => {
    const data = noise(129 * 4096);
    const builder = new HashTreeBuilder(SALT);
    builder.push(data);
    const { rootHash, bytes } = builder.finish();
    const digests = Array.from({ length: 129 }, (_, index) =>
      sha256(SALT, data.subarray(index * 4096, (index + 1) * 4096)),
    );
    const lower = Buffer.alloc(8192);
    lower.set(Buffer.concat(digests));
    const upper = Buffer.alloc(4096);
    upper.set(Buffer.concat([sha256(SALT, lower.subarray(0, 4096)), sha256(SALT, lower.subarray(4096))]));
    expect(Buffer.compare(bytes, Buffer.concat([upper, lower]))).toBe(0);
    expect(Buffer.from(rootHash)).toEqual(sha256(SALT, upper));
  });

  it('does not depend on how the data is cut', () => {
    const data = new Uint8Array(40_960);
    data.set(noise(20_000), 3000);
    const whole = new HashTreeBuilder(SALT);
    whole.push(data);
    const expected = whole.finish();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 12 }), (lengths) => {
        const builder = new HashTreeBuilder(SALT);
        let at = 0;
        for (const length of lengths) {
          builder.push(data.subarray(at, at + length));
          at += length;
        }
        builder.push(data.subarray(at));
        expect(builder.finish()).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [1, 0],
    [2, 4096],
    [128, 4096],
    [129, 3 * 4096],
    [16_384, 129 * 4096],
    [16_385, (129 + 1 + 2) * 4096 - 4096 + 4096],
  ])('over %d blocks takes %d bytes', (blocks, bytes) => {
    expect(hashTreeBytes(blocks)).toBe(bytes);
  });

  it('refuses data that is no whole number of blocks', () => {
    const builder = new HashTreeBuilder(SALT);
    expect(() => builder.finish()).toThrow(BuildError);
    builder.push(new Uint8Array(5000));
    expect(() => builder.finish()).toThrow('whole blocks of 4096 bytes');
    expect(() => new HashTreeBuilder(new Uint8Array(257))).toThrow('at most 256');
  });
});

describe('a verity superblock', () => {
  const superblock = {
    uuid: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
    dataBlockSize: 4096,
    hashBlockSize: 4096,
    dataBlocks: 1000,
    salt: SALT,
  };

  it('is these bytes', () => {
    const bytes = Buffer.from(encodeVeritySuperblock(superblock));
    expect(bytes.length).toBe(4096);
    expect(bytes.subarray(0, 96).toString('hex')).toBe(
      '7665726974790000' +
        '01000000' +
        '01000000' +
        '0102030405060708090a0b0c0d0e0f10' +
        '736861323536'.padEnd(64, '0') +
        '00100000' +
        '00100000' +
        'e803000000000000' +
        '0300' +
        '000000000000' +
        '010203'.padEnd(16, '0'),
    );
  });

  it('is read back, and refused when it is none', () => {
    expect(decodeVeritySuperblock(encodeVeritySuperblock(superblock))).toEqual(superblock);
    expect(() => decodeVeritySuperblock(new Uint8Array(512))).toThrow('no signature');
    expect(() => decodeVeritySuperblock(new Uint8Array(100))).toThrow('only 100 bytes');
    const other = encodeVeritySuperblock(superblock);
    other[12] = 0;
    expect(() => decodeVeritySuperblock(other)).toThrow('unknown version or hash type');
  });
});

describe('verity parameters', () => {
  const verity = { rootHash: 'a'.repeat(64), salt: '0102', dataBlocks: 10, dataBlockSize: 4096, hashBlockSize: 4096 };
  const line = `root_hash=${'a'.repeat(64)},salt=0102,data_blocks=10,data_block_size=4096,hash_block_size=4096`;

  it('are one line, which is read back', () => {
    expect(verityLine(verity)).toBe(line);
    expect(parseVerityLine(`${line}\n`)).toEqual(verity);
  });

  it.each([
    ['', 'bad part ""'],
    [line.replace('salt=0102,', ''), 'salt is missing'],
    [line.replace('0102', '01g2'), 'salt is "01g2"'],
    [`${line},x=1`, 'unknown part "x"'],
    [`${line},salt=00`, 'bad part "salt=00"'],
    [line.replace('data_blocks=10', 'data_blocks=0'), 'data_blocks is "0"'],
  ])('are refused: %s', (text, message) => {
    expect(() => parseVerityLine(text)).toThrow(message);
  });

  it('become the device that the kernel makes at boot', () => {
    expect(dmModCreate(verity, '/dev/vda1', '/dev/vda2', 0)).toBe(
      `dm-mod.create="dm-verity,,,ro,0 80 verity 1 /dev/vda1 /dev/vda2 4096 4096 10 0 sha256 ${'a'.repeat(64)} 0102"`,
    );
  });

  it.each([
    [{ variant: '../x' }, 'variant'],
    [{ variant: '' }, 'variant'],
    [{ variant: 'base', salt: 'xyz' }, 'salt'],
    [{ variant: 'base', salt: '00'.repeat(257) }, 'salt'],
  ])('refuse %j', (request, message) => {
    expect(() => checkVerityRequest(request)).toThrow(message);
  });
});
