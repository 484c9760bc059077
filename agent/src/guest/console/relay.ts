import { EAGAIN, EINTR } from '../../abi/errno.ts';
import type { Fd } from '../../sys/fd.ts';
import { tryRead, tryWrite } from '../../sys/file.ts';
import type { EventLoop, Interest, Ready, Watch } from '../../sys/loop.ts';
import { trySend } from '../../sys/socket.ts';

/** Moved at once in each direction. A guest write above 32.5 KiB stalls vhost-device-vsock 0.3.0 for ever (design, "The host side"). */
const CHUNK_BYTES = 16 << 10;

/** Bytes on their way from one side to the other. More is read when all of it was taken: a slow reader stops its own source. */
class Chunk {
  readonly #bytes = new Uint8Array(CHUNK_BYTES);
  #start = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** The result of the read: bytes, 0 at the end, -errno. */
  fill(read: (buffer: Uint8Array) => number): number {
    const count = read(this.#bytes);
    this.#start = 0;
    this.#end = Math.max(0, count);
    return count;
  }

  /** False when the other side is gone. */
  drain(write: (bytes: Uint8Array) => number): boolean {
    while (!this.isEmpty) {
      const count = write(this.#bytes.subarray(this.#start, this.#end));
      if (count === -EAGAIN) return true;
      if (count < 0 && count !== -EINTR) return false;
      this.#start += Math.max(0, count);
    }
    return true;
  }
}

const isTransient = (result: number): boolean => result === -EAGAIN || result === -EINTR;

/**
 * Joins a client's connection and the master side of a terminal, both non-blocking, until one of them ends: the client at once, the
 * terminal when its last output was taken. The descriptors stay the caller's.
 */
export class Relay {
  readonly #client: Fd;
  readonly #terminal: Fd;
  readonly #toClient = new Chunk();
  readonly #toTerminal = new Chunk();
  readonly #clientWatch: Watch;
  readonly #terminalWatch: Watch;
  readonly #onEnd: () => void;
  /** Nobody has the terminal's other side any more; what it wrote may still be there. */
  #hasTerminalHungUp = false;
  #isOver = false;
  readonly #now: () => number;
  #stalledSinceMs: number | undefined;

  constructor(loop: EventLoop, client: Fd, terminal: Fd, onEnd: () => void) {
    this.#client = client;
    this.#terminal = terminal;
    this.#onEnd = onEnd;
    this.#now = () => loop.now();
    this.#clientWatch = loop.watch(client, 'read', (ready) => this.#onClient(ready));
    try {
      this.#terminalWatch = loop.watch(terminal, 'read', (ready) => this.#onTerminal(ready));
    } catch (error) {
      this.#clientWatch.close();
      throw error;
    }
  }

  /** When the client began to take nothing although there is something for it; undefined while it takes what comes. */
  get stalledSinceMs(): number | undefined {
    return this.#stalledSinceMs;
  }

  /** Ends it; `onEnd` is told unless it was over already. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clientWatch.close();
    this.#terminalWatch.close();
    this.#onEnd();
  }

  #onClient(ready: Ready): void {
    if (ready.readable && this.#toTerminal.isEmpty) {
      const count = this.#toTerminal.fill((buffer) => tryRead(this.#client, buffer));
      // Over vsock the end of input is all that tells that a client is gone.
      if (count <= 0 && !isTransient(count)) return this.end();
    } else if (ready.hangup) return this.end();
    this.#move();
  }

  #onTerminal(ready: Ready): void {
    if (ready.hangup) {
      this.#hasTerminalHungUp = true;
      // It would be reported again and again while the client is slow.
      this.#terminalWatch.close();
    }
    this.#move();
  }

  /** Moves what can be moved, and decides what to wait for. */
  #move(): void {
    if (this.#toClient.isEmpty) {
      const count = this.#toClient.fill((buffer) => tryRead(this.#terminal, buffer));
      // A terminal without its other side says EIO.
      if (count <= 0 && !isTransient(count)) return this.end();
      if (count === -EAGAIN && this.#hasTerminalHungUp) return this.end();
    }
    if (!this.#toClient.drain((bytes) => trySend(this.#client, bytes))) return this.end();
    if (!this.#hasTerminalHungUp && !this.#toTerminal.drain((bytes) => tryWrite(this.#terminal, bytes)))
      return this.end();
    this.#stalledSinceMs = this.#toClient.isEmpty ? undefined : (this.#stalledSinceMs ?? this.#now());
    this.#clientWatch.change(interest(this.#toTerminal.isEmpty, !this.#toClient.isEmpty || this.#hasTerminalHungUp));
    if (!this.#hasTerminalHungUp)
      this.#terminalWatch.change(interest(this.#toClient.isEmpty, !this.#toTerminal.isEmpty));
  }
}

function interest(reads: boolean, writes: boolean): Interest {
  if (reads) return writes ? 'both' : 'read';
  return writes ? 'write' : 'none';
}
