/** Mounting: the descriptor-based API (fsopen, open_tree, move_mount, mount_setattr), and mount(2) for boot. */
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
} from '../abi/constants.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { decodeBytes } from '../base/text.ts';
import { Fd } from './fd.ts';
import { directoryNumber } from './file.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

/** mount(2) by path. `data` is the file system's comma-separated options. */
export function mount(source: string, target: string, fstype: string, flags: number, data = ''): void {
  const options = data === '' ? null : data;
  syscall('mount', `${source} on ${target} (${fstype})`, nr.SYS_mount, source, target, fstype, flags >>> 0, options);
}

/** umount2(2). */
export function unmount(target: string, flags = 0): void {
  syscall('umount2', target, nr.SYS_umount2, target, flags);
}

/** pivot_root(2). `pivotRoot('.', '.')` stacks the old root on top of the new one, ready to be detached. */
export function pivotRoot(newRoot: string, putOld: string): void {
  syscall('pivot_root', newRoot, nr.SYS_pivot_root, newRoot, putOld);
}

/**
 * open_tree(2): a descriptor for a mount; with OPEN_TREE_CLONE a detached copy, with AT_RECURSIVE of the whole subtree.
 * An empty path with AT_EMPTY_PATH means the file of `at` itself.
 */
export function openTree(path: string, flags: number, at?: Fd): Fd {
  const call = syscall(
    'open_tree',
    path,
    nr.SYS_open_tree,
    directoryNumber(at),
    path,
    (flags | OPEN_TREE_CLOEXEC) >>> 0,
  );
  return new Fd(call, path);
}

/**
 * move_mount(2): attaches the mount `from` at `toPath` below `toDirectory`; an empty path means the file of `toDirectory`
 * itself (which was resolved before, so nothing can be swapped in between).
 */
export function moveMount(from: Fd, toDirectory: Fd | undefined, toPath: string, flags = 0): void {
  const bits = flags | MOVE_MOUNT_F_EMPTY_PATH | (toPath === '' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  const subject = `${from.what} to ${toDirectory?.what ?? ''}${toPath}`;
  syscall('move_mount', subject, nr.SYS_move_mount, from.number, '', directoryNumber(toDirectory), toPath, bits);
}

export interface MountAttributes {
  /** MOUNT_ATTR_* to switch on. */
  readonly set?: number;
  /** MOUNT_ATTR_* to switch off. */
  readonly clear?: number;
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
  readonly propagation?: number;
  readonly recursive?: boolean;
  /** With MOUNT_ATTR_IDMAP. */
  readonly userNamespace?: Fd;
}

const mountAttr = new StructView(layouts.mount_attr.sizeof);

/** mount_setattr(2) (Linux 5.12) on the mount of a descriptor (empty path) or of a path below it. */
export function mountSetattr(fd: Fd | undefined, path: string, attributes: MountAttributes): void {
  const at = layouts.mount_attr;
  mountAttr
    .setU64(at.attr_set, attributes.set ?? 0)
    .setU64(at.attr_clr, attributes.clear ?? 0)
    .setU64(at.propagation, attributes.propagation ?? 0)
    .setU64(at.userns_fd, attributes.userNamespace?.number ?? 0);
  const flags = (path === '' ? AT_EMPTY_PATH : 0) | (attributes.recursive === true ? AT_RECURSIVE : 0);
  const subject = path === '' ? (fd?.what ?? '') : path;
  syscall('mount_setattr', subject, nr.SYS_mount_setattr, directoryNumber(fd), path, flags, mountAttr.bytes, at.sizeof);
}

/** fsopen(2): a configuration context for a new file system. */
export function openFilesystem(fstype: string): Fd {
  return new Fd(syscall('fsopen', fstype, nr.SYS_fsopen, fstype, FSOPEN_CLOEXEC), fstype);
}

/** The kernel's own explanation of the last failure, its lines joined; '' when it gave none. */
export function fsContextMessages(context: Fd): string {
  const buffer = new Uint8Array(1024);
  const lines: string[] = [];
  for (let count = 0; count < 16; count++) {
    const length = trySyscall(nr.SYS_read, context.number, buffer, buffer.length);
    if (length <= 0) break;
    lines.push(decodeBytes(buffer.subarray(0, length)).replace(/^[eiw] /, ''));
  }
  return lines.join('; ');
}

function fsconfig(context: Fd, command: number, key: string | null, value: string | null, subject: string): void {
  const result = trySyscall(nr.SYS_fsconfig, context.number, command, key, value, 0);
  if (result >= 0) return;
  const messages = fsContextMessages(context);
  throw sysError('fsconfig', result, `${context.what} ${subject}${messages === '' ? '' : ` (${messages})`}`);
}

/** Sets an option `key=value` (also `source`). */
export function configureString(context: Fd, key: string, value: string): void {
  fsconfig(context, FSCONFIG_SET_STRING, key, value, `${key}=${value}`);
}

/** Sets an option without value. */
export function configureFlag(context: Fd, key: string): void {
  fsconfig(context, FSCONFIG_SET_FLAG, key, null, key);
}

/** Makes the superblock. */
export function createFilesystem(context: Fd): void {
  fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 'create');
}

/** fsmount(2): a detached mount of the created file system; `attributes` are MOUNT_ATTR_*. */
export function mountFilesystem(context: Fd, attributes: number): Fd {
  const result = trySyscall(nr.SYS_fsmount, context.number, FSMOUNT_CLOEXEC, attributes);
  if (result < 0) throw sysError('fsmount', result, `${context.what} ${fsContextMessages(context)}`.trimEnd());
  return new Fd(result, context.what);
}
