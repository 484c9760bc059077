import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpioReader, readCpio } from '../../../../rootfs-builder/src/cpio/reader.ts';
import type { CpioEvent } from '../../../../rootfs-builder/src/cpio/reader.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { archiveOf, arbitraryTree } from '../support.ts';

const small = new FileTree().file('init', 'hello').symlink('sbin/init', '/init');

describe('CpioReader', () => {
  it('gives the same records however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryTree,
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        async (tree, cuts) => {
          const archive = await archiveOf(tree);
          const reader = new CpioReader();
          const events: CpioEvent[] = [];
          for (let at = 0, turn = 0; at < archive.length; turn++) {
            const next = at + (cuts[turn % cuts.length] ?? 1);
            events.push(...reader.push(archive.subarray(at, next)));
            at = next;
          }
          reader.end();
          expect(summary(events)).toEqual(summary(new CpioReader().push(archive)));
          expect(events.at(-1)?.kind).toBe('trailer');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads archives that stand one after the other, with zeros between them', async () => {
    const archive = await archiveOf(small);
    const twice = Buffer.concat([archive, new Uint8Array(512), archive, new Uint8Array(7)]);
    expect(readCpio(twice).map((record) => record.name)).toEqual([
      '.',
      'init',
      'sbin',
      'sbin/init',
      '.',
      'init',
      'sbin',
      'sbin/init',
    ]);
  });

  it('refuses an archive that is cut off anywhere', async () => {
    const archive = await archiveOf(small);
    for (let length = 0; length < archive.length; length++) {
      expect(() => readCpio(archive.subarray(0, length)), `cut at ${length}`).toThrow(BuildError);
    }
  });

  it('refuses damage with one clear error and never anything else', async () => {
    const archive = await archiveOf(small);
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.nat(255), (at, value) => {
        const damaged = archive.slice();
        damaged[at] = value;
        try {
          readCpio(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['text', 'not an archive. '.repeat(10)],
    ['an old binary cpio', '\xc7\x71'.padEnd(120, '\0')],
    ['a name of no length', `070701${'00000000'.repeat(13)}`],
    ['a name of 4 GiB', `070701${'00000000'.repeat(11)}ffffffff00000000`],
  ])('refuses %s from its header', (_, text) => {
    expect(() => new CpioReader().push(Buffer.from(text, 'latin1'))).toThrow(/^cpio archive: .* at byte 0$/);
  });

  it('does not hold data back or gather it', () => {
    const header = `070701${'00000001'.repeat(6)}7fffffff${'00000000'.repeat(4)}0000000200000000a\0`;
    const reader = new CpioReader();
    const [entry] = reader.push(Buffer.from(header, 'latin1'));
    expect(entry).toMatchObject({ kind: 'entry', header: { name: 'a', sizeBytes: 0x7fff_ffff } });
    expect(reader.push(new Uint8Array(3))).toEqual([{ kind: 'data', bytes: new Uint8Array(3) }]);
  });
});

/** Events with the pieces of data joined. */
function summary(events: readonly CpioEvent[]): unknown[] {
  const joined: unknown[] = [];
  for (const event of events) {
    if (event.kind === 'data') joined.push(...event.bytes);
    else joined.push(event);
  }
  return joined;
}
