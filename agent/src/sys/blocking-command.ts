/** Commands run by a program without an event loop: a process on its way into a container. */
import { O_NONBLOCK, SIGKILL } from '../abi/constants.ts';
import { DomainError } from '../base/errors.ts';
import { memfd, pipe, setNonBlocking } from './descriptor.ts';
import { executeCommand } from './execute-command.ts';
import type { Program } from './execute-command.ts';
import { tryRead } from './file.ts';
import { blockUntilAny } from './poll.ts';
import { clone3, collectEnded, kill, waitBlocking } from './process.ts';
import type { ExitStatus } from './process.ts';
import { monotonicMs } from './system.ts';

export interface BlockingCommand extends Program {
  /** Given as a file, so that a program that does not read it blocks nobody. */
  readonly stdin: Uint8Array;
  /** Of stdout and stderr together; more is read and thrown away. */
  readonly maxOutputBytes: number;
  /** Infinity: none. */
  readonly deadlineMs: number;
}

export interface BlockingResult {
  readonly status: ExitStatus;
  readonly output: Uint8Array;
}

function killGroup(pid: number): void {
  try {
    kill(-pid, SIGKILL);
  } catch {
    // The session is gone already.
  }
}

/**
 * Runs a command to its end. At the deadline its whole session is killed and the error is `deadline_exceeded`. What it leaves
 * behind in its process group is killed too, and every child that has ended is collected.
 */
export function runBlocking(command: BlockingCommand): BlockingResult {
  using input = memfd('command-input', { sealed: command.stdin });
  const { reader, writer } = pipe(O_NONBLOCK);
  using output = reader;
  // Only our own end: the program gets an ordinary pipe.
  setNonBlocking(writer, false);
  const child = clone3({ flags: 0 });
  if (child === 'child') executeCommand(command, input, writer, writer);
  writer.close();
  using pidfd = child.pidfd;
  const kept = new Uint8Array(command.maxOutputBytes);
  const buffer = new Uint8Array(16 << 10);
  let length = 0;
  const open = new Set([output]);
  const drain = (): void => {
    for (;;) {
      const count = tryRead(output, buffer);
      if (count <= 0) {
        // Its end is readable for ever.
        if (count === 0) open.delete(output);
        return;
      }
      const part = buffer.subarray(0, Math.min(count, kept.length - length));
      kept.set(part, length);
      length += part.length;
    }
  };
  const endMs = monotonicMs() + command.deadlineMs;
  for (let hasEnded = false; !hasEnded;) {
    const leftMs = endMs - monotonicMs();
    const ready = leftMs <= 0 ? [] : blockUntilAny([pidfd, ...open], leftMs);
    drain();
    hasEnded = ready[0] === true;
    if (hasEnded || monotonicMs() < endMs) continue;
    killGroup(child.pid);
    waitBlocking(pidfd);
    collectEnded();
    throw new DomainError('deadline_exceeded', `${command.path}: not done after ${command.deadlineMs} ms`);
  }
  // Before it is collected: until then nobody else can have its number.
  killGroup(child.pid);
  const status = waitBlocking(pidfd);
  drain();
  collectEnded();
  return { status, output: kept.slice(0, length) };
}
