/** External commands of the guest (mkfs, modprobe...): fixed absolute paths, own process group, bounded output, a deadline. */
import { SIGKILL } from '../abi/constants.ts';
import { EAGAIN } from '../abi/errno.ts';
import type { AbortSignal } from '../base/abort.ts';
import { DomainError, wrapError } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';
import { Fd } from './fd.ts';
import { duplicateTo, pipe, setNonBlocking, tryRead, tryWrite } from './file.ts';
import type { OffloadContext } from './offload.ts';
import { clone3, closeRange, execve, exit, kill, setSignalMask, setsid } from './process.ts';
import type { ExitStatus } from './reaper.ts';

export interface CommandOptions {
  /** Absolute path in the agent's root. */
  readonly path: string;
  /** Including argument 0. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
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

/** Exit code of a child that could not execute the program; the reason comes on stderr. */
const EXEC_FAILED = 127;

/** Runs a command to its end. At the deadline its whole session is killed and the error is `deadline_exceeded`. */
export async function runCommand(context: OffloadContext, options: CommandOptions): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const input = pipe();
  const output = pipe();
  const errors = pipe();
  const child = clone3({ flags: 0 });
  if (child === 'child') runChild(options, input.reader, output.writer, errors.writer);
  for (const fd of [input.reader, output.writer, errors.writer]) fd.close();
  const exited = context.reaper.watch(child.pid);
  const killGroup = (): void => {
    try {
      kill(-child.pid, SIGKILL);
    } catch {
      // The session is gone already.
    }
  };
  let failure: unknown;
  const giveUp = (reason: unknown): void => {
    failure ??= reason;
    killGroup();
  };
  const timer = context.loop.setTimer(options.deadlineMs, () =>
    giveUp(new DomainError('deadline_exceeded', `${options.path}: not done after ${options.deadlineMs} ms`)),
  );
  const unregister = options.signal?.onAbort(giveUp);
  try {
    const stdout = drain(context, output.reader, options.maxOutputBytes);
    const stderr = drain(context, errors.reader, options.maxOutputBytes);
    feed(context, input.writer, options.stdin ?? new Uint8Array(0));
    const status = await exited;
    // A daemon left behind would keep the pipes open.
    killGroup();
    const result = { status, stdout: await stdout, stderr: await stderr };
    if (failure !== undefined) throw wrapError(options.path, failure);
    return result;
  } finally {
    timer.cancel();
    unregister?.();
    child.pidfd.close();
    for (const fd of [input.writer, output.reader, errors.reader]) fd.close();
  }
}

function runChild(options: CommandOptions, stdin: Fd, stdout: Fd, stderr: Fd): never {
  try {
    setsid();
    duplicateTo(stdin, 0);
    duplicateTo(stdout, 1);
    duplicateTo(stderr, 2);
    closeRange(3, 0xffffffff);
    setSignalMask(0n);
    execve(options.path, options.argv, options.env);
  } catch (error) {
    const text = encodeBytes(`${String(error)}\n`);
    tryWrite(new Fd(2, 'stderr'), text);
  } finally {
    exit(EXEC_FAILED);
  }
}

function drain(context: OffloadContext, fd: Fd, maxBytes: number): Promise<Uint8Array> {
  setNonBlocking(fd, true);
  const kept = new Uint8Array(maxBytes);
  const buffer = new Uint8Array(16 << 10);
  let length = 0;
  return new Promise((resolve) => {
    const watch = context.loop.watch(fd, 'read', () => {
      const count = tryRead(fd, buffer);
      if (count === -EAGAIN) return;
      if (count > 0) {
        const part = buffer.subarray(0, Math.min(count, maxBytes - length));
        kept.set(part, length);
        length += part.length;
        return;
      }
      watch.close();
      resolve(kept.slice(0, length));
    });
  });
}

/** Writes the input as the command takes it; one that does not read it is not an error. */
function feed(context: OffloadContext, fd: Fd, bytes: Uint8Array): void {
  setNonBlocking(fd, true);
  let offset = 0;
  const watch = context.loop.watch(fd, 'write', () => {
    const count = offset < bytes.length ? tryWrite(fd, bytes.subarray(offset, offset + 65536)) : -1;
    if (count === -EAGAIN) return;
    if (count > 0) offset += count;
    if (count <= 0 || offset >= bytes.length) {
      watch.close();
      fd.close();
    }
  });
}
