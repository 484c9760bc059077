import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildKernel, type BuildOptions } from '../../../../kernel-config/src/build/build-kernel.ts';
import { checkConfiguration } from '../../../../kernel-config/src/build/check-configuration.ts';
import { BuildInterrupted } from '../../../../kernel-config/src/build/failure.ts';
import type { KernelEvent } from '../../../../kernel-config/src/build/kernel-event.ts';
import * as requirements from '../../../../kernel-config/src/build/requirements.ts';

/** Does what a kernel's make does, as far as the builder looks: it configures, counts steps, and leaves an image. */
const MAKEFILE = `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 9
EXTRAVERSION =
NAME = first
allnoconfig:
	@grep -v LOST $(KCONFIG_ALLCONFIG) >$(O)/.config; echo CONFIG_FOLLOWS=y >>$(O)/.config
Image Image.gz:
	@mkdir -p $(O)/arch/riscv/boot; echo '  CC      a.o'; echo '  LD      vmlinux'
	@if [ -e $(O)/../slow ]; then echo waiting; sleep 30; fi
	@if [ -e $(O)/../broken ]; then echo 'a.c:1: error: no'; exit 1; fi
	@echo $(NAME) $(ARCH) $(CROSS_COMPILE) >$(O)/arch/riscv/boot/$@; echo 0 T _text >$(O)/System.map
`;

