/** External commands of the guest (mkfs, modprobe...): fixed absolute paths, own process group, bounded output, a deadline. */
import { SIGKILL } from '../abi/constants.ts';
import { EAGAIN } from '../abi/errno.ts';
import { AbortController } from '../base/abort.ts';
import type { AbortSignal } from '../base/abort.ts';
import { DomainError, wrapError, toError } from '../base/errors.ts';
import { Scope } from '../base/scope.ts';
import { pipe, setNonBlocking } from './descriptor.ts';
import { executeCommand } from './execute-command.ts';
import type { Program } from './execute-command.ts';
import type { Fd } from './fd.ts';
import { tryRead, tryWrite } from './file.ts';
import type { OffloadContext } from './offload.ts';
import { clone3, kill } from './process.ts';
import type { ExitStatus } from './reaper.ts';

/** The path is absolute, in the agent's root. */
export interface CommandOptions extends Program {
  readonly stdin?: Uint8Array;
  /** Of each stream; more is read and thrown away. */
  readonly maxOutputBytes: number;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  readonly status: ExitStatus;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/**
 * Runs a command to its end. At the deadline its whole session is killed and the error is `deadline_exceeded`, also when the
 * kernel does not let it die (a hung disk): then the reaper has it whenever it ends.
 */
export async function runCommand(context: OffloadContext, options: CommandOptions): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  await using pipes = new Scope();
  const [input, output, errors] = [ownedPipe(pipes), ownedPipe(pipes), ownedPipe(pipes)];
  const child = clone3({ flags: 0 });
  if (child === 'child') executeCommand(options, input.reader, output.writer, errors.writer);
  for (const fd of [input.reader, output.writer, errors.writer]) fd.close();
  const controller = new AbortController();
  const killGroup = (): void => {
    try {
      kill(-child.pid, SIGKILL);
    } catch {
      // The session is gone already.
    }
  };
  const giveUp = (reason: unknown): void => {
    killGroup();
    controller.abort(reason);
  };
  const exited = exitOf(context, child, controller.signal);
  // Nobody looks at it any more when the set-up below fails.
  exited.catch(() => undefined);
  const timer = context.loop.setTimer(options.deadlineMs, () =>
    giveUp(new DomainError('deadline_exceeded', `not done after ${options.deadlineMs} ms`)),
  );
  const unregister = options.signal?.onAbort(giveUp);
  try {
    const stdout = drain(context, output.reader, options.maxOutputBytes, controller.signal);
    const stderr = drain(context, errors.reader, options.maxOutputBytes, controller.signal);
    feed(context, input.writer, options.stdin ?? new Uint8Array(0), controller.signal);
    const status = await exited;
    // A daemon left behind would keep the pipes open.
    killGroup();
    const result = { status, stdout: await stdout, stderr: await stderr };
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw wrapError(options.path, error);
  } finally {
    timer.cancel();
    unregister?.();
    // Ends the watches before their descriptors are closed.
    controller.abort();
  }
}

/** Registered before the next one is made, which may fail. */
function ownedPipe(scope: Scope): ReturnType<typeof pipe> {
  const made = pipe();
  scope.use(made.reader);
  scope.use(made.writer);
  return made;
}

/** The child's status; rejects when the signal fires first. */
function exitOf(
  context: OffloadContext,
  child: { readonly pid: number; readonly pidfd: Fd },
  signal: AbortSignal,
): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    const unregister = signal.onAbort((reason) => reject(toError(reason)));
    context.reaper.onExit(child.pid, (status) => {
      child.pidfd.close();
      unregister();
      resolve(status);
    });
  });
}

/** What came until the end of the stream or until the signal fires. */
function drain(context: OffloadContext, fd: Fd, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  setNonBlocking(fd, true);
  const kept = new Uint8Array(maxBytes);
  const buffer = new Uint8Array(16 << 10);
  let length = 0;
  return new Promise((resolve) => {
    const end = (): void => {
      watch.close();
      unregister();
      resolve(kept.slice(0, length));
    };
    const watch = context.loop.watch(fd, 'read', () => {
      const count = tryRead(fd, buffer);
      if (count === -EAGAIN) return;
      if (count <= 0) {
        end();
        return;
      }
      const part = buffer.subarray(0, Math.min(count, maxBytes - length));
      kept.set(part, length);
      length += part.length;
    });
    const unregister = signal.onAbort(end);
  });
}

/** Writes the input as the command takes it; one that does not read it is not an error. */
function feed(context: OffloadContext, fd: Fd, bytes: Uint8Array, signal: AbortSignal): void {
  setNonBlocking(fd, true);
  let offset = 0;
  const end = (): void => {
    watch.close();
    unregister();
    fd.close();
  };
  const watch = context.loop.watch(fd, 'write', () => {
    const count = offset < bytes.length ? tryWrite(fd, bytes.subarray(offset, offset + 65536)) : -1;
    if (count === -EAGAIN) return;
    if (count > 0) offset += count;
    if (count <= 0 || offset >= bytes.length) end();
  });
  const unregister = signal.onAbort(end);
}
