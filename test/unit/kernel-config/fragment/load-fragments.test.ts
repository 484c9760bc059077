import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listFragments, loadFragments } from '../../../../kernel-config/src/fragment/load-fragments.ts';

describe('loadFragments()', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-fragments-'));
    const files = {
      'common/net': '# Network.\nCONFIG_NET=y\n',
      'x86_64/net': '# The card of PCs.\nCONFIG_E1000=y\n',
      'x86_64/machine': 'CONFIG_PVH=y\n',
      'common/pmem': '# Memory that stays.\n#! not: s390x ppc64le\nCONFIG_PMEM=y\n',
      'common/newer': '#! since: 6.13\nCONFIG_NEWER=y\n',
      'common/typo': '#! not: x86\nCONFIG_A=y\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, `${name}.config`), text);
    }
    await writeFile(join(folder, 'README'), 'no fragment');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const load = async (names: string[], architecture: string, series = '6.12'): Promise<string[]> => [
    ...(await loadFragments(names, architecture, { folder, series })).keys(),
  ];

  test('takes the common part and that of the architecture', async () => {
    expect(await load(['net'], 'x86_64')).toEqual(['E1000', 'NET']);
    expect(await load(['net'], 'riscv64')).toEqual(['NET']);
  });

  test('a name that only another architecture has gives nothing', async () => {
    expect(await load(['machine'], 'aarch64')).toEqual([]);
  });

  test('leaves a fragment out where its header says so', async () => {
    expect(await load(['pmem'], 's390x')).toEqual([]);
    expect(await load(['pmem'], 'aarch64')).toEqual(['PMEM']);
  });

  test('leaves a fragment out of a series older than its header says', async () => {
    expect(await load(['newer'], 's390x', '6.12')).toEqual([]);
    expect(await load(['newer'], 's390x', '6.13')).toEqual(['NEWER']);
  });

  test('refuses a header that names no architecture, and an unknown name with the list of known ones', async () => {
    await expect(load(['typo'], 'x86_64')).rejects.toThrow('fragment typo: "not: x86" names no architecture');
    await expect(load(['nett'], 'x86_64')).rejects.toThrow(
      'no fragment "nett"; there are: machine, net, newer, pmem, typo',
    );
  });

  test('takes the path of a file, and says which one cannot be read', async () => {
    const file = join(folder, 'own.config');
    await writeFile(file, 'CONFIG_OWN=y\n');
    expect(await load(['net', file], 'riscv64')).toEqual(['NET', 'OWN']);
    await expect(load([join(folder, 'none.config')], 'x86_64')).rejects.toThrow(/none\.config: ENOENT/);
  });

  test('says in which part a contradiction is', async () => {
    const file = join(folder, 'own.config');
    await writeFile(file, '# CONFIG_E1000 is not set\n');
    await expect(load(['net', file], 'x86_64')).rejects.toThrow(
      'CONFIG_E1000 is y in x86_64/net.config:2 but n in own.config:1',
    );
  });

  test('lists names once, sorted', async () => {
    expect(await listFragments(folder)).toEqual(['machine', 'net', 'newer', 'pmem', 'typo']);
  });
});
