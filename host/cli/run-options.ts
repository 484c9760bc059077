import { Option, type Command } from 'commander';
import type { SandboxOptions } from '../sdk/sandbox-options.ts';
import { MACHINES, type Machine } from '../vm/machine.ts';
import { collect, parseCount, parseMemory, parseSeconds } from './option-parsers.ts';

/** Options of `run`, as commander gives them. */
export interface RunFlags {
  readonly detach?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly name?: string;
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly volume?: readonly string[];
  readonly readOnly?: boolean;
  readonly memory?: number;
  readonly cpus?: number;
  readonly timeout?: number;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly image?: string;
  readonly nvdimm?: boolean;
  readonly verity?: string;
  readonly machine?: Machine;
  readonly console?: 'hvc0' | 'ttyS0';
  readonly append?: readonly string[];
  readonly qemuArg?: readonly string[];
  readonly bootTimeout?: number;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Adds what describes the VM; `run` and `demo` share it. */
export function addVmOptions(command: Command): Command {
  return command
    .option('--memory <size>', 'memory of the VM in MiB, or with M or G (default 256)', parseMemory)
    .option('--cpus <n>', 'virtual CPUs (default 1)', parseCount)
    .option('--kernel <file>', 'guest kernel: vmlinux or bzImage')
    .option('--initrd <file>', 'initrd with the agent')
    .option('--image <file>', 'disk image with the agent, instead of an initrd; stays unchanged')
    .option('--nvdimm', 'with --image: attach it as memory that guests share (q35)')
    .option(
      '--verity <file>',
      'with --image: its root hash (default root_hash_*.txt beside it), or "none" to check nothing',
    )
    .addOption(new Option('--machine <type>', 'QEMU machine').choices(MACHINES))
    .addOption(
      new Option('--console <device>', "guest console; ttyS0 shows the kernel's first words").choices([
        'hvc0',
        'ttyS0',
      ]),
    )
    .option('--append <parameter>', 'one more kernel parameter (repeatable)', collect)
    .option('--qemu-arg <argument>', 'one more QEMU argument (repeatable)', collect)
    .option('--boot-timeout <seconds>', 'give up on a guest that is not ready by then (default 60)', parseSeconds)
    .option('--verbose', 'print the phases, and let kernel and agent log to the console');
}

/** What the flags ask for. */
export function sandboxOptions(rootfs: string, args: readonly string[], flags: RunFlags): SandboxOptions {
  return {
    rootfs,
    args,
    name: flags.name,
    env: flags.env,
    cwd: flags.workdir,
    user: flags.user,
    volumes: flags.volume,
    isReadOnly: flags.readOnly,
    memoryMib: flags.memory,
    cpus: flags.cpus,
    kernel: flags.kernel,
    initrd: flags.initrd,
    image: flags.image,
    isNvdimm: flags.nvdimm,
    verity: flags.verity,
    machine: flags.machine,
    console: flags.console,
    kernelParameters: flags.append,
    qemuArguments: flags.qemuArg,
    bootTimeoutMs: flags.bootTimeout,
    isVerbose: flags.verbose,
    isDetached: flags.detach,
    hasTerminal: flags.tty,
  };
}
