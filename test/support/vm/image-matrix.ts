import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { architectureName } from '../../../host/vm/architecture.ts';
import { rootParameters, type GuestRoot } from '../../../host/vm/guest-root.ts';
import { imageRoot } from '../../../host/vm/inspect-image.ts';
import { architectureOfMachine, type Machine } from '../../../host/vm/machine.ts';
import { buildGuest } from '../../../rootfs-builder/src/build/build-guest.ts';
import { parseRecipe } from '../../../rootfs-builder/src/recipe/parse-recipe.ts';
import { TestContainer } from '../container/test-container.ts';
import { foreignBusybox, matrixBase, type MatrixBase } from './image-matrix-bases.ts';
import { agentOf } from './guest-assets.ts';
import { TestVm } from './test-vm.ts';
import { SANDBOX_STORAGES } from './vm-fixture.ts';

/** One guest: what it is made of, how it is written, and how a machine gets it. */
export interface MatrixRow {
  readonly base: MatrixBase;
  /** The agent is a service of systemd, which is PID 1. */
  readonly hasSystemd?: boolean;
  readonly format: 'initrd' | 'disk' | 'ext4' | 'erofs' | 'xfs';
  /** File system of a disk. */
  readonly filesystem?: 'ext4' | 'erofs' | 'xfs';
  readonly compression?: 'none' | 'gzip' | 'zstd' | 'lz4';
  readonly isMeasured?: boolean;
  readonly machine: Machine;
  readonly attachment?: 'virtio-blk' | 'nvdimm';
  /** Form of the kernel: an ELF file, entered by PVH, or a bzImage. The lean kernel has neither XFS nor compressed EROFS. */
  readonly kernel?: 'vmlinux' | 'vmlinuz' | 'vmlinux-kata' | 'vmlinuz-kata';
}

/** A row in words, for the name of its test. */
export function describeRow(row: MatrixRow): string {
  const { base, hasSystemd, format, filesystem, compression, isMeasured, machine, attachment, kernel } = row;
  const form = [format, filesystem, compression, isMeasured === true ? 'measured' : undefined, attachment];
  return [
    hasSystemd === true ? `${base} with systemd` : base,
    form.filter((part) => part !== undefined).join(' '),
    machine,
    ...(kernel === undefined ? [] : [kernel]),
  ].join(', ');
}

const MARKER = 'etc/kihon-matrix';

function recipeText(row: MatrixRow, base: string, mark: string): string {
  const { hasSystemd, format, filesystem, compression, isMeasured } = row;
  const lines = [`base = ${base}`];
  if (hasSystemd === true) lines.push('[agent]', 'init = "systemd"');
  lines.push('[[file]]', `target = "/${MARKER}"`, `content = "${mark}"`, '[output]', `format = "${format}"`);
  if (filesystem !== undefined) lines.push(`filesystem = "${filesystem}"`);
  if (compression !== undefined) lines.push(`compression = "${compression}"`);
  if (isMeasured === true) lines.push('verity = "matrix"');
  return `${lines.join('\n')}\n`;
}

async function buildRow(row: MatrixRow, folder: string, mark: string): Promise<GuestRoot> {
  const architecture = architectureOfMachine(row.machine) ?? architectureName();
  const text = recipeText(row, await matrixBase(row.base, folder), mark);
  const recipe = parseRecipe(text, join(folder, 'matrix.toml'), architecture);
  const file = join(folder, 'guest');
  const kind = row.format === 'initrd' ? 'initrd' : 'image';
  const built = await buildGuest({
    recipe,
    kind,
    file,
    cacheFolder: join(folder, 'cache'),
    defaultAgent: agentOf(architecture),
  });
  if (row.format === 'initrd') return { kind: 'initrd', path: file };
  // The host side finds out by itself what the builder printed, the root hash of a measured image too.
  const root = imageRoot(file);
  expect(rootParameters(root)).toEqual(built.kernelParameters);
  return imageRoot(file, row.attachment === undefined ? {} : { attachment: row.attachment });
}

/** What the kernel calls the device of the root. */
function expectedDevice({ format, isMeasured, attachment }: MatrixRow): RegExp {
  if (format === 'initrd') return /^(rootfs|none|tmpfs) /;
  if (isMeasured === true) return /^\/dev\/(root|dm-0) /;
  return attachment === 'nvdimm' ? /^\/dev\/(root|pmem0p?1?) / : /^\/dev\/(root|vda1?) /;
}

/**
 * Builds the guest of a row, boots it, and runs a container in it that sees the guest's own root: the file that the recipe put there, and
 * that it cannot be written to. Leaves nothing.
 */
export async function proveRow(row: MatrixRow, kernelPath?: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-matrix-'));
  try {
    const mark = `guest ${describeRow(row)}`;
    mkdirSync(join(folder, 'cache'));
    const root = await buildRow(row, folder, mark);
    const before = root.kind === 'disk' ? statSync(root.path).mtimeMs : 0;
    const kernel = kernelPath === undefined ? {} : { kernel: kernelPath };
    const busybox = row.machine === 'virt' ? foreignBusybox('aarch64') : undefined;
    await using vm = await TestVm.boot({
      machine: row.machine,
      config: { root, ...kernel },
      ...(busybox === undefined
        ? {}
        : { prepareRoot: (folder: string) => copyFileSync(busybox, join(folder, 'bin/busybox')) }),
    });
    const client = await vm.connect();
    await client.call('CreateSandbox', { sandbox_id: 'matrix', storages: SANDBOX_STORAGES });
    const script =
      'cat /guest/etc/kihon-matrix; echo; grep " / " /guest/proc/1/mounts; echo changed 2>/dev/null >/guest/etc/kihon-matrix && echo written';
    if (row.hasSystemd === true) expect(vm.console).toContain('systemd[1]');
    const { stdout, status } = await TestContainer.run(client, {
      root: vm.root,
      run: `${script}; exit 7`,
      mounts: [{ destination: '/guest', source: '/', type: 'bind', options: ['rbind', 'ro'] }],
    });
    const [shown, mounted = '', ...rest] = stdout.trimEnd().split('\n');
    expect(shown).toBe(mark);
    expect(mounted).toMatch(expectedDevice(row));
    expect(rest).toEqual([]);
    expect(status).toBe(7);
    // systemd ends the VM, not the agent, so there the host does.
    if (row.hasSystemd === true) await vm.vm.powerOff();
    else await vm.powerOff();
    if (root.kind === 'disk') expect(statSync(root.path).mtimeMs).toBe(before);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the root file system of a disk with DAX header begins; its first bytes are a boot block that no Linux reads. */
const ROOT_OFFSET = 3 << 20;

/** A measured disk with one changed byte, which nobody needs, does not boot; it does when it is told not to check. Leaves nothing. */
export async function proveMeasured(kernel: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-matrix-'));
  try {
    mkdirSync(join(folder, 'cache'));
    const row = { base: 'none', format: 'disk', filesystem: 'ext4', isMeasured: true, machine: 'q35' } as const;
    const { path } = await buildRow(row, folder, 'measured');
    const fd = openSync(path, 'r+');
    writeSync(fd, Uint8Array.of(1), 0, 1, ROOT_OFFSET + 8);
    closeSync(fd);
    const config = { root: imageRoot(path), kernel, bootTimeoutMs: 30_000 };
    await expect(TestVm.boot({ machine: row.machine, config })).rejects.toThrow(/VFS: Unable to mount root|panic/);
    await using vm = await TestVm.boot({
      machine: row.machine,
      config: { root: imageRoot(path, { verity: 'none' }), kernel },
    });
    await vm.powerOff();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
