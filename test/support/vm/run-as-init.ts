import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildEngineProgram, runProgram } from '../engine/run-in-engine.ts';

const root = resolve(import.meta.dirname, '../../..');
const cache = process.env['KIHON_CACHE'] ?? join(root, '.cache');

export interface InitOptions {
  /** Leaves the VM without any console; what it prints cannot be seen then. */
  readonly hasNoConsole?: boolean;
  readonly timeoutMs?: number;
}

/** The kernel that was built here, else the packaged one, whose drivers are modules. */
function findKernel(): { readonly kernel: string; readonly modules: string | undefined } {
  const built = join(root, 'build/x86_64/vmlinuz');
  if (existsSync(built)) return { kernel: built, modules: undefined };
  const packaged = join(cache, 'debs/linux-image-cloud/current');
  const name = readdirSync(join(packaged, 'boot')).find((file) => file.startsWith('vmlinuz'));
  if (name === undefined) throw new Error('no guest kernel: run `make setup` or `make kernel`');
  return { kernel: join(packaged, 'boot', name), modules: join(packaged, 'lib/modules') };
}

/**
 * Boots a VM whose PID 1 is an engine program, waits until it powers itself off, and returns what its console showed. Needs
 * nothing of our own host side: it tests boot alone.
 */
export async function runAsInit(
  script: string,
  options: InitOptions = {},
): Promise<{ status: number | null; console: string[] }> {
  const program = await buildEngineProgram(script);
  const { kernel, modules } = findKernel();
  const directory = mkdtempSync(join(tmpdir(), 'kihon-init-'));
  try {
    const initrd = join(directory, 'initrd.img');
    const builder = [join(root, 'rootfs-builder/src/main.ts'), 'initrd', '--agent', program, '--output', initrd];
    const withModules = modules === undefined ? [] : ['--modules', modules];
    const built = await runProgram(join(root, 'node_modules/.bin/tsx'), [...builder, ...withModules]);
    if (built.status !== 0) throw new Error(`initrd: ${built.stderr}`);
    const console = options.hasNoConsole === true ? 'console=' : 'console=ttyS0';
    const cmdline = `${console} quiet panic=1 reboot=k`;
    const machine = [
      '-machine',
      'q35,accel=tcg',
      '-cpu',
      'max',
      '-m',
      '256',
      '-nodefaults',
      '-no-user-config',
      '-no-reboot',
    ];
    const boot = ['-kernel', kernel, '-initrd', initrd, '-append', cmdline];
    const consoles = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
    const args = [...machine, ...boot, ...consoles];
    const run = await runProgram('qemu-system-x86_64', args, options.timeoutMs ?? 120_000);
    const lines = run.stdout.split(/\r?\n/).filter((line) => line !== '');
    return { status: run.status, console: run.stderr === '' ? lines : [...lines, `qemu: ${run.stderr}`] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
