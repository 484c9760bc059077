import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BuildFailure } from '../../../../kernel-config/src/build/failure.ts';
import { loadPatches, patchedSource, patchesDigest } from '../../../../kernel-config/src/build/patches.ts';

const patchOf = (file: string, from: string, to: string): string =>
  `Why.\n\n--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-${from}\n+${to}\n`;

describe('patches', () => {
  let folder: string;
  let source: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-patches-'));
    source = join(folder, 'src', 'tree');
    await mkdir(source, { recursive: true });
    await mkdir(join(folder, '6.12'));
    await writeFile(join(source, 'Makefile'), 'one\n');
    await writeFile(join(source, 'other'), 'untouched\n');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const add = (name: string, text: string): Promise<void> => writeFile(join(folder, '6.12', name), text);

  test('none: the source itself, and a digest that changes no key', async () => {
    const patches = await loadPatches('6.12', [], folder);
    expect(patches).toEqual([]);
    expect(patchesDigest(patches)).toBe('');
    expect(await patchedSource(source, patches)).toBe(source);
  });

  test('are applied in order of their names to a tree of its own, which shares what is unchanged', async () => {
    await add('0002-b.patch', patchOf('Makefile', 'two', 'three'));
    await add('0001-a.patch', patchOf('Makefile', 'one', 'two'));
    await add('README.md', 'no patch');
    const extra = join(folder, 'extra.patch');
    await writeFile(extra, patchOf('Makefile', 'three', 'four'));
    const patches = await loadPatches('6.12', [extra], folder);
    expect(patches.map(({ name }) => name)).toEqual(['0001-a.patch', '0002-b.patch', 'extra.patch']);
    const applied: string[] = [];
    const patched = await patchedSource(source, patches, { onPatch: ({ name }) => applied.push(name) });
    expect(await readFile(join(patched, 'Makefile'), 'utf8')).toBe('four\n');
    expect(await readFile(join(source, 'Makefile'), 'utf8')).toBe('one\n');
    expect((await stat(join(patched, 'other'))).ino).toBe((await stat(join(source, 'other'))).ino);
    expect(await patchedSource(source, patches, { onPatch: () => expect.unreachable() })).toBe(patched);
    expect(applied).toHaveLength(3);
  });

  test('one that does not apply is named with what patch said, and no tree is left', async () => {
    await add('0001-a.patch', patchOf('Makefile', 'zero', 'two'));
    const patches = await loadPatches('6.12', [], folder);
    await expect(patchedSource(source, patches)).rejects.toThrow(
      /^patch 0001-a\.patch does not apply to tree: .*FAILED/,
    );
    expect(await readdir(join(folder, 'src'))).toEqual(['tree']);
    expect(existsSync(join(source, 'Makefile.rej'))).toBe(false);
  });

  test('one for a file that is not there is named too', async () => {
    await add('0001-a.patch', patchOf('kernel/none.c', 'x', 'y'));
    await expect(patchedSource(source, await loadPatches('6.12', [], folder))).rejects.toThrow(
      /0001-a\.patch does not apply/,
    );
  });

  test('what is no patch is refused when it is read', async () => {
    await add('0001-a.patch', 'hello\n');
    await expect(loadPatches('6.12', [], folder)).rejects.toThrow(BuildFailure);
    await expect(loadPatches('6.13', [join(folder, 'none.patch')], folder)).rejects.toThrow(/none\.patch: ENOENT/);
  });

  test('their order and content decide the digest', async () => {
    await add('1.patch', patchOf('a', '1', '2'));
    await add('2.patch', patchOf('b', '1', '2'));
    const [first, second] = await loadPatches('6.12', [], folder);
    if (!first || !second) throw new Error('two patches');
    expect(patchesDigest([first, second])).not.toBe(patchesDigest([second, first]));
    expect(patchesDigest([first, second])).toMatch(/^[0-9a-f]{64}$/);
  });
});
