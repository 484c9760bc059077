import { IN_MODIFY } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import { keyedValue, parseFlatKeyed } from '../libcontainer/cgroup/parse-stats.ts';
import type { Fd } from '../sys/fd.ts';
import { readText } from '../sys/file.ts';
import type { FileWatcher } from '../sys/inotify.ts';

/**
 * Reports once when a process of the cgroup (or of one below it: the counter is hierarchical) was killed because memory ran out
 * (lifecycle section 13). Returns the function that stops it. Does nothing on a hierarchy without the memory controller; throws
 * when the file is there and cannot be watched.
 */
export function monitorOom(watcher: FileWatcher, cgroup: Fd, onOom: () => void): () => void {
  let stop = (): void => undefined;
  const check = (): void => {
    let kills = 0n;
    try {
      // Through the descriptor itself: its number may be another cgroup's once this one was closed.
      kills = keyedValue(parseFlatKeyed(readText('memory.events', { at: cgroup })), 'oom_kill');
    } catch {
      // The cgroup is gone.
      stop();
      return;
    }
    if (kills === 0n) return;
    stop();
    onOom();
  };
  try {
    stop = watcher.watch(`/proc/self/fd/${cgroup.number}/memory.events`, IN_MODIFY, check);
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return () => undefined;
    throw error;
  }
  return () => stop();
}
