import { SYS_close } from '../abi/syscalls.ts';
import { rawSyscall } from './engine.ts';

/** Numbers of descriptors that are open through an Fd; a second owner of one number is a bug found at once. */
const owned: (Fd | undefined)[] = [];

/**
 * A descriptor that is owned: it closes once and then refuses, because a second close would hit whatever reused the
 * number (style, principle 5).
 */
export class Fd implements Disposable {
  #number: number;
  /** What it is, for error texts, e.g. `listener vsock://-1:1024`. */
  readonly what: string;

  constructor(number: number, what = '') {
    this.#number = number;
    this.what = what;
    owned[number] = this;
  }

  get number(): number {
    if (this.#number < 0) throw new Error(`descriptor${this.what === '' ? '' : ` of ${this.what}`} is closed`);
    return this.#number;
  }

  get isOpen(): boolean {
    return this.#number >= 0;
  }

  /** Closes; a second call does nothing. Errors of close(2) are not reported: the descriptor is gone in any case. */
  close(): void {
    // Not by `release`: nothing else is called as often while a container is made.
    const number = this.#number;
    if (number < 0) return;
    this.#number = -1;
    if (owned[number] === this) owned[number] = undefined;
    rawSyscall(SYS_close, number);
  }

  /** Gives up ownership and returns the number, -1 when it was closed already. */
  release(): number {
    const number = this.#number;
    if (number < 0) return -1;
    this.#number = -1;
    if (owned[number] === this) owned[number] = undefined;
    return number;
  }

  /** This descriptor, once `work` has made it what it is to be; when that throws, it is closed. */
  prepared(work: (fd: this) => void): this {
    try {
      work(this);
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
