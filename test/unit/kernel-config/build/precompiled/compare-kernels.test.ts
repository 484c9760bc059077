import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareFolders } from '../../../../../kernel-config/src/build/precompiled/compare-kernels.ts';

/** The beginning of an object of 32 bits (elf(5)), with a byte of its own. */
const object32 = (byte: number): Buffer => Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, byte]);

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-test-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** An object with its compiler's command. */
function build(side: 'without' | 'with', path: string, content: Buffer, command = 'gcc -c'): void {
  const file = join(folder, side, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  writeFileSync(
    join(dirname(file), `.${path.slice(path.lastIndexOf('/') + 1)}.cmd`),
    `savedcmd_${path} := ${command}\n`,
  );
}

async function compare(): ReturnType<typeof compareFolders> {
  return await compareFolders(join(folder, 'without'), join(folder, 'with'));
}

test('objects of the same bytes are the same, and those with precompiled headers are counted', async () => {
  for (const side of ['without', 'with'] as const) build(side, 'mm/slub.o', object32(1));
  build('without', 'fs/namei.o', object32(2));
  build('with', 'fs/namei.o', object32(2), 'gcc -include kihon-pch/0/speed.h -c');
  expect(await compare()).toEqual({ objects: 2, precompiled: 1, differences: [] });
});

test('an object of 32 bits with another byte differs', async () => {
  build('without', 'lib/a.o', object32(1));
  build('with', 'lib/a.o', object32(2));
  expect((await compare()).differences).toEqual([
    { object: 'lib/a.o', difference: 'an object of 32 bits has other bytes' },
  ]);
});

test('an object that one build does not have differs', async () => {
  mkdirSync(join(folder, 'with'));
  build('without', 'lib/a.o', object32(1));
  expect((await compare()).differences).toEqual([
    { object: 'lib/a.o', difference: 'it is only there without precompiled headers' },
  ]);
});

test('programs of the build are not compared, and what another object has as an image only there', async () => {
  for (const path of ['scripts/mod/modpost.o', 'arch/x86/boot/cpu.o', 'arch/x86/realmode/rm/reboot.o']) {
    build('without', path, object32(1));
    build('with', path, object32(2));
  }
  expect(await compare()).toEqual({ objects: 0, precompiled: 0, differences: [] });
});
