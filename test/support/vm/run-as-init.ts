import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Qmp } from '../../../host/vm/qmp.ts';
import { buildEngineProgram, runProgram } from '../engine/run-in-engine.ts';
import { nodeArguments } from '../repository.ts';

const root = resolve(import.meta.dirname, '../../..');
const cache = process.env['KIHON_CACHE'] ?? join(root, '.cache');

export interface InitOptions {
  /** Leaves the VM without any console; what it prints cannot be seen then. */
  readonly hasNoConsole?: boolean;
  /** The packaged kernel even where one was built: the lean one has no hotplug. */
  readonly isKernelPackaged?: boolean;
  /** More arguments for QEMU; `DIRECTORY` in them stands for a folder that is removed in the end. */
  readonly devices?: readonly string[];
  /** Called before the VM starts, with that folder. */
  readonly prepare?: (directory: string) => void;
  /** Called with each line of the console and a way to talk to QEMU. */
  readonly onLine?: (line: string, qmp: Qmp) => Promise<void> | void;
  readonly timeoutMs?: number;
}

/** How it ended (null: it did not, and was killed), and the lines of its console. */
export interface InitRun {
  readonly status: number | null;
  readonly console: readonly string[];
}

/** The kernel that was built here, else the packaged one, whose drivers are modules. */
function findKernel(isPackaged: boolean): { readonly kernel: string; readonly modules: string | undefined } {
  const built = join(root, 'build/x86_64/vmlinuz');
  if (existsSync(built) && !isPackaged) return { kernel: built, modules: undefined };
  const packaged = join(cache, 'debs/linux-image-cloud/current');
  const name = readdirSync(join(packaged, 'boot')).find((file) => file.startsWith('vmlinuz'));
  if (name === undefined) throw new Error('no guest kernel: run `make setup` or `make kernel`');
  return { kernel: join(packaged, 'boot', name), modules: join(packaged, 'lib/modules') };
}

/**
 * Boots a VM whose PID 1 is an engine program, waits until it powers itself off, and returns what its console showed. Needs
 * nothing of our own host side: it tests boot alone.
 */
export async function runAsInit(script: string, options: InitOptions = {}): Promise<InitRun> {
  const program = await buildEngineProgram(script);
  const { kernel, modules } = findKernel(options.isKernelPackaged === true);
  const directory = mkdtempSync(join(tmpdir(), 'kihon-init-'));
  try {
    const initrd = join(directory, 'initrd.img');
    const builder = nodeArguments('rootfs-builder/src/main.ts', 'initrd', '--agent', program, '--output', initrd);
    const withModules = modules === undefined ? [] : ['--modules', modules];
    const built = await runProgram(process.execPath, [...builder, ...withModules]);
    if (built.status !== 0) throw new Error(`initrd: ${built.stderr}`);
    options.prepare?.(directory);
    const console = options.hasNoConsole === true ? 'console=' : 'console=ttyS0';
    const args = [
      ...['-machine', 'q35,accel=tcg', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config', '-no-reboot'],
      ...['-kernel', kernel, '-initrd', initrd, '-append', `${console} quiet no_timer_check panic=1 reboot=k`],
      ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
      ...['-qmp', `unix:${directory}/qmp,server=on,wait=off`],
      ...(options.devices ?? []).map((word) => word.replaceAll('DIRECTORY', directory)),
    ];
    return await boot(args, join(directory, 'qmp'), options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function boot(args: readonly string[], qmpPath: string, options: InitOptions): Promise<InitRun> {
  return new Promise((done, fail) => {
    const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    let qmp: Promise<Qmp> | undefined;
    const onLine = async (line: string): Promise<void> => {
      if (options.onLine === undefined) return;
      qmp ??= Qmp.open(connect(qmpPath));
      await options.onLine(line, await qmp);
    };
    let rest = '';
    qemu.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split(/\r?\n/);
      rest = parts.pop() ?? '';
      for (const line of parts.filter((part) => part !== '')) {
        lines.push(line);
        onLine(line).catch(fail);
      }
    });
    qemu.stderr.setEncoding('utf8').on('data', (chunk: string) => lines.push(`qemu: ${chunk}`));
    // SIGTERM would let QEMU end with status 0, as if the guest had switched itself off.
    const timer = setTimeout(() => qemu.kill('SIGKILL'), options.timeoutMs ?? 120_000);
    qemu.on('error', fail).on('close', (status) => {
      clearTimeout(timer);
      done({ status, console: lines });
    });
  });
}
