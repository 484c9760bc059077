/** What runs the guest's processors. */
export type Accelerator = 'kvm' | 'tcg';

/** Where kernel messages and `/dev/console` go; `none` when nobody listens. */
export type ConsoleDevice = 'hvc0' | 'ttyS0' | 'none';

export interface BootParameterOptions {
  readonly accelerator: Accelerator;
  /** Processors the guest starts with and is limited to. */
  readonly cpus: number;
  readonly console: ConsoleDevice;
  /** Show kernel messages; otherwise only errors are shown, since each character costs time. */
  readonly isVerbose?: boolean;
}

/**
 * Kernel parameters for every guest of ours. Milliseconds are processor time saved without KVM, as measured for
 * `docs/kernels.md`; with KVM they hardly matter, but do no harm.
 */
export const recommendedCmdline: readonly string[] = [
  // A panic ends the VM within a second: QEMU runs with -no-reboot.
  'panic=1',
  // By triple fault, which works on every machine type; microvm has no keyboard controller.
  'reboot=t',
  // 80 ms: with one processor the kernel would otherwise patch 7,000 lock prefixes out of its own code.
  'noreplace-smp',
  // 15 ms: the kernel need not wait for ticks to see that the IO-APIC passes on the timer.
  'no_timer_check',
  // No watchdog that reads a slow timer twice a second to judge the TSC.
  'tsc=reliable',
  // Namespaces, mounts and cgroups wait for RCU at each creation and removal: let them not wait for ticks.
  'rcupdate.rcu_expedited=1',
  'random.trust_cpu=on',
  'net.ifnames=0',
  'cgroup_no_v1=all',
];

/**
 * 100 ms: the kernel counts ticks for a tenth of a second to learn how fast the local APIC's timer is, unless the
 * hypervisor tells, which TCG does not. The HPET serves one processor as well; with two, timers would be as coarse
 * as a tick (4 ms), so then it stays.
 */
export const SINGLE_TCG_CPU = 'nolapic_timer';

/**
 * The recommended parameters for one VM, in the order they go on the command line. `agent.*`, `kihon.*` and the
 * user's own parameters are appended by the caller: the last one wins.
 */
export function bootParameters(options: BootParameterOptions): string[] {
  return [
    ...recommendedCmdline,
    `nr_cpus=${options.cpus}`,
    ...(options.accelerator === 'tcg' && options.cpus === 1 ? [SINGLE_TCG_CPU] : []),
    ...consoleParameters(options.console),
    ...(options.isVerbose === true ? [] : ['quiet']),
  ];
}

/** The serial port is only probed when it is the console. */
function consoleParameters(device: ConsoleDevice): string[] {
  switch (device) {
    case 'hvc0':
      return ['console=hvc0', '8250.nr_uarts=0'];
    case 'ttyS0':
      return ['console=ttyS0'];
    case 'none':
      return ['8250.nr_uarts=0'];
  }
}
