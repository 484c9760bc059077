import { EAGAIN } from '../abi/errno.ts';
import { isSysError } from '../base/sys-error.ts';
import { Fd } from '../sys/fd.ts';
import { tryRead, tryWrite } from '../sys/file.ts';
import type { EventLoop, Watch } from '../sys/loop.ts';
import { blockUntilReadable } from '../sys/poll.ts';
import { isTerminal, rawModes, setTerminalModes, terminalModes } from '../sys/raw-terminal.ts';
import { sleep } from '../sys/readiness.ts';
import { getWindowSize, setWindowSize, tryReadOutput } from '../sys/terminal.ts';

const chunkBytes = 32 << 10;
/** Output that is on its way when the program ends. */
const drainMs = 20;

/**
 * Joins the terminal of the caller to that of a container: keys in, output out, size as ours is. The caller's terminal is raw
 * meanwhile and gets its modes back at the end. Without a terminal at hand the bytes are copied all the same.
 */
export class TerminalRelay {
  readonly #master: Fd;
  readonly #input = new Fd(0, 'standard input');
  readonly #output = new Fd(1, 'standard output');
  readonly #loop: EventLoop;
  readonly #buffer = new Uint8Array(chunkBytes);
  #savedModes: Uint8Array | undefined;
  #watches: Watch[] = [];
  #isOver = false;

  private constructor(loop: EventLoop, master: Fd) {
    this.#loop = loop;
    this.#master = master;
  }

  /** `master` is non-blocking and stays the caller's until `end`, which closes it. */
  static start(loop: EventLoop, master: Fd): TerminalRelay {
    const relay = new TerminalRelay(loop, master);
    relay.#begin();
    return relay;
  }

  #begin(): void {
    if (isTerminal(this.#input)) {
      this.#savedModes = terminalModes(this.#input);
      this.resize();
      setTerminalModes(this.#input, rawModes(this.#savedModes));
    }
    this.#watches.push(this.#loop.watch(this.#master, 'read', () => this.#copyOut()));
    this.#watchInput();
  }

  #watchInput(): void {
    try {
      const watch = this.#loop.watch(this.#input, 'read', () => this.#copyIn(watch));
      this.#watches.push(watch);
    } catch (error) {
      // A regular file or /dev/null cannot be waited for: it is always ready.
      if (!isSysError(error, 'EPERM')) throw error;
      this.#loop.soon(() => this.#copyFile());
    }
  }

  /** All of an input that is always ready; no more than the terminal takes at a time. */
  #copyFile(): void {
    if (this.#isOver) return;
    const count = tryRead(this.#input, this.#buffer);
    if (count <= 0) return;
    this.#send(this.#buffer.slice(0, count));
    this.#loop.setTimer(1, () => this.#copyFile());
  }

  #copyIn(watch: Watch): void {
    const count = tryRead(this.#input, this.#buffer);
    if (count === -EAGAIN) return;
    if (count <= 0) watch.close();
    else this.#send(this.#buffer.slice(0, count));
  }

  #send(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      const count = tryWrite(this.#master, bytes.subarray(offset));
      if (count === -EAGAIN) {
        const rest = bytes.slice(offset);
        this.#loop.setTimer(1, () => {
          if (!this.#isOver) this.#send(rest);
        });
        return;
      }
      if (count < 0) return;
      offset += count;
    }
  }

  /** False when there is nothing to copy at the moment. */
  #copyOut(): boolean {
    const count = tryReadOutput(this.#master, this.#buffer);
    // EIO is how a master says that the last process has closed the other side.
    if (count <= 0) {
      if (count !== -EAGAIN) this.#stopOutput();
      return false;
    }
    for (let offset = 0; offset < count;) {
      const written = tryWrite(this.#output, this.#buffer.subarray(offset, count));
      if (written === -EAGAIN) this.#waitForOutput();
      else if (written < 0) return false;
      else offset += written;
    }
    return true;
  }

  /** Standard output was made non-blocking by whoever shares it with us. */
  #waitForOutput(): void {
    blockUntilReadable(this.#master, 1);
  }

  #stopOutput(): void {
    this.#watches[0]?.close();
  }

  /** Gives the container's terminal the size of ours. */
  resize(): void {
    try {
      setWindowSize(this.#master, getWindowSize(this.#input));
    } catch (error) {
      if (!isSysError(error, 'ENOTTY', 'EIO')) throw error;
    }
  }

  /** Copies what the program wrote last. */
  async drain(): Promise<void> {
    while (this.#copyOut());
    await sleep(this.#loop, 0);
    if (this.#master.isOpen && blockUntilReadable(this.#master, drainMs)) while (this.#copyOut());
  }

  end(): void {
    this.#isOver = true;
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
    if (this.#savedModes !== undefined) setTerminalModes(this.#input, this.#savedModes);
    this.#input.release();
    this.#output.release();
    this.#master.close();
  }
}
