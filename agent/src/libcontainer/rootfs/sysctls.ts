import { wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { openDetachedProcfs, writeProcfs } from './procfs.ts';

/** Writes kernel parameters of this process's namespaces. `missing`: what happens with those that this kernel does not have. */
export function writeSysctls(entries: readonly (readonly [string, string])[], missing: 'skip' | 'fail'): void {
  using procfs = openDetachedProcfs();
  for (const [path, value] of entries) {
    try {
      writeProcfs(procfs, `sys/${path}`, value);
    } catch (error) {
      if (missing === 'fail' || !isSysError(error, 'ENOENT')) throw wrapError(`sysctl ${path}`, error);
    }
  }
}
