import { NSFS_MAGIC, O_DIRECTORY, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import type { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import { namespaceTypes } from '../../oci/spec.ts';
import type { NamespaceType } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, open, readText, stat } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { pidfdOpen, pidfdSignal } from '../../sys/process.ts';
import { namespaceFiles } from '../plan/namespace-flags.ts';
import { startTimeOf } from './process-stat.ts';

/** A container's init as it is kept on disk: enough to find it again, or to see that it is somebody else. */
export interface RecordedInit {
  readonly pid: number;
  /** Clock ticks since boot (`/proc/<pid>/stat`, field 22); with the pid it names a process for good. */
  readonly startTime: bigint;
  /** Inode numbers of its namespaces. Types that the kernel does not know are missing. */
  readonly namespaces: Readonly<Partial<Record<NamespaceType, bigint>>>;
}

/** Start time of a process that is alive; undefined when there is none, or only its exit status is left. */
export function readStartTime(pid: number): bigint | undefined {
  try {
    return startTimeOf(readText(`/proc/${pid}/stat`));
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

function readNamespaces(pid: number, types: readonly NamespaceType[]): RecordedInit['namespaces'] {
  const namespaces: Partial<Record<NamespaceType, bigint>> = {};
  for (const type of types) {
    try {
      namespaces[type] = stat(`/proc/${pid}/ns/${namespaceFiles[type]}`).ino;
    } catch (error) {
      if (!isSysError(error, 'ENOENT')) throw error;
    }
  }
  return namespaces;
}

/** Records a process that is on its way to be init; undefined when it has ended. Some of its namespaces may be others later. */
export function recordEarly(pid: number): RecordedInit | undefined {
  const startTime = readStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, namespaces: readNamespaces(pid, namespaceTypes) };
}

/** Records a process that is ready. Of an `early` record only the namespaces it has left since, by `moved`, are read again. */
export function recordInit(pid: number, early?: RecordedInit, moved: readonly NamespaceType[] = []): RecordedInit {
  if (early?.pid === pid) return { ...early, namespaces: { ...early.namespaces, ...readNamespaces(pid, moved) } };
  const record = recordEarly(pid);
  if (record === undefined) throw new DomainError('failed_precondition', `process ${pid} is gone`);
  return record;
}

/** The recorded process by descriptor; undefined when it is gone, whoever has its number now. */
export function openRecorded(init: Pick<RecordedInit, 'pid' | 'startTime'>): Fd | undefined {
  let pidfd: Fd;
  try {
    pidfd = pidfdOpen(init.pid);
  } catch (error) {
    if (isSysError(error, 'ESRCH', 'EINVAL')) return undefined;
    throw error;
  }
  try {
    if (readStartTime(init.pid) === init.startTime) return pidfd;
  } catch (error) {
    pidfd.close();
    throw error;
  }
  pidfd.close();
  return undefined;
}

export interface PinnedInit {
  readonly pidfd: Fd;
  readonly namespaces: Readonly<Partial<Record<NamespaceType, Fd>>>;
  /** O_PATH. */
  readonly root: Fd;
}

function openRecordedNamespace(scope: Scope, init: RecordedInit, type: NamespaceType): Fd {
  const fd = scope.use(open(`/proc/${init.pid}/ns/${namespaceFiles[type]}`, O_RDONLY));
  if (fstatfs(fd).type === NSFS_MAGIC && fstat(fd).ino === init.namespaces[type]) return fd;
  throw new DomainError('failed_precondition', `init has left the ${type} namespace that it was created with`);
}

/**
 * Opens what a further process of the container joins: the namespaces of its init, which must be the recorded ones, since init
 * may have moved itself elsewhere, or died and left its number to another (EXE-06). Undefined when init is gone. The descriptors
 * belong to `scope`.
 */
export function pinRecorded(scope: Scope, init: RecordedInit): PinnedInit | undefined {
  const pidfd = openRecorded(init);
  if (pidfd === undefined) return undefined;
  scope.use(pidfd);
  try {
    const namespaces: Partial<Record<NamespaceType, Fd>> = {};
    for (const type of namespaceTypes)
      if (init.namespaces[type] !== undefined) namespaces[type] = openRecordedNamespace(scope, init, type);
    const root = scope.use(open(`/proc/${init.pid}/root`, O_PATH | O_DIRECTORY));
    // Alive until now, so the number was its own all the time.
    pidfdSignal(pidfd, 0);
    return { pidfd, namespaces, root };
  } catch (error) {
    if (isSysError(error, 'ESRCH', 'ENOENT')) return undefined;
    throw error;
  }
}
