import { DomainError } from '../../base/errors.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Spec } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { connectUnix, connectionError, sendMessage } from '../../sys/socket.ts';
import { hookState, hookStateText } from '../plan/compile-hooks.ts';
import type { HookPlace } from '../plan/compile-hooks.ts';

/** The process that a listener belongs to. */
export interface ListenedProcess extends HookPlace {
  readonly pid: number;
  /** Of the container's init. */
  readonly initPid: number;
  /** Of the container. */
  readonly status: string;
}

/** JSON of a ContainerProcessState (runtime-spec, config-linux.md, "The Container Process State"). */
export function processStateText(spec: Spec, process: ListenedProcess): string {
  const { listenerMetadata } = spec.linux.seccomp ?? {};
  return JSON.stringify({
    ociVersion: spec.version,
    fds: ['seccompFd'],
    pid: process.pid,
    ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
    state: JSON.parse(hookStateText(hookState(spec, process), process.status, process.initPid)) as unknown,
  });
}

/** Hands the listener of a filter to whoever listens at `listenerPath`, with the state of the process. */
export function sendListener(spec: Spec, process: ListenedProcess, listener: Fd): void {
  const path = spec.linux.seccomp?.listenerPath;
  if (path === undefined) throw new DomainError('invalid_argument', 'linux.seccomp.listenerPath: missing');
  try {
    // A Unix stream socket connects at once or not at all.
    using connection = connectUnix(path);
    const errno = connectionError(connection);
    if (errno !== 0) throw new DomainError('failed_precondition', `connect: errno ${errno}`);
    sendMessage(connection, encodeBytes(processStateText(spec, process)), [listener]);
  } catch (error) {
    throw new DomainError('failed_precondition', `linux.seccomp.listenerPath ${path}`, error);
  }
}
