import { wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { openDetachedProcfs, writeProcfs } from './procfs.ts';

/** Writes kernel parameters of this process's namespaces. Those that this kernel does not have are skipped. */
export function writeSysctls(entries: readonly (readonly [string, string])[]): void {
  using procfs = openDetachedProcfs();
  for (const [path, value] of entries) {
    try {
      writeProcfs(procfs, `sys/${path}`, value);
    } catch (error) {
      if (!isSysError(error, 'ENOENT')) throw wrapError(`sysctl ${path}`, error);
    }
  }
}
