import { TCGETS } from '../abi/constants.ts';
import { EPIPE } from '../abi/errno.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { AbortController } from '../base/abort.ts';
import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import { isSysError } from '../base/sys-error.ts';
import type { Fd } from '../sys/fd.ts';
import type { EventLoop } from '../sys/loop.ts';
import { writeFully } from '../sys/readiness.ts';
import { ioctl } from '../sys/terminal.ts';
import type { ProcessInput } from './process-streams.ts';
import { SerialQueue } from './serial-queue.ts';

/** `struct termios` of the kernel (asm-generic/termbits.h): four words of flags, the line discipline, control characters. */
const termios = { sizeof: 60, c_lflag: 12, c_cc: 17, VEOF: 4, ICANON: 2 } as const;

/** What a process reads: a pipe, or (a descriptor of its own for) the master of its terminal. Writes are served in order. */
export class InputStream implements ProcessInput {
  readonly #loop: EventLoop;
  readonly #fd: Fd;
  readonly #isTerminal: boolean;
  readonly #queue = new SerialQueue();
  /** Ends what waits for the descriptor before it is closed: a watch must not outlive its descriptor. */
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(loop: EventLoop, fd: Fd, isTerminal: boolean) {
    this.#loop = loop;
    this.#fd = fd;
    this.#isTerminal = isTerminal;
  }

  /** Settles when every byte was taken; a process that does not read keeps it waiting until the signal fires. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    // Asked now, not when its turn comes: what was written before the end belongs to the input.
    if (this.#isClosed) return Promise.reject(stdinClosed());
    return this.#queue.run(async () => {
      signal.throwIfAborted();
      if (!this.#fd.isOpen) throw stdinClosed();
      const either = new AbortController();
      const leaveCall = signal.onAbort((reason) => either.abort(reason));
      const leaveStream = this.#closing.signal.onAbort((reason) => either.abort(reason));
      try {
        await writeFully(this.#loop, this.#fd, bytes, either.signal);
      } catch (error) {
        if (isSysError(error) && error.errno === EPIPE)
          throw new DomainError('internal', 'Broken pipe (os error 32): nobody reads stdin any more', error);
        throw error;
      } finally {
        leaveCall();
        leaveStream();
      }
    });
  }

  /**
   * Ends the input after the writes that are queued. A pipe is closed; a terminal in line mode gets its end-of-file
   * character, because closing the master would hang up the session (lifecycle 5.3, the gentler choice). Again: nothing.
   */
  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = !this.#isTerminal;
    void this.#queue.run(async () => {
      if (!this.#fd.isOpen) return;
      if (this.#isTerminal) await this.#sendEndOfFile();
      else this.#fd.close();
    });
  }

  /** Closes at once. */
  close(): void {
    this.#isClosed = true;
    this.#closing.abort(stdinClosed());
    this.#fd.close();
  }

  async #sendEndOfFile(): Promise<void> {
    const settings = new StructView(termios.sizeof);
    try {
      ioctl(this.#fd, 'TCGETS', TCGETS, settings.bytes);
      if ((settings.u32(termios.c_lflag) & termios.ICANON) === 0) return;
      const character = settings.bytes.slice(termios.c_cc + termios.VEOF, termios.c_cc + termios.VEOF + 1);
      await writeFully(this.#loop, this.#fd, character, this.#closing.signal);
    } catch (error) {
      // The session has ended already, or the stream was closed: then so has its input.
      if (!isSysError(error) && !this.#isClosed) throw error;
    }
  }
}

function stdinClosed(): DomainError {
  return new DomainError('internal', 'Cannot get writer: stdin is closed');
}
