import { SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import type { EventLoop } from '../sys/loop.ts';
import { setChildSubreaper } from '../sys/process.ts';
import { exitNumber } from '../sys/reaper.ts';
import type { ContainerProcess } from '../libcontainer/types.ts';
import { watchSignals } from '../sys/signal.ts';
import type { TerminalRelay } from './terminal-relay.ts';

/** Not for the container: about our own children, our own pipes, our own place in a job. */
const kept: readonly number[] = [SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU, SIGURG];
const forwarded = Array.from({ length: 31 }, (_, index) => index + 1).filter(
  (signal) => !kept.includes(signal) && signal !== 9 && signal !== 19,
);

/** Orphans of the container's processes become ours and are collected, so that nobody has to wait for zombies. */
export function adoptOrphans(): void {
  setChildSubreaper();
}

function forward(process: ContainerProcess, signal: number): void {
  try {
    process.signal(signal);
  } catch (error) {
    if (!isSysError(error, 'ESRCH')) throw error;
  }
}

/** Stands in front of a process until it ends: signals go to it, its terminal is ours. Gives the exit code as a shell counts. */
export async function attend(loop: EventLoop, process: ContainerProcess): Promise<number> {
  let relay: TerminalRelay | undefined;
  if (process.stdio.kind === 'terminal') {
    relay = (await import('./terminal-relay.ts')).TerminalRelay.start(loop, process.stdio.master);
  }
  const stop = watchSignals(loop, forwarded, ({ signal }) => {
    if (signal === SIGWINCH && relay !== undefined) relay.resize();
    else forward(process, signal);
  });
  try {
    const status = await process.exit;
    await relay?.drain();
    return exitNumber(status);
  } finally {
    stop();
    relay?.end();
  }
}
