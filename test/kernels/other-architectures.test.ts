import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../support/repository.ts';

/** A machine that QEMU has for an architecture. */
interface Machine {
  readonly architecture: string;
  readonly qemu: string;
  readonly debianPackage: string;
  readonly args: readonly string[];
  readonly console: string;
  /** Which file QEMU 7.2 loads: it does not unpack riscv64's `Image.gz`. */
  readonly file: 'vmlinuz' | 'vmlinux';
}

const MACHINES: readonly Machine[] = [
  {
    ...{ architecture: 'riscv64', qemu: 'qemu-system-riscv64', debianPackage: 'qemu-system-misc' },
    ...{ args: ['-machine', 'virt'], console: 'ttyS0', file: 'vmlinux' },
  },
  {
    ...{ architecture: 's390x', qemu: 'qemu-system-s390x', debianPackage: 'qemu-system-misc' },
    ...{ args: ['-machine', 's390-ccw-virtio'], console: 'ttysclp0', file: 'vmlinuz' },
  },
  {
    ...{ architecture: 'ppc64le', qemu: 'qemu-system-ppc64', debianPackage: 'qemu-system-ppc' },
    ...{ args: ['-machine', 'pseries,x-vof=on', '-cpu', 'power9'], console: 'hvc0', file: 'vmlinux' },
  },
];

/** Without a root the kernel comes as far as it can without us: to the panic after its last initcall. */
const END = /Kernel panic - not syncing: VFS: Unable to mount root fs/;

describe('the lean kernel', () => {
  for (const machine of MACHINES) {
    const { architecture, qemu, debianPackage, file } = machine;
    const kernel = join(repository, 'build', architecture, file);
    if (!existsSync(kernel)) it.skip(`of ${architecture}: make kernel ARCH=${architecture}`, () => undefined);
    else if (spawnSync(qemu, ['--version']).error !== undefined)
      it.skip(`of ${architecture} needs ${qemu} (${debianPackage})`, () => undefined);
    else
      it(`of ${architecture} starts and looks for its root`, async () => {
        const said = await boot(machine, kernel);
        expect(said).toMatch(/Linux version \S+-kihon/);
        expect(said).toContain('NET: Registered PF_VSOCK protocol family');
        expect(said).toMatch(END);
      });
  }
});

/** What a machine says on its console until it has no root, or until it ends. */
function boot({ qemu, args, console }: Machine, kernel: string): Promise<string> {
  const child = spawn(
    qemu,
    [
      ...[...args, '-m', '512', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
      ...['-kernel', kernel, '-append', `console=${console} panic=-1`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: 240_000 },
  );
  return new Promise((done, fail) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        said += String(bytes);
        if (END.test(said)) child.kill('SIGKILL');
      });
    child.on('error', fail);
    child.on('close', () => done(said));
  });
}
