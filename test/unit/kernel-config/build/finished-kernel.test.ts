import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findKernel, installKernel, storeKernel } from '../../../../kernel-config/src/build/finished-kernel.ts';
import { type Architecture, findArchitecture } from '../../../../kernel-config/src/architecture.ts';
import { DEBUG, LEAN } from '../../../../kernel-config/src/configurations.ts';

const FACTS = { kernelVersion: '6.12.1', buildMs: 1 };
const TOOLCHAIN = { variables: [], prefix: '', canBuild: true };

describe('finished kernels', () => {
  let folder: string;
  let objects: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-kernel-'));
    objects = join(folder, 'obj');
    await mkdir(join(objects, 'arch/x86/boot'), { recursive: true });
    await writeFile(join(objects, '.config'), 'CONFIG_NET=y\n');
    await writeFile(join(objects, 'System.map'), 'ffffffff81000000 T _text\n');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const architectureNamed = (name: string): Architecture => {
    const architecture = findArchitecture(name);
    if (!architecture) throw new Error(name);
    return architecture;
  };
  const store = (architecture = 'x86_64', maxImageBytes = LEAN.maxImageBytes) =>
    storeKernel({
      objectFolder: objects,
      entryFolder: join(folder, 'built', 'key'),
      configuration: LEAN,
      architecture: architectureNamed(architecture),
      toolchain: TOOLCHAIN,
      maxImageBytes,
      facts: FACTS,
    });

  test('one that is too large is refused with both sizes and not stored', async () => {
    await writeFile(join(objects, 'arch/x86/boot/bzImage'), '');
    await truncate(join(objects, 'arch/x86/boot/bzImage'), LEAN.maxImageBytes + 1);
    await expect(store()).rejects.toThrow(/bzImage of lean is 4194305 bytes, the limit is 4194304/);
    expect(await findKernel(join(folder, 'built', 'key'), LEAN.outputs)).toBeUndefined();
  });

  test('one that QEMU cannot start directly is refused, and nothing half-made stays', async () => {
    await writeFile(join(objects, 'arch/x86/boot/bzImage'), 'image');
    // Any ELF without a PVH note: the program that runs this test.
    await writeFile(join(objects, 'vmlinux'), await readFile('/bin/true'));
    await expect(store()).rejects.toThrow('no PVH entry');
    expect(await readdir(join(folder, 'built'))).toEqual([]);
  });

  test('one with more than its configuration may weigh more, and other architectures need no PVH entry', async () => {
    await mkdir(join(objects, 'arch/riscv/boot'), { recursive: true });
    await writeFile(join(objects, 'arch/riscv/boot/Image'), 'image');
    await writeFile(join(objects, 'arch/riscv/boot/Image.gz'), '');
    await truncate(join(objects, 'arch/riscv/boot/Image.gz'), LEAN.maxImageBytes + 1);
    const record = await store('riscv64');
    expect(record).toMatchObject({ arch: 'riscv64', vmlinuxBytes: 5, vmlinuzBytes: LEAN.maxImageBytes + 1 });
    expect(await findKernel(join(folder, 'built', 'key'), LEAN.outputs)).toEqual(record);
    await writeFile(join(objects, 'vmlinux'), await readFile('/bin/true'));
    await writeFile(join(objects, 'arch/x86/boot/bzImage'), '');
    await truncate(join(objects, 'arch/x86/boot/bzImage'), LEAN.maxImageBytes + 1);
    await expect(store('x86_64', Infinity)).rejects.toThrow('no PVH entry');
  });

  test('a cache entry is found only when it is whole', async () => {
    const entry = join(folder, 'entry');
    await mkdir(entry);
    for (const name of ['vmlinuz', 'vmlinux', 'config', 'System.map', 'sizes.json']) {
      await writeFile(join(entry, name), 'image');
    }
    const record = { configuration: 'lean', arch: 'x86_64', vmlinuzBytes: 5, vmlinuxBytes: 3, ...FACTS };
    await writeFile(join(entry, 'record.json'), JSON.stringify(record));
    expect(await findKernel(entry, LEAN.outputs)).toEqual(record);
    expect(await findKernel(entry, DEBUG.outputs)).toBeUndefined();
    await writeFile(join(entry, 'vmlinux.debug'), 'lines');
    expect(await findKernel(entry, DEBUG.outputs)).toEqual(record);
    await rm(join(entry, 'sizes.json'));
    expect(await findKernel(entry, LEAN.outputs)).toBeUndefined();
    await writeFile(join(entry, 'sizes.json'), '{}');
    await truncate(join(entry, 'vmlinuz'), 2);
    expect(await findKernel(entry, LEAN.outputs)).toBeUndefined();
    await writeFile(join(entry, 'record.json'), '{');
    expect(await findKernel(entry, LEAN.outputs)).toBeUndefined();
  });

  test('is installed under the names of its configuration, without left-overs', async () => {
    const entry = join(folder, 'entry');
    await mkdir(entry);
    const inside = ['vmlinuz', 'vmlinux', 'config', 'System.map', 'sizes.json'];
    for (const name of inside) await writeFile(join(entry, name), name);
    const output = join(folder, 'build', 'x86_64');
    const files = await installKernel(entry, output, LEAN.outputs);
    const names = ['vmlinuz', 'vmlinux', 'kernel.config', 'System.map', 'kernel-sizes.json'];
    expect(files).toEqual(names.map((name) => join(output, name)));
    expect((await readdir(output)).sort()).toEqual([...names].sort());
    expect(await readFile(join(output, 'kernel.config'), 'utf8')).toBe('config');
    await writeFile(join(entry, 'vmlinux.debug'), 'lines');
    expect(await installKernel(entry, output, DEBUG.outputs)).toContain(join(output, 'vmlinux-debug.debug'));
  });
});
