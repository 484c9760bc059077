import type { Machine } from './machine.ts';

/**
 * What every Kata host passes (contract of the host runtime): no probing of hardware that is not there, reboot by the
 * keyboard controller (QEMU's -no-reboot turns that into an exit), a panic reboots at once.
 */
const COMMON = [
  'rcupdate.rcu_expedited=1',
  'cryptomgr.notests',
  'net.ifnames=0',
  'panic=1',
  'selinux=0',
  'random.trust_cpu=on',
];

/** The kernel hands words that it does not know to init, so a machine gets only those that mean something to it. */
const PC = [
  'tsc=reliable',
  'no_timer_check',
  'i8042.direct=1',
  'i8042.dumbkbd=1',
  'i8042.nopnp=1',
  'i8042.noaux=1',
  'noreplace-smp',
];

const PER_MACHINE: Readonly<Record<Machine, readonly string[]>> = {
  q35: [...PC, 'reboot=k', 'pci=lastbus=0', 'scsi_mod.scan=none'],
  // No keyboard controller: a triple fault resets. No PCI bus to look for either.
  microvm: [...PC, 'reboot=t', 'pci=off'],
  virt: [],
};

export interface KernelParameters {
  readonly machine: Machine;
  readonly accelerator: 'kvm' | 'tcg';
  readonly cpus: number;
  /** What an emulated PC's time stamp counter runs at (`tsc-frequency.ts`); undefined leaves it to the guest to find out. */
  readonly tscKhz: number | undefined;
  /** `hvc0` is quick; `ttyS0` shows what happens before virtio works. */
  readonly console: 'hvc0' | 'ttyS0';
  /** The guest says that it is ready on this vsock port of the host. */
  readonly readyPort: number | undefined;
  /** Kernel messages on the console, and the agent's debug log. */
  readonly verbose: boolean;
  /** Appended last, so they win. */
  readonly extra: readonly string[];
}

/**
 * What an emulated PC need not measure. 0.1 s: the kernel counts ticks to learn the local timer's speed; one processor can do with HPET or
 * PIT, with two timers would be as coarse as a tick. 0.15 s on a microvm: it has no clock to measure the counter with, tries in vain, counts
 * ticks for its delay loops, and then keeps time in steps of 4 ms (docs/kernels.md has the measurements).
 */
function emulatedClock({ cpus, tscKhz }: KernelParameters): string[] {
  return [...(cpus === 1 ? ['nolapic_timer'] : []), ...(tscKhz === undefined ? [] : [`tsc_early_khz=${tscKhz}`])];
}

/** The guest's kernel command line: Kata's for an initrd, unified cgroups, and our ready message. */
export function kernelCommandLine(parameters: KernelParameters): string {
  const words = [...COMMON, ...PER_MACHINE[parameters.machine], `nr_cpus=${parameters.cpus}`];
  words.push(`console=${parameters.console}`, 'cgroup_no_v1=all', 'systemd.unified_cgroup_hierarchy=1');
  // Nothing is behind a serial port that is not the console; probing for it takes time.
  if (parameters.console === 'hvc0' && parameters.machine !== 'virt') words.push('8250.nr_uarts=0');
  if (parameters.accelerator === 'tcg' && parameters.machine !== 'virt') words.push(...emulatedClock(parameters));
  words.push(...(parameters.verbose ? ['debug', 'agent.log=debug'] : ['quiet']));
  if (parameters.readyPort !== undefined) words.push(`kihon.ready=${parameters.readyPort}`);
  return [...words, ...parameters.extra].join(' ');
}
