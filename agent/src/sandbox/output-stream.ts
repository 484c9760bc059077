import { toError } from '../base/errors.ts';
import { EAGAIN, EIO } from '../abi/errno.ts';
import type { Fd } from '../sys/fd.ts';
import type { EventLoop, Timer, Watch } from '../sys/loop.ts';
import { sysError } from '../sys/syscall.ts';
import { tryReadOutput } from '../sys/terminal.ts';
import type { DeliveryGate } from './delivery-gate.ts';
import type { ProcessOutput, StreamReader } from './process-streams.ts';

/** A read takes at most this much, whatever was asked: one reply must not starve the others. */
const MAX_READ_BYTES = 64 << 10;
/**
 * How long a read waits for bytes once the process is dead, while another process still holds the stream open (lifecycle
 * 5.3). After that it ends the stream, or `sh -c 'sleep 999 &'` would hang the host.
 */
const DRAIN_MS = 500;

const NO_BYTES = new Uint8Array(0);

interface PendingRead {
  readonly length: number;
  readonly gate: DeliveryGate;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  unregister: () => void;
}

function nothing(): void {
  // No signal to leave.
}

/** A read and its listener know each other: left so, the bytes would stay until the next garbage collection. */
function release(read: PendingRead): void {
  read.unregister();
  read.unregister = nothing;
}

/**
 * What a process writes: a pipe, or the master of its terminal. Reads are served in order; bytes are taken from the kernel
 * only when somebody asks for them, so a process nobody reads blocks by itself (LIV-06).
 */
export class OutputStream implements ProcessOutput {
  readonly #loop: EventLoop;
  readonly #fd: Fd;
  readonly #pending: PendingRead[] = [];
  #watch: Watch | undefined;
  #drain: Timer | undefined;
  #leaveGate: (() => void) | undefined;
  #processIsDead = false;
  #isAtEnd = false;

  constructor(loop: EventLoop, fd: Fd) {
    this.#loop = loop;
    this.#fd = fd;
  }

  /** At least one byte and at most `length`; empty at the end of the stream. */
  read(length: number, reader: StreamReader): Promise<Uint8Array> | Uint8Array {
    const mayTake = this.#pending.length === 0 && reader.canReply;
    const bytes = mayTake ? this.#take(length) : undefined;
    return bytes ?? this.#wait(length, reader, mayTake);
  }

  #wait(length: number, reader: StreamReader, isKnownEmpty: boolean): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { signal } = reader;
      if (signal.aborted) {
        reject(toError(signal.reason));
        return;
      }
      const read: PendingRead = { length, gate: reader, resolve, reject, unregister: nothing };
      read.unregister = signal.onAbort((reason) => {
        const index = this.#pending.indexOf(read);
        if (index < 0) return;
        this.#pending.splice(index, 1);
        reject(toError(reason));
        this.#serve();
      });
      this.#pending.push(read);
      if (isKnownEmpty) this.#updateInterest();
      else this.#serve();
    });
  }

  /** From now on a read without bytes ends after the drain time. */
  processExited(): void {
    this.#processIsDead = true;
    if (this.#watch !== undefined) this.#updateInterest();
  }

  /** Ends all reads with the end of the stream and closes the descriptor. */
  close(): void {
    this.#leaveGate?.();
    this.#end();
    this.#fd.close();
  }

  #serve(): void {
    // The read that waited for its gate may be gone; whoever is first now registers for itself.
    this.#leaveGate?.();
    this.#leaveGate = undefined;
    for (let read = this.#pending[0]; read !== undefined; read = this.#pending[0]) {
      if (!this.#isAtEnd && !read.gate.canReply) {
        this.#waitForGate(read.gate);
        return;
      }
      try {
        const bytes = this.#take(read.length);
        if (bytes === undefined) break;
        this.#settle(read);
        read.resolve(bytes);
      } catch (error) {
        this.#settle(read);
        read.reject(toError(error));
      }
    }
    this.#updateInterest();
  }

  /** What is there now, empty at the end; undefined when that is nothing yet. @throws SysError */
  #take(length: number): Uint8Array | undefined {
    if (this.#isAtEnd) return NO_BYTES;
    const buffer = new Uint8Array(Math.min(length, MAX_READ_BYTES));
    const count = tryReadOutput(this.#fd, buffer);
    if (count === -EAGAIN) return undefined;
    // A view of little of it would keep all of it.
    if (count > 0) return count * 2 > buffer.length ? buffer.subarray(0, count) : buffer.slice(0, count);
    // EIO: the last process closed its side of the terminal.
    if (count === -EIO || (count === 0 && length > 0)) this.#end();
    else if (count < 0) throw sysError('read', count, this.#fd.what);
    return NO_BYTES;
  }

  /** The caller does not read its answers: leave the bytes in the kernel, where they stop the process. */
  #waitForGate(gate: DeliveryGate): void {
    this.#unwatch();
    this.#leaveGate = gate.onceWritable(() => {
      this.#leaveGate = undefined;
      this.#serve();
    });
  }

  #settle(read: PendingRead): void {
    // Not there any more when the stream has just ended.
    if (this.#pending[0] === read) this.#pending.shift();
    release(read);
  }

  #end(): void {
    this.#isAtEnd = true;
    this.#unwatch();
    for (const read of this.#pending.splice(0)) {
      release(read);
      read.resolve(NO_BYTES);
    }
  }

  #updateInterest(): void {
    if (this.#pending.length === 0 || this.#isAtEnd) {
      this.#unwatch();
      return;
    }
    this.#watch ??= this.#loop.watch(this.#fd, 'read', () => {
      this.#drain?.cancel();
      this.#drain = undefined;
      this.#serve();
    });
    if (this.#processIsDead) this.#drain ??= this.#loop.setTimer(DRAIN_MS, () => this.#endDrain());
  }

  /** Looks once more: on a busy loop the timer may come before the event of bytes that are there. */
  #endDrain(): void {
    this.#drain = undefined;
    const waiting = this.#pending.length;
    this.#serve();
    if (this.#pending.length === waiting && this.#leaveGate === undefined) this.#end();
  }

  #unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#drain?.cancel();
    this.#drain = undefined;
  }
}
