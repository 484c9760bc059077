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
import { mkdir, mkdirAll, open, readText, rmdir, stat } from '../../sys/file.ts';
import { statfs } from '../../sys/statfs.ts';
import { mount } from '../../sys/mount.ts';
import { chdir, chroot } from '../../sys/process.ts';
import { loadListedModules } from '../modules/load-modules.ts';
import { MODULE_LIST_PATH } from '../modules/module-list.ts';
import { TreeMover } from './move-tree.ts';
import { isInitialRamfs, parseProcMounts } from './proc-mounts.ts';

/** Where the new root is mounted while it is filled. */
const NEW_ROOT = '/.kihon-root';

/** Everything boot needs to know about the ramfs before it is left. */
interface OwnExecutable {
  readonly ino: bigint;
  readonly devMajor: number;
  readonly devMinor: number;
}

/**
 * Leaves the initial ramfs, when that is where we are: moves its content into a tmpfs and puts that over `/`. Does nothing on
 * any other root file system. Throws SysError. `/proc` is mounted afterwards.
 *
 * Why: pivot_root(2) cannot move the initial ramfs away, so a container's root would be *mounted over* the guest's. A
 * container with CAP_SYS_ADMIN can unmount that lazily and find the guest's root underneath, agent and all (MNT-15). After
 * this there is nothing underneath: the ramfs is empty, and containers pivot away from the tmpfs.
 *
 * The agent's own file is deleted instead of moved. It runs on without a name, so there is one copy in memory and no
 * container can find it; children execute it by descriptor. Executing a moved copy instead would start the engine twice:
 * that was measured at 0.1 s and more of a boot of 1.3 s under TCG. Modules are loaded before, so their files need not be
 * moved either: the code is in the kernel.
 */
export function leaveInitialRamfs(log: Logger): void {
  if (!isInInitialRamfs()) return;
  const drop = new Set([...loadListedModules(log), MODULE_LIST_PATH, '/proc']);
  mkdir(NEW_ROOT, 0o755);
  mount('tmpfs', NEW_ROOT, 'tmpfs', 0, 'mode=0755');
  const own: OwnExecutable = stat('/proc/self/exe');
  mkdir(`${NEW_ROOT}/proc`, 0o755);
  mount('/proc', `${NEW_ROOT}/proc`, '', MS_MOVE);
  const mover = new TreeMover({
    except: NEW_ROOT,
    isDropped: (path, state) =>
      drop.has(path) || (state.ino === own.ino && state.devMajor === own.devMajor && state.devMinor === own.devMinor),
  });
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
}

/** Asks `/proc`, which boot needs mounted in any case. */
function isInInitialRamfs(): boolean {
  // Disk file systems are told apart without asking. A tmpfs may be the ramfs, or what somebody made of it.
  if (![TMPFS_MAGIC, RAMFS_MAGIC].includes(statfs('/').type)) return false;
  mkdirAll('/proc');
  mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
  return isInitialRamfs(parseProcMounts(readText('/proc/self/mounts')));
}
