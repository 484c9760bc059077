import type { Initcall } from './boot-log.ts';

/** Time of all initcalls of one part of the kernel. */
export interface SubsystemTime {
  readonly name: string;
  readonly durationMs: number;
  readonly calls: number;
}

/** First match wins. Names of initcalls follow their files closely enough; what matches nothing is `other`. */
const SUBSYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['ACPI and PnP', /^(?:acpi|pnp|pnpacpi|ec_|nfit)/],
  ['PCI', /^(?:pci|pcibios|pcie|shpcd|acpiphp)/],
  ['virtio', /virtio|^vp_|^vmw_|vsock/],
  [
    'network',
    /net|^inet|^ip_|^ipv|^tcp|^udp|^sock|^af_unix|^packet|^nf|^xt_|^xfrm|^sit|^vlan|^bridge|^br_|^neigh|^fib|^genl|^eth|^fou|^rpc/,
  ],
  [
    'files',
    /ext4|^fs_|^fuse|^ovl|^erofs|^xfs|^proc|^init_.*fs$|^dax|^iomap|^sysfs|^kernfs|^devpts|^dio|^fcntl|^inotify|^fanotify|^fsnotify|^eventpoll|^aio|^anon_inode|^init_pipe|^cifs|^9p|^v9fs|^mbcache|^jbd2|journal|hugetlb/,
  ],
  [
    'disks',
    /^blk|^block|^bio|^genhd|^elv|^deadline|^dm_|^md_|^local_init|^sd_|^scsi|^init_sd|^init_scsi|pmem|nvdimm|^nd_|^loop|^throtl/,
  ],
  ['crypto and random', /^crypto|_mod_init$|^sha|^aes|^jent|^drbg|^chr_dev|^hwrng|^random|^prng/],
  [
    'memory',
    /^mm_|^slab|^init_mm|^kswapd|^vmstat|^memory|^swap|^zs|^setup_per|^cma|^init_user_reserve|^init_admin|^kcompactd|^compact|^percpu|^extfrag|^balloon|^memcg|^mem_cgroup|^folio|^page|^shmem|^init_lru/,
  ],
  [
    'processor and interrupts',
    /cpu|^apic|^lapic|^irq|^hpet|^tsc|^x86|^amd|^intel|^mce|^mtrr|^pat_|^sched|^rcu|^hrtimer|^clocksource|^timekeeping|^timer|^init_hw_perf|^perf|^rapl|^kvm|^alternative|^jump_label|^bsp|^ucode|^smp|^init_sched|^e820|^pti|^hv_|^sysctl_init|^gicv|^arm64|^its_/,
  ],
  ['console and log', /tty|serial|^pty|^con_|^hvc|^vt|^printk|^uart|^8250|^univ8250|^kmsg|^log_/],
  ['cgroups and security', /cgroup|^security|^landlock|^selinux|^audit|^key|^sel_|^bpf|seccomp/],
];

/** Name of the part of the kernel an initcall belongs to, judged by its name. */
export function subsystemOf(initcall: string): string {
  return SUBSYSTEMS.find(([, pattern]) => pattern.test(initcall))?.[0] ?? 'other';
}

/** Adds up initcalls by part, longest first. */
export function sumBySubsystem(initcalls: readonly Initcall[]): SubsystemTime[] {
  const sums = new Map<string, { durationMs: number; calls: number }>();
  for (const { name, durationMs } of initcalls) {
    const subsystem = subsystemOf(name);
    const sum = sums.get(subsystem) ?? { durationMs: 0, calls: 0 };
    sums.set(subsystem, { durationMs: sum.durationMs + durationMs, calls: sum.calls + 1 });
  }
  return [...sums]
    .map(([name, sum]) => ({ name, ...sum }))
    .sort((a, b) => b.durationMs - a.durationMs || (a.name < b.name ? -1 : 1));
}
