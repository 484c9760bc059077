import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listSeries, locateSource, unpackSource } from '../../../../kernel-config/src/build/kernel-source.ts';

describe('kernel sources', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-source-'));
    for (const name of [
      'linux-source-6.12.tar.xz',
      'linux-source-6.9.tar.xz',
      'linux-source-7.2.tar.xz',
      'linux.tar',
    ]) {
      await writeFile(join(folder, name), name);
    }
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('are listed by series, oldest first', async () => {
    expect(await listSeries([join(folder, 'none'), folder])).toEqual(['6.9', '6.12', '7.2']);
  });

  test('are found by series, with their digest', async () => {
    const digest = createHash('sha256').update('linux-source-7.2.tar.xz').digest('hex');
    expect(await locateSource({ series: '7.2' }, [folder])).toEqual({
      path: join(folder, 'linux-source-7.2.tar.xz'),
      digest,
    });
    expect(await locateSource({ tarball: join(folder, 'linux.tar') }, [])).toMatchObject({
      path: join(folder, 'linux.tar'),
    });
  });

  test('that are not there are refused with what is, and how to get them', async () => {
    await expect(locateSource({ series: '6.18' }, [folder])).rejects.toThrow(
      /no kernel source of series 6\.18; there are: 6\.9, 6\.12, 7\.2; get the newest with: .*kernel-newer/,
    );
    await expect(locateSource({}, [])).rejects.toThrow('apt-get install linux-source-6.12');
  });

  describe('are unpacked', () => {
    const files = ['Makefile', 'drivers/gpu/Kconfig', 'drivers/gpu/a.c', 'include/gpu/a.h', 'Documentation/Kconfig'];
    const left = ['drivers/gpu/a.c', 'Documentation/a/b.rst', 'tools/testing/x/Makefile'];
    let tarball: { path: string; digest: string };
    let cache: string;
    beforeEach(async () => {
      for (const file of [...files, ...left]) {
        await mkdir(join(folder, 'linux', dirname(file)), { recursive: true });
        await writeFile(join(folder, 'linux', file), '');
      }
      tarball = { path: join(folder, 'linux.tar.xz'), digest: '0123456789abcdef0123' };
      execFileSync('tar', ['-cJf', tarball.path, '-C', folder, 'linux']);
      cache = join(folder, 'cache');
    });

    test('without what is never built; what Kconfig reads stays', async () => {
      const tree = await unpackSource(tarball, cache);
      expect(files.filter((file) => !existsSync(join(tree, file)))).toEqual(['drivers/gpu/a.c']);
      expect(left.filter((file) => existsSync(join(tree, file)))).toEqual([]);
    });

    test('whole where that is asked for, and a whole tree serves everybody', async () => {
      const whole = await unpackSource(tarball, cache, { isWhole: true });
      expect([...files, ...left].filter((file) => !existsSync(join(whole, file)))).toEqual([]);
      expect(await unpackSource(tarball, cache)).toBe(whole);
    });

    test('once, and a part is not taken for the whole', async () => {
      const part = await unpackSource(tarball, cache);
      expect(await unpackSource(tarball, cache, { onStart: () => expect.unreachable() })).toBe(part);
      const whole = await unpackSource(tarball, cache, { isWhole: true });
      expect(whole).not.toBe(part);
      // Objects that were made from the part go on with it.
      expect(await unpackSource(tarball, cache)).toBe(part);
      expect((await readdir(join(cache, 'src'))).length).toBe(2);
    });

    test('not at all when there is no kernel in it', async () => {
      await rm(join(folder, 'linux', 'Makefile'));
      execFileSync('tar', ['-cJf', tarball.path, '-C', folder, 'linux']);
      await expect(unpackSource(tarball, cache)).rejects.toThrow('linux.tar.xz holds no kernel');
      expect(await readdir(join(cache, 'src'))).toEqual([]);
    });
  });
});
