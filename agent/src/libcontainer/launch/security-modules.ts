import { isSysError } from '../../base/sys-error.ts';
import { readText } from '../../sys/file.ts';
import type { SecurityModules } from '../plan/compile-labels.ts';

function textOf(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ENOTDIR')) return '';
    throw error;
  }
}

/** AppArmor's own parameter says whether it runs; the file system of SELinux is registered only when that was not switched off at boot. */
export function readSecurityModules(root = ''): SecurityModules {
  return {
    hasAppArmor: () => textOf(`${root}/sys/module/apparmor/parameters/enabled`).startsWith('Y'),
    hasSelinux: () => /^nodev\tselinuxfs$/m.test(textOf(`${root}/proc/filesystems`)),
  };
}

/** Those of the running kernel. */
export const securityModules: SecurityModules = readSecurityModules();
