import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { compressBlock, Lz4Tables } from '../../../../rootfs-builder/src/lz4/compress-block.ts';
import { decompressBlock } from '../../../../rootfs-builder/src/lz4/decompress-block.ts';
import { noise } from '../rich-tree.ts';

function compressed(input: Uint8Array, room: number, start = 0): { consumed: number; block: Uint8Array } {
  const output = new Uint8Array(room);
  const { consumed, length } = compressBlock(input, start, input.length, output, new Lz4Tables());
  return { consumed, block: output.subarray(0, length) };
}

/** Text with repetitions near and far, and stretches that do not compress. */
const repetitive = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.nat(200)).map(([unit, times]) => repeat(unit, times)),
      fc.tuple(fc.nat(0xffff), fc.nat(700)).map(([seed, length]) => noise(length, seed)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => new Uint8Array(Buffer.concat([...parts, ...parts])));

function repeat(unit: Uint8Array, times: number): Uint8Array {
  return Uint8Array.from({ length: unit.length * times }, (_, index) => unit[index % unit.length] ?? 0);
}

describe('an LZ4 block', () => {
  it('is these bytes: literals and a match, then literals only', () => {
    const { consumed, block } = compressed(Buffer.from('abcdabcdabcdabcdabcd12345678'), 100);
    expect(consumed).toBe(28);
    expect(Buffer.from(block).toString('latin1')).toBe('\x4cabcd\x04\x00\x8012345678');
    expect(Buffer.from(compressed(Buffer.from('short'), 100).block).toString('latin1')).toBe('\x50short');
  });

  it('gives back what went in, and goes no further than its room', () => {
    fc.assert(
      fc.property(repetitive, fc.integer({ min: 20, max: 5000 }), (input, room) => {
        const { consumed, block } = compressed(input, room);
        expect(block.length).toBeLessThanOrEqual(room);
        expect(consumed === input.length || block.length > room - 300).toBe(true);
        expect(Buffer.compare(decompressBlock(block, consumed), input.subarray(0, consumed))).toBe(0);
      }),
    );
  });

  it('stands alone: it does not refer to what lies before it, whatever the tables hold', () => {
    const input = new Uint8Array(Buffer.concat([noise(5000), noise(5000), noise(5000)]));
    const tables = new Lz4Tables();
    const output = new Uint8Array(4096);
    for (let at = 0; at < input.length;) {
      const { consumed, length } = compressBlock(input, at, input.length, output, tables);
      const back = decompressBlock(output.subarray(0, length), consumed);
      expect(Buffer.compare(back, input.subarray(at, at + consumed))).toBe(0);
      at += consumed;
    }
  });

  it('reaches back 64 KiB and no further', () => {
    const lengths = [65_535, 65_536].map((distance) => {
      const phrase = noise(200, 9);
      const input = new Uint8Array(Buffer.concat([phrase, noise(distance - 200, 5), phrase, Buffer.alloc(20, 'x')]));
      const { consumed, block } = compressed(input, 100_000);
      expect(consumed).toBe(input.length);
      expect(Buffer.compare(decompressBlock(block, consumed), input)).toBe(0);
      return block.length;
    });
    expect((lengths[1] ?? 0) - (lengths[0] ?? 0)).toBeGreaterThan(150);
  });

  it('that is damaged is refused, never read beyond its ends', () => {
    const { consumed, block } = compressed(repeat(Buffer.from('hello world '), 300), 4096);
    expect(() => decompressBlock(block.subarray(0, block.length - 1), consumed)).toThrow(BuildError);
    expect(() => decompressBlock(block, consumed + 1)).toThrow(BuildError);
    expect(() => decompressBlock(new Uint8Array(0), 0)).toThrow(BuildError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2000), (bytes, length) => {
        try {
          expect(decompressBlock(bytes, length).length).toBe(length);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });
});
