import { EAGAIN } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import * as nr from '../abi/syscalls.ts';
import { Fd } from './fd.ts';
import { tryRead } from './file.ts';
import type { EventLoop } from './loop.ts';
import { syscall, sysError } from './syscall.ts';

/** IN_CLOEXEC | IN_NONBLOCK: the same bits as O_CLOEXEC and O_NONBLOCK. */
const INIT_FLAGS = 0x80000 | 0x800;

/**
 * inotify(7): calls back whenever one of the given files sees one of the events in `mask` (IN_*). Several changes may be
 * reported as one, so look at the file itself. Returns the function that stops it.
 */
export function watchFiles(loop: EventLoop, paths: readonly string[], mask: number, onChange: () => void): () => void {
  const fd = new Fd(syscall('inotify_init1', '', nr.SYS_inotify_init1, INIT_FLAGS), 'inotify');
  try {
    for (const path of paths) syscall('inotify_add_watch', path, nr.SYS_inotify_add_watch, fd.number, path, mask);
  } catch (error) {
    fd.close();
    throw error;
  }
  const buffer = new Uint8Array(64 * layouts.inotify_event.sizeof);
  const watch = loop.watch(fd, 'read', () => {
    const count = tryRead(fd, buffer);
    if (count === -EAGAIN) return;
    if (count < 0) throw sysError('read', count, 'inotify');
    onChange();
  });
  let isStopped = false;
  return () => {
    if (isStopped) return;
    isStopped = true;
    watch.close();
    fd.close();
  };
}
