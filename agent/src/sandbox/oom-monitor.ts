import { IN_MODIFY } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import { keyedValue, parseFlatKeyed } from '../libcontainer/cgroup/parse-stats.ts';
import { readText } from '../sys/file.ts';
import type { FileWatcher } from '../sys/inotify.ts';

/**
 * Reports once when a process of the cgroup (or of one below it: the counter is hierarchical) was killed because memory ran out
 * (lifecycle section 13). Returns the function that stops it. Does nothing on a hierarchy without the memory controller; throws
 * when the file is there and cannot be watched.
 */
export function monitorOom(watcher: FileWatcher, cgroupDirectory: string, onOom: () => void): () => void {
  const file = `${cgroupDirectory}/memory.events`;
  let stop = (): void => undefined;
  const check = (): void => {
    let kills = 0n;
    try {
      kills = keyedValue(parseFlatKeyed(readText(file)), 'oom_kill');
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
    stop = watcher.watch(file, IN_MODIFY, check);
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return () => undefined;
    throw error;
  }
  return () => stop();
}
