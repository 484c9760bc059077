import {
  AT_EMPTY_PATH,
  DEVPTS_SUPER_MAGIC,
  OPEN_TREE_CLONE,
  O_DIRECTORY,
  O_PATH,
  S_IFREG,
} from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isCharDevice, isRegular, mknod, open, stat } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { moveMount, openTree } from '../../sys/mount.ts';
import { openPty } from '../../sys/terminal.ts';
import type { Pty } from '../../sys/terminal.ts';
import type { ContainerRoot } from './container-root.ts';
import { openDev } from './devices.ts';

/** `/dev/pts` of the container when it really is a devpts. */
function openDevpts(root: ContainerRoot): Fd | undefined {
  let found: Fd | undefined;
  try {
    found = root.tryOpenExact('/dev/pts', O_PATH | O_DIRECTORY);
  } catch (error) {
    if (!isSysError(error, 'ELOOP', 'ENOTDIR')) throw error;
  }
  if (found === undefined) return undefined;
  if (fstatfs(found).type === DEVPTS_SUPER_MAGIC) return found;
  found.close();
  return undefined;
}

/**
 * The guest's `/dev/pts`, for containers that have none of their own. To be opened while the guest's root is still this
 * process's root.
 */
export function openGuestDevpts(): Fd | undefined {
  try {
    return open('/dev/pts', O_PATH | O_DIRECTORY);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}

/**
 * A pty in the container's own devpts, where only the kernel makes names, so `ptmx` there is the real one; the peer comes from
 * TIOCGPTPEER and not from a path (MNT-08). Without a devpts in the container, the guest's.
 */
export function openContainerPty(root: ContainerRoot, guestDevpts: Fd | undefined): Pty {
  using own = openDevpts(root);
  const devpts = own ?? guestDevpts;
  if (devpts === undefined) throw new DomainError('failed_precondition', 'no devpts to open a terminal in');
  const pty = openPty(devpts);
  const master = fstat(pty.master);
  if (!isCharDevice(master) || master.rdevMajor !== 5 || master.rdevMinor !== 2) {
    throw new DomainError('failed_precondition', `ptmx is device ${master.rdevMajor}:${master.rdevMinor}, not 5:2`);
  }
  return pty;
}

/** Binds the slave of the terminal on `/dev/console`, which is created as an empty file when missing. */
export function bindConsole(root: ContainerRoot, slave: Fd): void {
  using dev = openDev(root);
  try {
    mknod('console', S_IFREG, 0, 0, dev);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
  }
  using place = root.openExact('/dev/console');
  const found = fstat(place);
  if (!isRegular(found) && !isCharDevice(found)) {
    throw new DomainError('invalid_argument', '/dev/console is neither a file nor a character device');
  }
  using tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH, slave);
  moveMount(tree, place, '');
  const console = stat('console', { at: dev, nofollow: true });
  const peer = fstat(slave);
  if (console.rdevMajor !== peer.rdevMajor || console.rdevMinor !== peer.rdevMinor) {
    throw new DomainError(
      'internal',
      `/dev/console is ${console.rdevMajor}:${console.rdevMinor} after binding the terminal`,
    );
  }
}
