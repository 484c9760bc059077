import { EAGAIN, EINTR } from '../../abi/errno.ts';
import type { Fd } from '../../sys/fd.ts';
import { tryWrite } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { OUTPUT_FULL, OUTPUT_GONE, type LogOutput } from './log-output.ts';

/** A non-blocking descriptor as log output. The loop may come later: until then a full output just loses time, not records. */
export class DescriptorOutput implements LogOutput {
  readonly #fd: Fd;
  #loop: EventLoop | undefined;
  #onWritable: (() => void) | undefined;

  constructor(fd: Fd, loop?: EventLoop) {
    this.#fd = fd;
    this.#loop = loop;
  }

  /** Gives the loop to an output that was made before there was one. */
  attach(loop: EventLoop): void {
    this.#loop = loop;
    const callback = this.#onWritable;
    this.#onWritable = undefined;
    if (callback !== undefined) this.onWritable(callback);
  }

  tryWrite(bytes: Uint8Array): number {
    const count = tryWrite(this.#fd, bytes);
    if (count >= 0) return count;
    return count === -EAGAIN || count === -EINTR ? OUTPUT_FULL : OUTPUT_GONE;
  }

  onWritable(callback: () => void): void {
    if (this.#loop === undefined) {
      this.#onWritable = callback;
      return;
    }
    try {
      const watch = this.#loop.watch(this.#fd, 'write', () => {
        watch.close();
        callback();
      });
    } catch {
      // Regular files cannot be watched (EPERM) and are never full for long.
      this.#loop.soon(callback);
    }
  }
}
