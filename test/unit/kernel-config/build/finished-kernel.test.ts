import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findKernel, installKernel, storeKernel } from '../../../../kernel-config/src/build/finished-kernel.ts';
import { LEAN } from '../../../../kernel-config/src/configurations.ts';

const FACTS = { arch: 'x86_64', kernelVersion: '6.12.1', buildMs: 1 };

describe('finished kernels', () => {
  let folder: string;
  let objects: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-kernel-'));
    objects = join(folder, 'obj');
    await mkdir(join(objects, 'arch/x86/boot'), { recursive: true });
    await writeFile(join(objects, '.config'), 'CONFIG_NET=y\n');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('one that is too large is refused with both sizes and not stored', async () => {
    await writeFile(join(objects, 'arch/x86/boot/bzImage'), '');
    await truncate(join(objects, 'arch/x86/boot/bzImage'), LEAN.maxBzImageBytes + 1);
    const store = storeKernel(objects, join(folder, 'built', 'key'), LEAN, FACTS);
    await expect(store).rejects.toThrow(/bzImage of lean is 4194305 bytes, the limit is 4194304/);
    expect(await findKernel(join(folder, 'built', 'key'))).toBeUndefined();
  });

  test('one that QEMU cannot start directly is refused, and nothing half-made stays', async () => {
    await writeFile(join(objects, 'arch/x86/boot/bzImage'), 'image');
    // Any ELF without a PVH note: the program that runs this test.
    await writeFile(join(objects, 'vmlinux'), await readFile('/bin/true'));
    const store = storeKernel(objects, join(folder, 'built', 'key'), LEAN, FACTS);
    await expect(store).rejects.toThrow('no PVH entry');
    expect(await readdir(join(folder, 'built'))).toEqual([]);
  });

  test('a cache entry is found only when it is whole', async () => {
    const entry = join(folder, 'entry');
    await mkdir(entry);
    await writeFile(join(entry, 'vmlinuz'), 'image');
    const record = { configuration: 'lean', vmlinuzBytes: 5, vmlinuxBytes: 3, ...FACTS };
    await writeFile(join(entry, 'record.json'), JSON.stringify(record));
    expect(await findKernel(entry)).toEqual(record);
    await truncate(join(entry, 'vmlinuz'), 2);
    expect(await findKernel(entry)).toBeUndefined();
    await writeFile(join(entry, 'record.json'), '{');
    expect(await findKernel(entry)).toBeUndefined();
  });

  test('is installed under the names of its configuration, without left-overs', async () => {
    const entry = join(folder, 'entry');
    await mkdir(entry);
    for (const name of ['vmlinuz', 'vmlinux', 'config']) await writeFile(join(entry, name), name);
    const output = join(folder, 'build', 'x86_64');
    const files = await installKernel(entry, output, LEAN.outputs);
    expect(files).toEqual(['vmlinuz', 'vmlinux', 'kernel.config'].map((name) => join(output, name)));
    expect((await readdir(output)).sort()).toEqual(['kernel.config', 'vmlinux', 'vmlinuz']);
    expect(await readFile(join(output, 'kernel.config'), 'utf8')).toBe('config');
  });
});
