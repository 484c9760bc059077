import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePax } from '../../../../rootfs-builder/src/archive/pax.ts';
import { readTar } from '../../../../rootfs-builder/src/archive/read-tar.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { writeTar } from '../../../../rootfs-builder/src/tar/write-tar.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { arbitraryTree, collect } from '../support.ts';
import { paxRecord } from './tar-support.ts';

function attempt(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(BuildError);
  }
}

it('a damaged archive is read as something else or refused, never with another error', async () => {
  const tree = new FileTree()
    .file(`long/${'n'.repeat(150)}`, 'x'.repeat(700), {
      xattrs: new Map([['user.a', Uint8Array.of(0, 1)]]),
      uid: 3_000_000,
    })
    .symlink('link', 't'.repeat(200))
    .device('dev/null', 'char', 1, 3)
    .link('other', `long/${'n'.repeat(150)}`);
  const archive = await collect(writeTar(tree, 1_700_000_000));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(archive.length),
      (changes, length) => {
        const bytes = Uint8Array.from(archive);
        for (const [at, value] of changes) bytes[at] = value;
        attempt(() => readTar(bytes.subarray(0, length)));
        attempt(() => readTar(bytes));
      },
    ),
    { numRuns: 300 },
  );
});

it('records of a pax header hold any bytes, and lies about their length are refused', () => {
  const value = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
      const records = values.map((bytes, index) => paxRecord(`SCHILY.xattr.user.n${index}`, bytes));
      const { xattrs } = parsePax(Buffer.concat(records));
      expect([...(xattrs ?? [])].map(([name, bytes]) => [name, new Uint8Array(bytes)])).toEqual(
        values.map((bytes, index) => [`user.n${index}`, bytes]),
      );
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => attempt(() => parsePax(bytes))));
  fc.assert(
    fc.property(fc.nat(2000), fc.string({ maxLength: 20 }), (length, text) =>
      attempt(() => parsePax(paxRecord('size', text, length))),
    ),
  );
});

it('any tree gives an archive of whole blocks that ends with two of zeros', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree, async (tree) => {
      const archive = await collect(writeTar(tree, 0));
      expect(archive.length % 512).toBe(0);
      expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    }),
    { numRuns: 30 },
  );
});
