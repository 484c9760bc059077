import { DomainError } from '../../base/errors.ts';
import type { MountSpec, ProcessSpec } from '../../oci/spec.ts';
import type { ProcessStep } from './process-steps.ts';

/** Which security modules this kernel runs with. Functions, because most launches need to know neither. */
export interface SecurityModules {
  readonly hasAppArmor: () => boolean;
  readonly hasSelinux: () => boolean;
}

/** A kernel without any, for the tests and as default. */
export const noSecurityModules: SecurityModules = { hasAppArmor: () => false, hasSelinux: () => false };

/** The text that crun and runc know for "no profile". */
const unconfined = 'unconfined';

function missing(field: string, module: string, label: string): DomainError {
  const text = `${field}: ${JSON.stringify(label)} cannot be applied: this kernel runs without ${module}`;
  return new DomainError('failed_precondition', text);
}

/**
 * The labels that execve gives the program. A label that cannot be had is an error, never a process without it (PRV-09);
 * `unconfined` asks for nothing and is fine on a kernel without AppArmor.
 */
export function compileLabels(process: ProcessSpec, modules: SecurityModules): readonly ProcessStep[] {
  const { apparmorProfile, selinuxLabel } = process;
  const steps: ProcessStep[] = [];
  if (apparmorProfile !== undefined) {
    if (modules.hasAppArmor()) steps.push({ do: 'security-label', module: 'apparmor', label: apparmorProfile });
    else if (apparmorProfile !== unconfined) throw missing('process.apparmorProfile', 'AppArmor', apparmorProfile);
  }
  if (selinuxLabel !== undefined) {
    if (!modules.hasSelinux()) throw missing('process.selinuxLabel', 'SELinux', selinuxLabel);
    steps.push({ do: 'security-label', module: 'selinux', label: selinuxLabel });
  }
  return steps;
}

/** A session keyring of the process's own; under SELinux with the label of the process (as runc). */
export function compileKeyring(
  process: ProcessSpec,
  modules: SecurityModules,
  keepsKeyring: boolean,
): readonly (ProcessStep | { readonly do: 'session-keyring' })[] {
  if (keepsKeyring) return [];
  const label = process.selinuxLabel;
  if (label === undefined || !modules.hasSelinux()) return [{ do: 'session-keyring' }];
  return [{ do: 'keyring-label', label }, { do: 'session-keyring' }, { do: 'keyring-label', label: '' }];
}

/** File systems whose files get their labels from the kernel's policy (runc skips the same); the root of an mqueue is labelled once it is there. */
const selfLabelled: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'mqueue']);

/**
 * The mounts of a spec with `linux.mountLabel` as their SELinux context: new file systems get the parameter, binds keep the
 * labels of their files. Throws `failed_precondition` without SELinux.
 */
export function labelMounts(
  mounts: readonly MountSpec[],
  label: string | undefined,
  modules: SecurityModules,
): readonly MountSpec[] {
  if (label === undefined) return mounts;
  if (!modules.hasSelinux()) throw missing('linux.mountLabel', 'SELinux', label);
  return mounts.map((mount) => {
    const isBind = mount.type === 'bind' || mount.options.some((option) => option === 'bind' || option === 'rbind');
    const keeps = isBind || selfLabelled.has(mount.type) || mount.options.includes('remount');
    const isLabelled = mount.options.some((option) => option.startsWith('context='));
    return keeps || isLabelled ? mount : { ...mount, options: [...mount.options, `context=${label}`] };
  });
}
