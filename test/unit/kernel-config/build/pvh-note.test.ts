import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPvhEntry } from '../../../../kernel-config/src/build/pvh-note.ts';

/** A 64-bit ELF with one PT_NOTE that holds the given notes: [owner, type, descriptor]. */
function elfWithNotes(notes: readonly [string, number, number[]][]): Uint8Array {
  const body = notes.flatMap(([owner, type, descriptor]) => {
    const name = Array.from(owner, (letter) => letter.charCodeAt(0)).concat(0);
    const pad = (bytes: number[]): number[] => [...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
    return [...word(name.length), ...word(descriptor.length), ...word(type), ...pad(name), ...pad(descriptor)];
  });
  const elf = new Uint8Array(120 + body.length);
  const view = new DataView(elf.buffer);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 1, true); // e_phnum
  view.setUint32(64, 4, true); // p_type: PT_NOTE
  view.setBigUint64(72, 120n, true); // p_offset
  view.setBigUint64(96, BigInt(body.length), true); // p_filesz
  elf.set(body, 120);
  return elf;
}

function word(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];
}

describe('findPvhEntry()', () => {
  test('finds the entry among other notes', () => {
    const elf = elfWithNotes([
      ['GNU', 3, [1, 2, 3, 4, 5]],
      ['Xen', 19, word(0)],
      ['Xen', 18, [...word(0x1000000), ...word(0)]],
    ]);
    expect(findPvhEntry(elf)).toBe(0x1000000);
  });

  test('ignores the same type of another owner', () => {
    expect(findPvhEntry(elfWithNotes([['GNU', 18, word(1)]]))).toBeUndefined();
  });

  test('answers for whatever bytes it gets', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void findPvhEntry(bytes)));
    const good = elfWithNotes([['Xen', 18, word(7)]]);
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(good.length - 1), fc.nat(255), (length, at, value) => {
        const broken = good.slice();
        broken[at] = value;
        findPvhEntry(broken.subarray(0, length));
      }),
    );
  });
});
