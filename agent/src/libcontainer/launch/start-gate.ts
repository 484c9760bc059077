import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { unlink } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readiness } from '../../sys/readiness.ts';
import { bindPacketSocket, connectPacketSocket, peerPid, sendMessage } from '../../sys/socket.ts';
import { decodeInitMessage, encodeMessage } from '../plan/handshake.ts';
import { LaunchError } from '../plan/launch-failure.ts';
import { receivePacket } from './receive-packet.ts';
import { readStartTime } from './recorded-init.ts';
import type { RecordedInit } from './recorded-init.ts';

/** Name of the start gate in the state directory of a container. */
export const startSocketName = 'start.sock';

/** Through the descriptor, so that the length of the directory's path does not matter (unix(7): 107 bytes). */
function gatePath(directory: Fd): string {
  return `/proc/self/fd/${directory.number}/${startSocketName}`;
}

/** Makes the gate's socket. Nobody answers there until the container's init listens on it. */
export function createStartSocket(directory: Fd): Fd {
  return bindPacketSocket(gatePath(directory));
}

/** Takes the socket's name away; after a start nobody is behind it. */
export function removeStartSocket(directory: Fd): void {
  try {
    unlink(startSocketName, directory);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}

/** A connection to the init that waits behind the gate; undefined when none does. */
function connectGate(directory: Fd): Fd | undefined {
  try {
    return connectPacketSocket(gatePath(directory));
  } catch (error) {
    if (isSysError(error, 'ECONNREFUSED', 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Reads what a started process has to say until the end of the stream, which comes with execve. Rejects with a `LaunchError`
 * when it could not get that far. False: it was killed on the way (or is one that does not say that it executes the program).
 */
export async function followStart(
  loop: EventLoop,
  gate: Fd,
  onNote: (text: string) => void,
  signal?: AbortSignal,
): Promise<boolean> {
  let isExecuting = false;
  for (;;) {
    const received = receivePacket(gate);
    if (received === undefined) {
      await readiness(loop, gate, 'read', signal);
      continue;
    }
    for (const fd of received.fds) fd.close();
    if (received.bytes.length === 0) return isExecuting;
    const message = decodeInitMessage(received.bytes);
    if (message?.type === 'failed') throw new LaunchError(message.failure);
    if (message?.type === 'executing') isExecuting = true;
    else if (message?.type !== 'note')
      throw new DomainError('internal', 'start: unexpected message from the init process');
    else onNote(message.text);
  }
}

/** `followStart` for an init that has to get there: `failed_precondition` when it was killed on the way. */
export async function confirmStart(...args: Parameters<typeof followStart>): Promise<void> {
  if (await followStart(...args)) return;
  throw new DomainError('failed_precondition', 'the init process was killed before it executed the program');
}

/** Says `start`; a dead init is `failed_precondition`. */
export function sayStart(gate: Fd): void {
  try {
    sendMessage(gate, encodeMessage({ type: 'start' }));
  } catch (error) {
    throw new DomainError('failed_precondition', 'the init process ended before it was started', error);
  }
}

/**
 * Starts a container whose create command is long gone: settles when its program is executed. Rejects with the child's
 * `LaunchError`, or `failed_precondition` when no init waits, or another process than the recorded one does.
 */
export async function openStartGate(
  loop: EventLoop,
  directory: Fd,
  init: Pick<RecordedInit, 'pid' | 'startTime'>,
  signal?: AbortSignal,
): Promise<void> {
  using connection = connectGate(directory);
  if (connection === undefined) throw new DomainError('failed_precondition', 'no init process waits for the start');
  const pid = peerPid(connection);
  if (pid !== init.pid || readStartTime(pid) !== init.startTime) {
    throw new DomainError('failed_precondition', `process ${pid} waits for the start, not init ${init.pid}`);
  }
  sayStart(connection);
  await confirmStart(loop, connection, () => undefined, signal);
}
