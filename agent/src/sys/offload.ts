/**
 * Work that may block (mounting a share, fsync, a slow device) runs in a forked child: it shares the mount namespace, its
 * result comes back on a pipe, and a hung one blocks nobody (design, "Staying alive").
 */
import { SIGKILL } from '../abi/constants.ts';
import { EAGAIN } from '../abi/errno.ts';
import type { AbortSignal } from '../base/abort.ts';
import { AbandonedError, DomainError, describeError, toError } from '../base/errors.ts';
import { failpoint } from '../base/failpoint.ts';
import { SysError } from '../base/sys-error.ts';
import { decodeBytes, encodeBytes } from '../base/text.ts';
import { Fd } from './fd.ts';
import { duplicateTo, pipe, setNonBlocking } from './descriptor.ts';
import { tryRead, writeAll } from './file.ts';
import type { EventLoop } from './loop.ts';
import { clone3, closeRange, exit, pidfdSignal } from './process.ts';
import type { Reaper } from './reaper.ts';

/** Children at once; each may be stuck in the kernel for ever. */
const MAX_CHILDREN = 16;
/** A result is small; a larger one is a bug in the work. */
const MAX_RESULT_BYTES = 1 << 20;
/** The only descriptor of the agent that a child has, beside the standard ones. */
const RESULT_DESCRIPTOR = 3;

export interface OffloadContext {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
}

export interface OffloadOptions<T> {
  /** After this many milliseconds the caller gets `deadline_exceeded`, as an AbandonedError when there is an `undo`. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Waits, at most for the deadline, when all children are busy; for work that must not be left out, such as an unmount. */
  readonly waitsForRoom?: boolean;
  /**
   * Undoes a success that came after the caller had given up. With it the child is left to finish, without it the child is
   * killed. Runs in a child of its own.
   */
  readonly undo?: ((late: T) => void) | undefined;
}

type Outcome<T> = { ok: T } | { sys: [string, number, string, string] } | { error: string; code?: DomainError['code'] };

/** Work that waits for room, in order. */
const queue: (() => void)[] = [];
let running = 0;
let abandoned = 0;

/** Children running now, and how many of them nobody waits for any more. For metrics. */
export function offloadCounts(): { readonly running: number; readonly abandoned: number } {
  return { running, abandoned };
}

/**
 * Runs `work` in a forked child and gives its result, which must survive JSON (undefined becomes null). Errors keep their
 * SysError form. The child runs straight-line code: `work` must not use promises, timers or the event loop, and no descriptor
 * that was opened outside of it.
 */
export function offload<T>(
  context: OffloadContext,
  name: string,
  work: () => T,
  options: OffloadOptions<T>,
): Promise<T> {
  if (options.signal?.aborted === true) return Promise.reject(toError(options.signal.reason));
  // When every child is stuck there may never be room.
  if (running >= MAX_CHILDREN && options.waitsForRoom === true && abandoned < MAX_CHILDREN)
    return room(context, name, options.deadlineMs).then(() => offload(context, name, work, options));
  if (running >= MAX_CHILDREN)
    return Promise.reject(
      new DomainError('resource_exhausted', `${name}: ${MAX_CHILDREN} blocking operations are under way`),
    );
  const { reader, writer } = pipe();
  let child: ReturnType<typeof clone3>;
  try {
    setNonBlocking(reader, true);
    child = clone3({ flags: 0 });
  } catch (error) {
    reader.close();
    writer.close();
    return Promise.reject(toError(error));
  }
  if (child === 'child') runChild(writer, work);
  writer.close();
  running += 1;
  return new Promise<T>((resolve, reject) => {
    collect(context, name, reader, child, options, resolve, reject);
  });
}

