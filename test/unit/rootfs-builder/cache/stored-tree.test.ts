import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { PackWriter } from '../../../../rootfs-builder/src/cache/pack-writer.ts';
import { loadBase, PACK_NAME, storeBase } from '../../../../rootfs-builder/src/cache/stored-tree.ts';
import { treeDigest } from '../../../../rootfs-builder/src/cache/tree-digest.ts';
import { readContent } from '../../../../rootfs-builder/src/tree/content.ts';
import { compressibleTree } from '../rich-tree.ts';
import { arbitraryTree, collect } from '../support.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-stored-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const facts = { packages: [], inputs: [{ name: 'x', sha256: 'ab' }], notes: ['note'] };

it('a base that is kept comes back as it was, whatever the tree', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree, async (tree) => {
      await storeBase({ tree, ...facts }, folder);
      const { tree: back, ...rest } = await loadBase(folder);
      expect(back.entries()).toEqual(tree.entries());
      expect(rest).toEqual(facts);
    }),
    { numRuns: 40 },
  );
});

it('contents come from the pack, attributes too', async () => {
  const tree = compressibleTree();
  const contents = new Map<string, Uint8Array>();
  {
    using pack = new PackWriter(join(folder, PACK_NAME));
    for (const entry of tree.entries()) {
      if (entry.kind !== 'file' || entry.content.kind !== 'bytes') continue;
      contents.set(entry.path, entry.content.bytes);
      const place = pack.begin(entry.content.bytes.length);
      place.write(entry.content.bytes);
      tree.content(entry.path, place.finish(), entry);
    }
    pack.finish();
  }
  await storeBase({ tree, ...facts }, folder);
  const { tree: back } = await loadBase(folder);
  expect(await treeDigest(back, undefined)).toBe(await treeDigest(tree, undefined));
  for (const [path, bytes] of contents) {
    const entry = back.get(path);
    if (entry?.kind !== 'file') throw new Error(path);
    expect([path, Buffer.compare(await collect(readContent(entry.content)), bytes)]).toEqual([path, 0]);
  }
});

it('one that is damaged is refused, and says what to remove', async () => {
  await storeBase({ tree: compressibleTree(), ...facts }, folder);
  const path = join(folder, 'index.json');
  const text = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
      writeFileSync(path, text.subarray(0, length));
      await expect(loadBase(folder)).rejects.toThrow(BuildError);
      await expect(loadBase(folder)).rejects.toThrow(`damaged; remove ${folder}`);
    }),
    { numRuns: 20 },
  );
});
