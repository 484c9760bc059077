import { SIGKILL } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { readText, writeFile } from '../../sys/file.ts';
import { kill } from '../../sys/process.ts';
import { visitTree } from './walk-tree.ts';

/** A line of text for each of up to a million processes. */
const maxListBytes = 16 << 20;

/** Process ids in one cgroup. A threaded one cannot be read (EOPNOTSUPP): its processes are listed by the domain above it. */
function pidsOf(directory: Fd): readonly number[] {
  try {
    const text = readText('cgroup.procs', { at: directory, maxBytes: maxListBytes });
    // 0 stands for a process outside our pid namespace.
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch (error) {
    if (isSysError(error, 'EOPNOTSUPP', 'ENODEV', 'ENOENT')) return [];
    throw error;
  }
}

/** Ids of all processes in a cgroup and below, ascending, each once. */
export function processIds(directory: Fd): readonly number[] {
  const pids: number[] = [];
  visitTree(directory, (each) => {
    for (const pid of pidsOf(each)) pids.push(pid);
  });
  pids.sort((a, b) => a - b);
  return pids.filter((pid, index) => pid !== pids[index - 1]);
}

function signalEach(pids: readonly number[], signal: number): void {
  for (const pid of pids) {
    try {
      kill(pid, signal);
    } catch (error) {
      if (!isSysError(error, 'ESRCH')) throw error;
    }
  }
}

function setFrozen(directory: Fd, isFrozen: boolean): void {
  try {
    writeFile('cgroup.freeze', isFrozen ? '1' : '0', { at: directory });
  } catch (error) {
    // Linux 5.2 brought it; without it the rounds below have to be enough.
    if (!isSysError(error, 'ENOENT', 'ENODEV')) throw error;
  }
}

/** Each round kills all it finds; what forks meanwhile is found by the next. Frozen groups do not fork, so few are needed. */
const maxRounds = 100;

/** SIGKILL to everything, for kernels without `cgroup.kill`. */
export function killInRounds(directory: Fd): void {
  setFrozen(directory, true);
  let left = '';
  for (let round = 0; round < maxRounds; round++) {
    const pids = processIds(directory);
    signalEach(pids, SIGKILL);
    const found = pids.join();
    // The same ones again are dying.
    if (found === '' || found === left) break;
    left = found;
  }
}

/**
 * SIGKILL to every process in a cgroup and below, at once and also to frozen ones: `cgroup.kill` (Linux 5.14), and on older
 * kernels a freeze and one by one, with a bound. Does not wait for their end.
 */
export function killAll(directory: Fd): void {
  try {
    writeFile('cgroup.kill', '1', { at: directory });
  } catch (error) {
    // ENOENT: an old kernel, or the group is gone and there is nothing to list. EOPNOTSUPP: a threaded group.
    if (!isSysError(error, 'ENOENT', 'EOPNOTSUPP')) throw error;
    killInRounds(directory);
  }
}

/** Sends a signal to every process in a cgroup and below; they stand still meanwhile unless they were frozen before. */
export function signalAll(directory: Fd, signal: number): void {
  if (signal === SIGKILL) {
    killAll(directory);
    return;
  }
  const wasFrozen = readText('cgroup.freeze', { at: directory }).trim() === '1';
  if (!wasFrozen) setFrozen(directory, true);
  try {
    signalEach(processIds(directory), signal);
  } finally {
    if (!wasFrozen) setFrozen(directory, false);
  }
}