describe('buildKernel()', () => {
  let folder: string;
  let tarball: string;
  let path: string | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-kernel-build-'));
    vi.stubEnv('KIHON_CACHE', join(folder, 'cache'));
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await mkdir(join(folder, 'linux'));
    await writeFile(join(folder, 'linux', 'Makefile'), MAKEFILE);
    await writeFile(
      join(folder, 'linux', 'Kconfig'),
      'config NET\n\tbool "Net"\n\tselect FOLLOWS\nconfig FOLLOWS\n\tbool\n',
    );
    tarball = join(folder, 'linux-source-6.12.tar.xz');
    execFileSync('tar', ['-cJf', tarball, '-C', folder, 'linux']);
    await writeFile(join(bin, 'riscv64-linux-gnu-gcc'), '#!/bin/sh\n');
    await chmod(join(bin, 'riscv64-linux-gnu-gcc'), 0o755);
    path = process.env['PATH'];
    vi.stubEnv('PATH', `${bin}:${path ?? ''}`);
    // What a real kernel needs besides is the business of the tests of checkRequirements().
    vi.spyOn(requirements, 'checkRequirements').mockResolvedValue();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });
  const options = (more: Partial<BuildOptions> = {}): BuildOptions => ({
    config: 'lean',
    architecture: 'riscv64',
    tarball,
    output: join(folder, 'out'),
    jobs: 1,
    ...more,
  });

  test('builds, tells what it does, and takes the same kernel from the cache the next time', async () => {
    const events: KernelEvent[] = [];
    const built = await buildKernel(options({ report: (event) => events.push(event) }));
    expect(built).toMatchObject({ isFromCache: false, record: { kernelVersion: '6.12.9', arch: 'riscv64' } });
    expect(await readFile(join(folder, 'out', 'vmlinux'), 'utf8')).toBe('first riscv riscv64-linux-gnu-\n');
    const kinds = [...new Set(events.map(({ event }) => event))];
    expect(kinds).toEqual(['unpacking', 'configured', 'building', 'progress', 'finished']);
    expect(JSON.parse(JSON.stringify(events.at(-1)))).toMatchObject({ isFromCache: false, files: built.files });
    const again = await buildKernel(options({ output: join(folder, 'other') }));
    expect(again).toMatchObject({ isFromCache: true, record: built.record });
    expect((await readdir(join(folder, 'other'))).sort()).toEqual((await readdir(join(folder, 'out'))).sort());
  });

  test('a fragment or a patch makes another kernel', async () => {
    await buildKernel(options());
    const fragment = join(folder, 'own.config');
    await writeFile(fragment, 'CONFIG_OWN=y\n');
    expect((await buildKernel(options({ extraFragments: [fragment] }))).isFromCache).toBe(false);
    expect(await readFile(join(folder, 'out', 'kernel.config'), 'utf8')).toContain('CONFIG_OWN=y');
    const patch = join(folder, 'name.patch');
    await writeFile(patch, '--- a/Makefile\n+++ b/Makefile\n@@ -5 +5 @@\n-NAME = first\n+NAME = second\n');
    await buildKernel(options({ patches: [patch] }));
    expect(await readFile(join(folder, 'out', 'vmlinux'), 'utf8')).toMatch(/^second /);
    expect((await buildKernel(options())).isFromCache).toBe(true);
    expect(await readFile(join(folder, 'out', 'vmlinux'), 'utf8')).toMatch(/^first /);
  });

  test('a request that does not survive is an error before anything is compiled', async () => {
    const fragment = join(folder, 'own.config');
    await writeFile(fragment, 'CONFIG_LOST=y\n');
    await expect(buildKernel(options({ extraFragments: [fragment] }))).rejects.toThrow(
      /1 requested symbol did not survive \(6\.12\.9, riscv64\):\n {2}CONFIG_LOST: own\.config:1 asks for y, got n \(this kernel has no such symbol\)/,
    );
    await expect(readdir(join(folder, 'out'))).rejects.toThrow('ENOENT');
  });

  test('a failed build shows the last lines, and an older output stays', async () => {
    await buildKernel(options());
    const objects = join(folder, 'cache', 'kernel', 'obj');
    await writeFile(join(objects, 'broken'), '');
    await expect(buildKernel(options({ isFresh: true }))).rejects.toThrow('a.c:1: error: no');
    expect(await readFile(join(folder, 'out', 'vmlinux'), 'utf8')).toMatch(/^first /);
    await rm(join(objects, 'broken'));
    expect((await buildKernel(options({ isFresh: true }))).isFromCache).toBe(false);
  });

  test('an interrupted build leaves no output, and the next one goes on', async () => {
    const objects = join(folder, 'cache', 'kernel', 'obj');
    await mkdir(objects, { recursive: true });
    await writeFile(join(objects, 'slow'), '');
    const abort = new AbortController();
    const report = (event: KernelEvent): void => {
      if (event.event === 'progress') abort.abort(new BuildInterrupted('SIGINT'));
    };
    await expect(buildKernel(options({ signal: abort.signal, report }))).rejects.toThrow(BuildInterrupted);
    await expect(readdir(join(folder, 'out'))).rejects.toThrow('ENOENT');
    expect(await readdir(join(folder, 'cache', 'kernel', 'built')).catch(() => [])).toEqual([]);
    await rm(join(objects, 'slow'));
    expect((await buildKernel(options())).isFromCache).toBe(false);
    expect((await readdir(objects)).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  test('unknown names are refused with those that are', async () => {
    await expect(buildKernel(options({ config: 'fat' }))).rejects.toThrow('there are: lean, kata, debug, confidential');
    await expect(buildKernel(options({ architecture: 'vax' }))).rejects.toThrow('no kernel for "vax"');
    await expect(buildKernel(options({ extraFragments: ['nett'] }))).rejects.toThrow('no fragment "nett"');
  });

  test('a check tells what came by itself, and compiles nothing', async () => {
    const fragment = join(folder, 'own.config');
    await writeFile(fragment, 'CONFIG_OWN=y\n');
    const checked = await checkConfiguration(options({ extraFragments: [fragment] }));
    // This make has no idea of what it always has: an empty request gives what it adds by itself.
    expect(checked).toMatchObject({ kernelVersion: '6.12.9', isOwnCompiler: true, extras: [], architectureOn: 1 });
    expect(checked.result.get('OWN')).toBe('y');
  });
});