function room(context: OffloadContext, name: string, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const enter = (): void => {
      timer.cancel();
      resolve();
    };
    const timer = context.loop.setTimer(ms, () => {
      queue.splice(queue.indexOf(enter), 1);
      reject(new DomainError('resource_exhausted', `${name}: no room among ${MAX_CHILDREN} operations for ${ms} ms`));
    });
    queue.push(enter);
  });
}

/** The child: nothing may unwind past here (engine-facts 2). */
function runChild(writer: Fd, work: () => unknown): never {
  try {
    // A child that is stuck must not keep a client's connection or a container's stdin open after the agent closed them.
    duplicateTo(writer, RESULT_DESCRIPTOR);
    closeRange(RESULT_DESCRIPTOR + 1, 0xffffffff);
    const result = new Fd(RESULT_DESCRIPTOR, 'result');
    let outcome: Outcome<unknown>;
    try {
      failpoint('offload.child');
      outcome = { ok: work() ?? null };
    } catch (error) {
      if (error instanceof SysError) outcome = { sys: [error.call, error.errno, error.code, error.subject] };
      else if (error instanceof DomainError) outcome = { error: describeError(error), code: error.code };
      else outcome = { error: describeError(error) };
    }
    writeAll(result, encodeBytes(JSON.stringify(outcome)));
  } catch {
    exit(1);
  } finally {
    exit(0);
  }
}

function collect<T>(
  context: OffloadContext,
  name: string,
  reader: Fd,
  child: { readonly pid: number; readonly pidfd: Fd },
  options: OffloadOptions<T>,
  resolve: (value: T) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let hasGivenUp = false;
  let settle = (): void => undefined;
  const buffer = new Uint8Array(4096);

  const giveUp = (reason: Error): void => {
    if (hasGivenUp) return;
    hasGivenUp = true;
    abandoned += 1;
    stopWaiting();
    // Reaped already when its last words were not read yet.
    if (options.undo === undefined && child.pidfd.isOpen) pidfdSignal(child.pidfd, SIGKILL);
    reject(reason);
  };
  const timer = context.loop.setTimer(options.deadlineMs, () => {
    const message = `${name}: not done after ${options.deadlineMs} ms`;
    if (options.undo === undefined) giveUp(new DomainError('deadline_exceeded', message));
    else giveUp(new AbandonedError(message, new Promise((resolveSettled) => (settle = resolveSettled))));
  });
  const unregister = options.signal?.onAbort((reason) => giveUp(toError(reason)));
  const stopWaiting = (): void => {
    timer.cancel();
    unregister?.();
  };

  const watch = context.loop.watch(reader, 'read', () => {
    for (;;) {
      const count = tryRead(reader, buffer);
      if (count === -EAGAIN) return;
      if (count <= 0 || length > MAX_RESULT_BYTES) break;
      chunks.push(buffer.slice(0, count));
      length += count;
    }
    watch.close();
    reader.close();
    finish();
  });

  const finish = (): void => {
    running -= 1;
    queue.shift()?.();
    const outcome = parseOutcome<T>(chunks, length);
    if (hasGivenUp) {
      abandoned -= 1;
      const { undo } = options;
      if (undo === undefined || outcome === undefined || !('ok' in outcome)) return settle();
      const late = outcome.ok;
      offload(context, `undo of ${name}`, () => undo(late), { deadlineMs: options.deadlineMs }).then(settle, settle);
      return;
    }
    stopWaiting();
    if (outcome === undefined) reject(new DomainError('internal', `${name}: its process died`));
    else if ('ok' in outcome) resolve(outcome.ok);
    else if ('sys' in outcome) reject(new SysError(...outcome.sys));
    else reject(new DomainError(outcome.code ?? 'internal', outcome.error));
  };
  context.reaper.onExit(child.pid, () => child.pidfd.close());
}

function parseOutcome<T>(chunks: readonly Uint8Array[], length: number): Outcome<T> | undefined {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  try {
    return JSON.parse(decodeBytes(bytes)) as Outcome<T>;
  } catch {
    return undefined;
  }
}
