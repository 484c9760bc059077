import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDirectoryEntries } from '../../../../agent/src/abi/structs/directory.ts';

/** One record as the kernel writes it: aligned to 8, the name ended by a NUL. */
function record(ino: bigint, type: number, name: Uint8Array): Uint8Array {
  const length = Math.ceil((19 + name.length + 1) / 8) * 8;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, ino, true);
  view.setUint16(16, length, true);
  view.setUint8(18, type);
  bytes.set(name, 19);
  return bytes;
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('readDirectoryEntries()', () => {
  it('reads names, types and numbers, without . and ..', () => {
    const names = ['.', '..', 'file', 'naïve', '...'].map((name) => new TextEncoder().encode(name));
    const reply = concat(names.map((name, index) => record(BigInt(index) + (1n << 40n), 8, name)));
    expect(readDirectoryEntries(reply)).toEqual([
      { name: 'file', type: 8, ino: (1n << 40n) + 2n },
      { name: 'naïve', type: 8, ino: (1n << 40n) + 3n },
      { name: '...', type: 8, ino: (1n << 40n) + 4n },
    ]);
  });

  it('keeps a name that is no UTF-8', () => {
    expect(readDirectoryEntries(record(1n, 8, Uint8Array.of(0x61, 0xff)))[0]?.name).toBe('a\udcff');
  });

  it('gives any names back', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 255 }).filter((bytes) => {
      const text = String(Buffer.from(bytes));
      return !bytes.includes(0) && text !== '.' && text !== '..';
    });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), (names) => {
        const entries = readDirectoryEntries(concat(names.map((bytes) => record(7n, 4, bytes))));
        expect(entries).toHaveLength(names.length);
      }),
    );
  });

  it('ends on a reply that makes no sense, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readDirectoryEntries(bytes).length).toBeLessThanOrEqual(20);
      }),
    );
  });
});
