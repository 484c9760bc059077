import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listSeries, locateSource } from '../../../../kernel-config/src/build/kernel-source.ts';

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
});
