import { O_RDONLY } from '../../abi/constants.ts';
import type { Logger } from '../../base/log.ts';
import { describeError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { exists, open, readText } from '../../sys/file.ts';
import { loadModule } from '../../sys/system.ts';
import { MODULE_LIST_PATH, parseModuleList } from './module-list.ts';

/**
 * Loads the modules of the image's list, in its order. One that fails is logged and passed over: the device that needs it
 * may not exist in this VM, and a later step says what is really missing.
 *
 * @returns the files whose code is in the kernel now.
 */
export function loadListedModules(log: Logger): string[] {
  if (!exists(MODULE_LIST_PATH)) return [];
  const { modules, bad } = parseModuleList(readText(MODULE_LIST_PATH));
  for (const line of bad) log.warn('line of the module list is not an absolute path', { line });
  const loaded: string[] = [];
  for (const { path, parameters } of modules) {
    try {
      using file = open(path, O_RDONLY);
      loadModule(file, parameters);
      loaded.push(path);
    } catch (error) {
      if (isSysError(error, 'EEXIST')) loaded.push(path);
      else log.warn('cannot load a kernel module', { path, error: describeError(error) });
    }
  }
  log.debug('kernel modules loaded', { count: loaded.length });
  return loaded;
}
