import { AbortController } from '../../base/abort.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import { setNonBlocking } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readiness } from '../../sys/readiness.ts';
import { receiveMessage } from '../../sys/socket.ts';
import { maxPacketBytes } from '../plan/handshake.ts';
import { LaunchError } from '../plan/launch-failure.ts';
import { LaunchSequence } from '../plan/launch-sequence.ts';

export interface ReadyOptions {
  readonly expectsTerminal: boolean;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Told what the child created on the root's file system, also when it fails. */
  readonly onCreated: (paths: readonly string[]) => void;
}

async function takePackets(
  loop: EventLoop,
  sync: Fd,
  options: ReadyOptions,
  signal: AbortSignal,
): Promise<Fd | undefined> {
  const sequence = new LaunchSequence(options.expectsTerminal);
  let master: Fd | undefined;
  try {
    for (;;) {
      const message = receiveMessage(sync, maxPacketBytes);
      if (message === undefined) {
        await readiness(loop, sync, 'read', signal);
        continue;
      }
      if (message.bytes.length === 0)
        throw sequence.ended() ?? new DomainError('internal', 'launch handshake ended twice');
      for (const fd of message.fds) {
        if (master === undefined) master = fd;
        else fd.close();
      }
      const event = sequence.receive(message.bytes, message.fds.length);
      if (event.kind === 'terminal') continue;
      options.onCreated(event.created);
      if (event.kind === 'failed') throw new LaunchError(event.failure);
      return master;
    }
  } catch (error) {
    master?.close();
    throw error;
  }
}

/**
 * Waits until the new process is ready, and gives the master of its terminal if it has one. Rejects with the child's own
 * `LaunchError`, `deadline_exceeded`, or the reason of the signal; nothing stays registered.
 */
export async function awaitReady(loop: EventLoop, sync: Fd, options: ReadyOptions): Promise<Fd | undefined> {
  setNonBlocking(sync, true);
  const controller = new AbortController();
  const unregister = options.signal?.onAbort((reason) => controller.abort(reason));
  const timer = loop.setTimer(options.deadlineMs, () => {
    controller.abort(
      new DomainError('deadline_exceeded', `the new process was not ready within ${options.deadlineMs} ms`),
    );
  });
  try {
    return await takePackets(loop, sync, options, controller.signal);
  } finally {
    timer.cancel();
    unregister?.();
  }
}
