import { NSFS_MAGIC, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import type { NamespaceType } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstatfs, open, readlink, stat } from '../../sys/file.ts';
import { namespaceFiles } from '../plan/namespace-flags.ts';

/**
 * Opens a namespace by path and checks on the descriptor that it is one, of the right type, and not the agent's own (CGN-08).
 * Opened for reference first, so that a FIFO or device in its place is never opened for I/O.
 */
export function openNamespace(path: string, type: NamespaceType): Fd {
  const field = `linux.namespaces.${type}.path`;
  using place = open(path, O_PATH);
  if (fstatfs(place).type !== NSFS_MAGIC)
    throw new DomainError('invalid_argument', `${field}: ${path} is no namespace`);
  const file = namespaceFiles[type];
  const self = `/proc/self/fd/${place.number}`;
  const name = readlink(self);
  if (!name.startsWith(`${file}:[`)) {
    throw new DomainError('invalid_argument', `${field}: ${path} is ${name}, not a ${type} namespace`);
  }
  if (readlink(`/proc/self/ns/${file}`) === name) {
    throw new DomainError('invalid_argument', `${field}: ${path} is the agent's own namespace`);
  }
  return open(self, O_RDONLY);
}

/** Namespaces of a live child, by the names of `PinnedNamespace`. */
export function openNamespaceOf(pid: number, type: NamespaceType): Fd {
  return open(`/proc/${pid}/ns/${namespaceFiles[type]}`, O_RDONLY);
}

/** True when the process has the namespace that the agent has. */
export function sharesNamespace(fd: Fd, type: NamespaceType): boolean {
  return stat(`/proc/self/fd/${fd.number}`).ino === stat(`/proc/self/ns/${namespaceFiles[type]}`).ino;
}
