import { EAGAIN } from '../../abi/errno.ts';
import type { Fd } from '../../sys/fd.ts';
import { tryWrite } from '../../sys/file.ts';
import type { EventLoop, Timer, Watch } from '../../sys/loop.ts';
import { tryReadOutput } from '../../sys/terminal.ts';

/** Read in one go; more would let one busy stream hold up the API. */
const PIECE_BYTES = 32 << 10;
/** Pieces in one turn of the loop. */
const PIECES_PER_TURN = 4;
/** How long the output of a dead process may be silent before it counts as ended, as for ReadStdout (lifecycle 5.3). */
const DRAIN_MS = 500;

/** Where reads land first; what cannot be written at once is copied out before the next read. */
const scratch = new Uint8Array(PIECE_BYTES);

export interface StreamCopyOptions {
  /** What the source cannot give to a reader that is gone is thrown away, instead of ending the copy. */
  readonly discardsWhenBroken: boolean;
  /** Called once, also after `stop`. The descriptors are the caller's to close. */
  readonly onEnd: () => void;
}

/**
 * Copies bytes from one non-blocking descriptor to another until the first ends. Nothing more is read while something waits to be
 * written, so a slow reader stops the writer and nobody else.
 */
export class StreamCopy {
  readonly #loop: EventLoop;
  readonly #from: Fd;
  readonly #to: Fd;
  readonly #options: StreamCopyOptions;
  /** Read and not yet written. */
  #pending: Uint8Array | undefined;
  /** On `from` while nothing is pending, on `to` otherwise: a hang-up of the other one would be reported without end. */
  #watch: Watch | undefined;
  #watched: Fd | undefined;
  #drain: Timer | undefined;
  #writerIsDead = false;
  #isBroken = false;
  #readBytes = 0;
  #hasEnded = false;

  constructor(loop: EventLoop, from: Fd, to: Fd, options: StreamCopyOptions) {
    this.#loop = loop;
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#wait(from, 'read');
  }

  /** Whoever wrote into `from` has died: what is there is still copied, then silence is the end. */
  writerDied(): void {
    this.#writerIsDead = true;
    if (!this.#hasEnded && this.#pending === undefined) this.#startDrain();
  }

  /** Ends the copy at once. */
  stop(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#pending = undefined;
    this.#unwatch();
    this.#drain?.cancel();
    this.#options.onEnd();
  }

  #pump(): void {
    for (let piece = 0; piece < PIECES_PER_TURN; piece++) {
      if (!this.#flush()) return;
      const count = tryReadOutput(this.#from, scratch);
      if (count === -EAGAIN) {
        this.#wait(this.#from, 'read');
        if (this.#writerIsDead) this.#startDrain();
        return;
      }
      // The end, EIO for the master of a terminal without processes, ECONNRESET for a connection.
      if (count <= 0) {
        this.stop();
        return;
      }
      this.#readBytes += count;
      this.#drain?.cancel();
      this.#drain = undefined;
      if (!this.#isBroken) this.#pending = scratch.subarray(0, count);
    }
    // Others had no turn meanwhile. What the last piece left is written, or kept apart from the shared buffer.
    if (this.#flush()) this.#wait(this.#from, 'read');
  }

  /** Writes what is pending. False when something is left, or when that was the end of the copy. */
  #flush(): boolean {
    while (this.#pending !== undefined) {
      const count = tryWrite(this.#to, this.#pending);
      if (count === -EAGAIN) {
        if (this.#pending.buffer === scratch.buffer) this.#pending = this.#pending.slice();
        this.#wait(this.#to, 'write');
        return false;
      }
      if (count < 0) {
        if (!this.#options.discardsWhenBroken) {
          this.stop();
          return false;
        }
        this.#isBroken = true;
        this.#pending = undefined;
      } else this.#pending = count < this.#pending.length ? this.#pending.subarray(count) : undefined;
    }
    return true;
  }

  #wait(fd: Fd, interest: 'read' | 'write'): void {
    if (this.#watched === fd) return;
    this.#unwatch();
    this.#watched = fd;
    this.#watch = this.#loop.watch(fd, interest, () => this.#pump());
  }

  #unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#watched = undefined;
  }

  #startDrain(): void {
    this.#drain ??= this.#loop.setTimer(DRAIN_MS, () => {
      this.#drain = undefined;
      // On a busy loop the timer may come before the event of bytes that are there: once more, and then it was the end.
      const before = this.#readBytes;
      this.#pump();
      if (this.#pending === undefined && this.#readBytes === before) this.stop();
    });
  }
}
