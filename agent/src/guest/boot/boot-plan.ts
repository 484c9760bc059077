import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RELATIME } from '../../abi/constants.ts';

/** One thing to do at boot as PID 1. A step that is not required is logged and passed over when it fails. */
export type BootStep = { readonly isRequired: boolean } & (
  | {
      readonly kind: 'mount';
      readonly source: string;
      readonly target: string;
      readonly fstype: string;
      readonly flags: number;
      readonly data: string;
    }
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'standard-streams' }
  | { readonly kind: 'load-modules' }
  | { readonly kind: 'session' }
  | { readonly kind: 'hostname' }
  | { readonly kind: 'cgroup' }
  | { readonly kind: 'loopback' }
);

function mountStep(fstype: string, source: string, target: string, flags: number, isRequired = true): BootStep {
  return { kind: 'mount', source, target, fstype, flags, data: '', isRequired };
}

/** Where the cgroup hierarchy is. */
export const CGROUP_ROOT = '/sys/fs/cgroup';

/**
 * What must work before the settings can be read (contract 2.2). The order matters: each mount's place lies in one before
 * it, and `/proc` tells what is mounted already.
 */
export const EARLY_STEPS: readonly BootStep[] = [
  mountStep('proc', 'proc', '/proc', MS_NOSUID | MS_NODEV | MS_NOEXEC),
  mountStep('sysfs', 'sysfs', '/sys', MS_NOSUID | MS_NODEV | MS_NOEXEC),
  // A kernel without devtmpfs leaves the nodes of the root file system, which may be enough.
  mountStep('devtmpfs', 'dev', '/dev', MS_NOSUID, false),
  mountStep('tmpfs', 'tmpfs', '/dev/shm', MS_NOSUID | MS_NODEV),
  mountStep('devpts', 'devpts', '/dev/pts', MS_NOSUID | MS_NOEXEC),
  mountStep('tmpfs', 'tmpfs', '/run', MS_NOSUID | MS_NODEV),
  // A VM without console leaves descriptors 0 to 2 closed; a socket that got one of these numbers would end up in children.
  { kind: 'standard-streams', isRequired: false },
  // From a disk image; an initramfs has loaded its modules before the root was switched.
  { kind: 'load-modules', isRequired: false },
];

/** The rest (contract 2.1, steps 5 to 15, and 2.3 for cgroup v2). */
export const LATE_STEPS: readonly BootStep[] = [
  {
    kind: 'mount',
    source: 'cgroup2',
    target: CGROUP_ROOT,
    fstype: 'cgroup2',
    flags: MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
    // A container's cgroup namespace becomes a delegation boundary.
    data: 'nsdelegate',
    isRequired: true,
  },
  { kind: 'cgroup', isRequired: false },
  { kind: 'link', path: '/dev/ptmx', to: '/dev/pts/ptmx', isRequired: true },
  { kind: 'session', isRequired: false },
  { kind: 'hostname', isRequired: false },
  { kind: 'loopback', isRequired: true },
];

/** One line for logs and errors. */
export function describeStep(step: BootStep): string {
  switch (step.kind) {
    case 'mount':
      return `mount ${step.fstype} on ${step.target}`;
    case 'link':
      return `link ${step.path} to ${step.to}`;
    case 'standard-streams':
      return 'open the standard streams';
    case 'load-modules':
      return 'load kernel modules';
    case 'session':
      return 'begin a session on the console';
    case 'hostname':
      return 'set the host name';
    case 'cgroup':
      return 'prepare the cgroup hierarchy';
    case 'loopback':
      return 'bring up the loopback interface';
  }
}
