/** Extended attributes (xattr(7)) through open descriptors; O_PATH ones do not do. */
import { ENODATA, EOPNOTSUPP } from '../abi/errno.ts';
import * as nr from '../abi/syscalls.ts';
import { decodeBytes } from '../base/text.ts';
import type { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

/** XATTR_LIST_MAX and XATTR_SIZE_MAX (linux/limits.h), in bytes. */
const maxBytes = 65_536;

/** Names of the attributes that the caller may see; none where the file system has none. */
export function listXattrs(fd: Fd): readonly string[] {
  const size = trySyscall(nr.SYS_flistxattr, fd.number, null, 0);
  if (size === 0 || size === -EOPNOTSUPP) return [];
  const buffer = new Uint8Array(maxBytes);
  const length = syscall('flistxattr', fd.what, nr.SYS_flistxattr, fd.number, buffer, buffer.length);
  return decodeBytes(buffer.subarray(0, length))
    .split('\0')
    .filter((name) => name !== '');
}

/** The value, undefined when it is gone by now. */
export function getXattr(fd: Fd, name: string): Uint8Array | undefined {
  const buffer = new Uint8Array(maxBytes);
  const length = trySyscall(nr.SYS_fgetxattr, fd.number, name, buffer, buffer.length);
  if (length === -ENODATA) return undefined;
  if (length < 0) throw sysError('fgetxattr', length, `${fd.what} ${name}`);
  return buffer.subarray(0, length);
}

/** Creates or replaces an attribute. */
export function setXattr(fd: Fd, name: string, value: Uint8Array): void {
  const subject = `${fd.what} ${name}`;
  syscall('fsetxattr', subject, nr.SYS_fsetxattr, fd.number, name, value, value.length, 0);
}
