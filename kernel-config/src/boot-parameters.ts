/** What runs the guest's processors. */
export type Accelerator = 'kvm' | 'tcg';

/** Where kernel messages and `/dev/console` go; `none` when nobody listens. */
export type ConsoleDevice = 'hvc0' | 'ttyS0' | 'none';

export interface BootParameterOptions {
  readonly accelerator: Accelerator;
  readonly console: ConsoleDevice;
  /** Show kernel messages; otherwise only errors are shown, since each character costs time. */
  readonly isVerbose?: boolean;
}

/**
 * Kernel parameters for every guest of ours. Milliseconds are what the parameter saved under TCG on the machine of
 * `docs/kernels.md`; under KVM they hardly matter, but do no harm.
 */
export const recommendedCmdline: readonly string[] = [
  // A panic ends the VM within a second: QEMU runs with -no-reboot.
  'panic=1',
  // Resets by triple fault: the keyboard controller and ACPI are tried first otherwise, and microvm has neither.
  'reboot=t',
  // 17 ms: the IO-APIC's timer works in a VM.
  'no_timer_check',
  // The TSC needs no watchdog that reads a slow timer every half second.
  'tsc=reliable',
  // Code for several processors stays as it is when there is only one: fewer places to patch.
  'noreplace-smp',
  // Namespaces, mounts and cgroups wait for RCU at each creation and removal; do not let them wait for ticks.
  'rcupdate.rcu_expedited=1',
  'random.trust_cpu=on',
  'net.ifnames=0',
  'cgroup_no_v1=all',
];

/** Without hardware virtualization: no speculation to mitigate, and time in the guest passes slowly. */
export const tcgCmdline: readonly string[] = [
  // 100 ms: measuring the local APIC's timer takes a tenth of a second by design; the HPET serves instead.
  'nolapic_timer',
  'mitigations=off',
];

/** CPU model for QEMU's `-cpu` under TCG: its byte-wise string instructions are slow, so the guest shall not prefer them. */
export const TCG_CPU_MODEL = 'max,-erms,-fsrm';

/**
 * The recommended parameters for one VM, in the order they go on the command line. `agent.*`, `kihon.*` and the user's own
 * parameters are appended by the caller: the last one wins.
 */
export function bootParameters(options: BootParameterOptions): string[] {
  return [
    ...recommendedCmdline,
    ...(options.accelerator === 'tcg' ? tcgCmdline : []),
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
