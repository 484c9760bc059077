import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { busyboxBase } from '../../../../rootfs-builder/src/bases/simple-bases.ts';
import { busyboxApplets } from '../../../../rootfs-builder/src/busybox/applets.ts';
import { findBusybox } from '../../../../rootfs-builder/src/busybox/find-busybox.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-applets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An ELF file of a machine with a table in it; nothing of it could be run. */
function program(name: string, machine: number, table: string): string {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeUInt16LE(machine, 18);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([head, Buffer.from(table, 'latin1'), Buffer.from('\0\0rest')]), { mode: 0o755 });
  return path;
}

describe('the applets of a busybox', () => {
  it('of another architecture are read, not asked for', async () => {
    const path = program('riscv', 243, 'x\0[\0[[\0busybox\0modprobe\0sh\0zcat');
    expect(await busyboxApplets(path)).toEqual(['bin/[', 'bin/[[', 'sbin/modprobe', 'bin/sh', 'bin/zcat']);
  });

  it.each([
    ['no table', 'x\0sh', /no table of applets/],
    ['a name that leads elsewhere', '\0[\0[[\0../sh\0sh', /is no name of an applet/],
    ['no shell', '\0[\0[[\0cat', /no bin\/sh/],
  ])('with %s are refused', async (what, table, message) => {
    await expect(busyboxApplets(program(what.replaceAll(' ', '-'), 243, table))).rejects.toThrow(message);
  });

  it('of this host are the same, read or asked for', async () => {
    const own = await findBusybox();
    const names = (paths: readonly string[]): string[] => paths.map((path) => path.replace(/.*\//, '')).sort();
    const { readFile } = await import('node:fs/promises');
    const copy = await readFile(own);
    copy.writeUInt16LE(243, 18);
    const path = join(folder, 'copy');
    writeFileSync(path, copy);
    expect(names(await busyboxApplets(path))).toEqual(names(await busyboxApplets(own)));
  });

  it('never come into a guest of another architecture', async () => {
    const spec = { kind: 'busybox', busybox: program('other', 243, '\0[\0[[\0sh') } as const;
    await expect(busyboxBase(spec, { architecture: 'x86_64' })).rejects.toThrow(
      /is for riscv64, and the guest for x86_64/,
    );
  });
});
