import { CLONE_NEWIPC, CLONE_NEWUTS, O_RDONLY, SIGKILL } from '../abi/constants.ts';
import { DomainError } from '../base/errors.ts';
import { SysError } from '../base/sys-error.ts';
import { encodeBytes, decodeBytes } from '../base/text.ts';
import type { Fd } from '../sys/fd.ts';
import { pipe } from '../sys/descriptor.ts';
import { open, read, writeAll } from '../sys/file.ts';
import { clone3, exit, pauseForEver, pidfdSignal, sethostname, setParentDeathSignal } from '../sys/process.ts';
import type { Reaper } from '../sys/reaper.ts';

/** The namespaces all containers of a sandbox share. */
export interface SharedNamespaces {
  readonly ipc: Fd;
  readonly uts: Fd;
  close(): void;
}

/**
 * Makes the sandbox's IPC and UTS namespaces and sets their host name (lifecycle section 8). They are kept by descriptor
 * rather than by a bind mount: nothing can be unmounted under them, and nothing is left to clean up.
 *
 * A child is born in them, names the host, and is killed as soon as its namespaces are open here. The wait is for a fork and one
 * system call, so it is done in place.
 */
export function createSharedNamespaces(reaper: Reaper, hostname: string): SharedNamespaces {
  const { reader, writer } = pipe();
  let child: ReturnType<typeof clone3>;
  try {
    child = clone3({ flags: CLONE_NEWIPC | CLONE_NEWUTS });
  } catch (error) {
    reader.close();
    writer.close();
    throw error;
  }
  if (child === 'child') {
    try {
      setParentDeathSignal(SIGKILL);
      let report = 'ok';
      try {
        if (hostname !== '') sethostname(hostname);
      } catch (error) {
        report = error instanceof SysError ? `${error.errno} ${error.code}` : '5 EIO';
      }
      writeAll(writer, encodeBytes(report));
      // Stays until it is killed: its namespaces live as long as it does.
      pauseForEver();
    } finally {
      exit(0);
    }
  }
  const { pid, pidfd } = child;
  reaper.onExit(pid, () => pidfd.close());
  // Only the child's end is left: a child that dies without a word is the end of the stream, not a wait for ever.
  writer.close();
  try {
    const buffer = new Uint8Array(64);
    const report = decodeBytes(buffer.subarray(0, read(reader, buffer)));
    if (report === '') throw new DomainError('internal', 'the process that makes the namespaces died');
    if (report !== 'ok') {
      const [errno = '5', code = 'EIO'] = report.split(' ');
      throw new SysError('sethostname', Number(errno), code, hostname);
    }
    const ipc = open(`/proc/${pid}/ns/ipc`, O_RDONLY);
    let uts: Fd;
    try {
      uts = open(`/proc/${pid}/ns/uts`, O_RDONLY);
    } catch (error) {
      ipc.close();
      throw error;
    }
    return {
      ipc,
      uts,
      close: () => {
        ipc.close();
        uts.close();
      },
    };
  } finally {
    pidfdSignal(pidfd, SIGKILL);
    reader.close();
  }
}
