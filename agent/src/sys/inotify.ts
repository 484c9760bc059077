import { EAGAIN } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { littleEndian } from '../abi/byte-order.ts';
import * as nr from '../abi/syscalls.ts';
import { Fd } from './fd.ts';
import { tryRead } from './file.ts';
import type { EventLoop } from './loop.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

/** IN_CLOEXEC | IN_NONBLOCK: the same bits as O_CLOEXEC and O_NONBLOCK. */
const INIT_FLAGS = 0x80000 | 0x800;

/**
 * Watches files for changes (inotify(7)) through one kernel instance: instances are few (128 for a user, whom root in a container
 * may be too), watches are many.
 */
export class FileWatcher {
  readonly #fd: Fd;
  readonly #buffer = new Uint8Array(64 * layouts.inotify_event.sizeof);
  /** By watch descriptor; a null-prototype object, because integer keys make a Map slow here. */
  readonly #callbacks = Object.create(null) as Record<number, () => void>;

  /** Made early, before a workload could use up the instances. */
  constructor(loop: EventLoop) {
    this.#fd = new Fd(syscall('inotify_init1', '', nr.SYS_inotify_init1, INIT_FLAGS), 'inotify');
    loop.watch(this.#fd, 'read', () => this.#read());
  }

  /**
   * Calls back whenever the file sees one of the events in `mask` (IN_*); several changes may be reported as one, so look at the
   * file itself. One watch a file. Returns the function that ends it. Throws SysError.
   */
  watch(path: string, mask: number, onChange: () => void): () => void {
    const descriptor = syscall('inotify_add_watch', path, nr.SYS_inotify_add_watch, this.#fd.number, path, mask);
    this.#callbacks[descriptor] = onChange;
    return () => {
      if (this.#callbacks[descriptor] !== onChange) return;
      // Numbers of watches never come again: an entry left behind would be one for each container that ever was.
      delete this.#callbacks[descriptor];
      // The kernel has removed it already when the file is gone.
      trySyscall(nr.SYS_inotify_rm_watch, this.#fd.number, descriptor);
    };
  }

  #read(): void {
    const count = tryRead(this.#fd, this.#buffer);
    if (count === -EAGAIN) return;
    if (count < 0) throw sysError('read', count, 'inotify');
    const view = new DataView(this.#buffer.buffer, 0, count);
    const at = layouts.inotify_event;
    const changed = new Set<() => void>();
    for (
      let offset = 0;
      offset + at.sizeof <= count;
      offset += at.sizeof + view.getUint32(offset + at.len, littleEndian)
    ) {
      const callback = this.#callbacks[view.getInt32(offset + at.wd, littleEndian)];
      if (callback !== undefined) changed.add(callback);
      // The queue overflowed: whose events were lost is not known, so everybody looks.
      else if (view.getInt32(offset + at.wd, littleEndian) === -1)
        for (const all of Object.values(this.#callbacks)) changed.add(all);
    }
    for (const callback of changed) callback();
  }
}
