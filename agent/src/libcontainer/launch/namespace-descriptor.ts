import { NSFS_MAGIC, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { namespaceTypes } from '../../oci/spec.ts';
import type { NamespaceType } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, open, stat } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { ioctl } from '../../sys/terminal.ts';
import { namespaceFiles, namespaceFlags } from '../plan/namespace-flags.ts';

/**
 * Opens a namespace by path and checks on the descriptor that it is one, of the right type, and not the caller's own (CGN-08).
 * Opened for reference first, so that a FIFO or device in its place is never opened for I/O.
 */
export function openNamespace(path: string, type: NamespaceType): Fd {
  const field = `linux.namespaces.${type}.path`;
  using place = open(path, O_PATH);
  if (fstatfs(place).type !== NSFS_MAGIC)
    throw new DomainError('invalid_argument', `${field}: ${path} is no namespace`);
  const self = `/proc/self/fd/${place.number}`;
  return open(self, O_RDONLY).prepared((opened) => {
    const found = namespaceTypes.find((entry) => namespaceFlags[entry] === namespaceFlag(opened));
    if (found !== type) {
      throw new DomainError('invalid_argument', `${field}: ${path} is a ${found ?? 'strange'} namespace`);
    }
    if (sharesNamespace(opened, type)) {
      throw new DomainError('invalid_argument', `${field}: ${path} is the runtime's own namespace`);
    }
  });
}

/** `_IO(0xb7, 3)` of linux/nsfs.h. */
const NS_GET_NSTYPE = 0xb703;

/** CLONE_NEW* bit of an open namespace (ioctl_ns(2)); the text of its link is the path where one is mounted. */
function namespaceFlag(fd: Fd): number {
  return ioctl(fd, 'NS_GET_NSTYPE', NS_GET_NSTYPE, 0);
}

/** Namespaces of a live child, by the names of `PinnedNamespace`. */
export function openNamespaceOf(pid: number, type: NamespaceType): Fd {
  return open(`/proc/${pid}/ns/${namespaceFiles[type]}`, O_RDONLY);
}

/** True when the process has the namespace that the caller has. */
export function sharesNamespace(fd: Fd, type: NamespaceType): boolean {
  return fstat(fd).ino === stat(`/proc/self/ns/${namespaceFiles[type]}`).ino;
}
