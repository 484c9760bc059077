import {
  MS_MOVE,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  O_DIRECTORY,
  O_RDONLY,
  RAMFS_MAGIC,
  TMPFS_MAGIC,
} from '../../abi/constants.ts';
import type { Logger } from '../../base/log.ts';
import { mkdir, mkdirAll, open, readlink, readText, rmdir, statfs } from '../../sys/file.ts';
import { mount, unmount } from '../../sys/mount.ts';
import { chdir, chroot, execve } from '../../sys/process.ts';
import { loadListedModules } from '../modules/load-modules.ts';
import { MODULE_LIST_PATH } from '../modules/module-list.ts';
import { TreeMover } from './move-tree.ts';
import { isInitialRamfs, parseProcMounts } from './proc-mounts.ts';

/** Where the new root is mounted while it is filled. */
const NEW_ROOT = '/.kihon-root';

/**
 * Leaves the initial ramfs, when that is where we are: moves its content into a tmpfs, puts that over `/` and executes the
 * agent again from there. Returns when the root is another file system already; throws SysError.
 *
 * Why: pivot_root(2) cannot move the initial ramfs away, so a container's root would be *mounted over* the guest's. A
 * container with CAP_SYS_ADMIN can unmount that lazily and find the guest's root underneath, agent and all (MNT-15). After
 * this there is nothing underneath: the ramfs is empty, and containers pivot away from the tmpfs.
 *
 * Modules are loaded first, because their files need not be moved then: the code is in the kernel.
 */
export function leaveInitialRamfs(argv: readonly string[], env: readonly string[], log: Logger): void {
  const executable = findOwnExecutable();
  if (executable === undefined) return;
  const drop = new Set([...loadListedModules(log), MODULE_LIST_PATH]);
  mkdir(NEW_ROOT, 0o755);
  mount('tmpfs', NEW_ROOT, 'tmpfs', 0, 'mode=0755');
  const mover = new TreeMover({ except: NEW_ROOT, drop });
  {
    using from = open('/', O_RDONLY | O_DIRECTORY);
    using to = open(NEW_ROOT, O_RDONLY | O_DIRECTORY);
    mover.moveContents(from, to, to);
  }
  log.debug('initial ramfs moved', { files: mover.fileCount, bytes: mover.byteCount });
  chdir(NEW_ROOT);
  mount('.', '/', '', MS_MOVE);
  // Our root is still the ramfs, so this is the directory that was mounted on; now the ramfs is empty.
  rmdir(NEW_ROOT);
  chroot('.');
  chdir('/');
  execve(executable, argv, env);
}

/** The agent's own path when the root is the initial ramfs. `/proc` is mounted only to ask. */
function findOwnExecutable(): string | undefined {
  // Most disk file systems are told apart without asking `/proc`; a tmpfs may be the ramfs or what we made of it.
  if (![TMPFS_MAGIC, RAMFS_MAGIC].includes(statfs('/').type)) return undefined;
  mkdirAll('/proc');
  mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
  try {
    const rows = parseProcMounts(readText('/proc/self/mounts'));
    return isInitialRamfs(rows) ? readlink('/proc/self/exe') : undefined;
  } finally {
    unmount('/proc');
  }
}
