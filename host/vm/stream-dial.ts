import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { HostError } from './host-error.ts';

/** Options of every dial. `timeoutMs` bounds the whole of it. */
export interface DialOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one attempt to open `stream` under a time limit and a signal. `ready` is told how to succeed and how to fail;
 * whatever happens, exactly one outcome counts, and a failed stream is destroyed.
 */
export async function openWithin<T extends Duplex>(
  stream: T,
  what: string,
  options: DialOptions,
  ready: (succeed: () => void, fail: (error: Error) => void) => void,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      stream.removeListener('error', onError);
      if (error === undefined) {
        resolve(stream);
        return;
      }
      // Late errors of an abandoned stream have nowhere to go.
      stream.on('error', () => undefined);
      stream.destroy();
      reject(error);
    };
    const fail = (error: Error): void => settle(error);
    const onError = (error: Error): void => settle(new HostError(what, { cause: error }));
    const onAbort = (): void => settle(options.signal?.reason as Error);
    const timer = setTimeout(
      () => settle(new HostError(`${what}: no answer in ${Math.round(options.timeoutMs)} ms`)),
      options.timeoutMs,
    );
    stream.on('error', onError);
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted === true) onAbort();
    else ready(() => settle(undefined), fail);
  });
}

/** Connects to a Unix socket. @throws HostError */
export async function dialUnix(path: string, options: DialOptions): Promise<Duplex> {
  const socket = connect(path);
  return await openWithin(socket, `connect ${path}`, options, (succeed) => socket.once('connect', succeed));
}
