import { wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import type { SecurityModule } from '../plan/process-steps.ts';
import { writeProcfs } from '../rootfs/procfs.ts';

/** What AppArmor reads: the transition, and the profile that it is to. */
function attributeValue(module: SecurityModule, label: string): string {
  return module === 'apparmor' ? `exec ${label}` : label;
}

/**
 * Sets the label for the next execve of the process whose folder in a procfs is `folder` (its pid). AppArmor has files of its
 * own since 5.1, next to those that all modules share; on a kernel with several modules only the former is right.
 */
export function setExecLabel(procfs: Fd, folder: string, module: SecurityModule, label: string): void {
  const value = attributeValue(module, label);
  const name = module === 'apparmor' ? 'apparmorProfile' : 'selinuxLabel';
  try {
    if (module === 'apparmor') {
      try {
        return writeProcfs(procfs, `${folder}/attr/apparmor/exec`, value);
      } catch (error) {
        if (!isSysError(error, 'ENOENT')) throw error;
      }
    }
    writeProcfs(procfs, `${folder}/attr/exec`, value);
  } catch (error) {
    // ENOENT: no such profile is loaded; EINVAL: no such label in the policy; EACCES: not allowed to change to it.
    throw wrapError(`process.${name} ${JSON.stringify(label)}`, error);
  }
}

/** Label of keys that the process makes (SELinux); empty: the policy's default. */
export function setKeyringLabel(procfs: Fd, folder: string, label: string): void {
  try {
    writeProcfs(procfs, `${folder}/attr/keycreate`, label === '' ? '\0' : label);
  } catch (error) {
    // Kernels before 2.6.18, and policies without the class, have no labels for keys; the keyring is a new one in any case.
    if (!isSysError(error, 'ENOENT')) throw wrapError(`keyring label ${JSON.stringify(label)}`, error);
  }
}
