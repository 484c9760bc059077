import type { ContainerProcess, WindowSize } from '../sdk/container-process.ts';

/** Size assumed when our own output is no terminal. */
const DEFAULT_SIZE: WindowSize = { rows: 24, columns: 80 };

/** Size of the terminal that we write to. */
export function windowSize(): WindowSize {
  const { rows, columns } = process.stdout;
  return rows > 0 && columns > 0 ? { rows, columns } : DEFAULT_SIZE;
}

/**
 * Makes our terminal transparent: every key goes to the guest, and the guest's terminal follows our window. Disposing
 * gives the terminal back, which also happens if the program ends in some other way.
 */
export class RawTerminal implements Disposable {
  readonly #restore = (): void => {
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  };
  #onResize: (() => void) | undefined;

  constructor() {
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.once('exit', this.#restore);
  }

  /** Tells `target` our size now and after every change. */
  async follow(target: ContainerProcess): Promise<void> {
    this.#onResize = () => void target.resize(windowSize()).catch(() => undefined);
    process.stdout.on('resize', this.#onResize);
    await target.resize(windowSize());
  }

  [Symbol.dispose](): void {
    if (this.#onResize !== undefined) process.stdout.off('resize', this.#onResize);
    process.off('exit', this.#restore);
    this.#restore();
  }
}
