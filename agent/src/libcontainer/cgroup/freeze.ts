import { DomainError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import { writeFile } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { keyedValue, parseFlatKeyed } from './parse-stats.ts';
import { watchCgroupFile } from './watch-file.ts';

/** A process that sleeps in the kernel (a dead network file system) never freezes. */
const defaultDeadlineMs = 10_000;

/** Settles true when `cgroup.events` has the state, false after `deadlineMs`; rejects `not_found` when the cgroup goes. */
function waitForFrozen(loop: EventLoop, directory: Fd, isFrozen: boolean, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | undefined;
    let isSettled = false;
    const end = (settle: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      stop?.();
      settle();
    };
    const timer = loop.setTimer(deadlineMs, () => end(() => resolve(false)));
    stop = watchCgroupFile(loop, directory, 'cgroup.events', (text) => {
      if (text === undefined) end(() => reject(new DomainError('not_found', 'the cgroup is gone')));
      else if (keyedValue(parseFlatKeyed(text), 'frozen') === (isFrozen ? 1n : 0n)) end(() => resolve(true));
    });
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the first report comes before `stop` is known
    if (isSettled) stop();
  });
}

/** Freezes a cgroup and waits until every process in it stands still; thawed again, and `deadline_exceeded`, if one does not. */
export async function freezeAndWait(loop: EventLoop, directory: Fd, deadlineMs = defaultDeadlineMs): Promise<void> {
  writeFile('cgroup.freeze', '1', { at: directory });
  if (await waitForFrozen(loop, directory, true, deadlineMs)) return;
  writeFile('cgroup.freeze', '0', { at: directory });
  throw new DomainError('deadline_exceeded', `the cgroup did not freeze within ${deadlineMs} ms`);
}

/** Thaws a cgroup and waits for it; a frozen one above keeps it frozen, which is `failed_precondition`. */
export async function thawAndWait(loop: EventLoop, directory: Fd, deadlineMs = defaultDeadlineMs): Promise<void> {
  writeFile('cgroup.freeze', '0', { at: directory });
  if (await waitForFrozen(loop, directory, false, deadlineMs)) return;
  throw new DomainError('failed_precondition', 'the cgroup stays frozen: one above it is');
}
