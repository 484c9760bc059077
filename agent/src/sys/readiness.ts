/** Waiting for descriptors and time with promises. */
import type { AbortSignal } from '../base/abort.ts';
import { toError } from '../base/errors.ts';
import { EAGAIN } from '../abi/errno.ts';
import type { Fd } from './fd.ts';
import { tryRead, tryWrite } from './file.ts';
import type { EventLoop } from './loop.ts';
import { sysError } from './syscall.ts';

/** Settles when the descriptor is ready or hung up; rejects with the signal's reason. Nothing stays registered. */
export function readiness(loop: EventLoop, fd: Fd, interest: 'read' | 'write', signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(toError(signal.reason));
      return;
    }
    const watch = loop.watch(fd, interest, () => {
      watch.close();
      unregister?.();
      resolve();
    });
    const unregister = signal?.onAbort((reason) => {
      watch.close();
      reject(toError(reason));
    });
  });
}

/** Settles after `ms` milliseconds, or rejects with the signal's reason. */
export function sleep(loop: EventLoop, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(toError(signal.reason));
      return;
    }
    const timer = loop.setTimer(ms, () => {
      unregister?.();
      resolve();
    });
    const unregister = signal?.onAbort((reason) => {
      timer.cancel();
      reject(toError(reason));
    });
  });
}

/** Reads once from a non-blocking descriptor, waiting until something is there. 0 at the end. */
export async function readSome(loop: EventLoop, fd: Fd, buffer: Uint8Array, signal?: AbortSignal): Promise<number> {
  for (;;) {
    const count = tryRead(fd, buffer);
    if (count >= 0) return count;
    if (count !== -EAGAIN) throw sysError('read', count, fd.what);
    await readiness(loop, fd, 'read', signal);
  }
}

/** Writes all bytes to a non-blocking descriptor, waiting whenever it is full. */
export async function writeFully(loop: EventLoop, fd: Fd, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const count = tryWrite(fd, bytes.subarray(offset));
    if (count >= 0) offset += count;
    else if (count === -EAGAIN) await readiness(loop, fd, 'write', signal);
    else throw sysError('write', count, fd.what);
  }
}
