import fc from 'fast-check';
import { writeTree } from '../../../rootfs-builder/src/cpio/write-tree.ts';
import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';

/** All pieces of a stream as one array. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** A stream of the given pieces. */
export async function* streamOf(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

/** The tree as one archive. */
export function archiveOf(tree: FileTree, mtime = 0): Promise<Uint8Array> {
  return collect(writeTree(tree, mtime));
}

const ownership = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 70_000 }),
  gid: fc.integer({ min: 0, max: 70_000 }),
});
const name = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', 'é', '\udc80', ' '), minLength: 1, maxLength: 4 });
const entry = fc.oneof(
  fc.record({ kind: fc.constant('dir' as const), ownership }),
  fc.record({ kind: fc.constant('file' as const), ownership, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    kind: fc.constant('symlink' as const),
    ownership,
    target: fc.string({ minLength: 1, maxLength: 8 }).map((t) => t.replaceAll('\0', 'x')),
  }),
  fc.record({ kind: fc.constant('char' as const), ownership, major: fc.nat(4095), minor: fc.nat(255) }),
  fc.record({ kind: fc.constant('fifo' as const), ownership }),
);

/** Trees of up to a dozen entries of all kinds; a file may get a second name. */
export const arbitraryTree: fc.Arbitrary<FileTree> = fc
  .array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), entry, fc.option(name)), { maxLength: 12 })
  .map((plan) => {
    const tree = new FileTree();
    for (const [components, what, secondName] of plan) {
      const path = components.join('/');
      try {
        switch (what.kind) {
          case 'dir':
            tree.dir(path, what.ownership);
            break;
          case 'file':
            tree.file(path, what.bytes, what.ownership);
            break;
          case 'symlink':
            tree.symlink(path, what.target, what.ownership);
            break;
          case 'char':
            tree.device(path, 'char', what.major, what.minor, what.ownership);
            break;
          case 'fifo':
            tree.special(path, 'fifo', what.ownership);
            break;
        }
        if (what.kind === 'file' && secondName !== null && tree.get(secondName) === undefined)
          tree.link(secondName, path);
      } catch {
        // Two paths of the plan contradict each other ("a" a file, then "a/b"), or a name is "." or "..".
      }
    }
    return tree;
  })
  // Replacing an entry may have left a link to a place that is now a directory or another link.
  .filter((tree) => tree.entries().every((item) => item.kind !== 'link' || tree.get(item.target)?.kind === 'file'));
