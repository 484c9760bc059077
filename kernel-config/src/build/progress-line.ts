import { estimateProgress, formatProgress, isBuildStep } from './build-progress.ts';

/** How often a log without a terminal gets a line. */
const PLAIN_INTERVAL_MS = 30_000;
/** How often a terminal's line is rewritten. */
const TERMINAL_INTERVAL_MS = 250;

/** Shows a build's progress on a stream: one rewritten line on a terminal, else a line every half minute. */
export class ProgressLine implements Disposable {
  #steps = 0;
  #lastShown: number;
  readonly #started = performance.now();

  readonly #label: string;
  readonly #expectedSteps: number;
  readonly #out: NodeJS.WriteStream;

  constructor(label: string, expectedSteps: number, out: NodeJS.WriteStream) {
    this.#label = label;
    this.#expectedSteps = expectedSteps;
    this.#out = out;
    this.#lastShown = this.#started;
  }

  /** Build steps seen so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Milliseconds since the line was begun. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Takes a line of make's output. */
  onLine(line: string): void {
    if (isBuildStep(line)) this.#steps++;
    const now = performance.now();
    if (now - this.#lastShown < (this.#out.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    this.#lastShown = now;
    const report = estimateProgress(this.#steps, this.#expectedSteps, now - this.#started);
    const text = formatProgress(this.#label, this.#expectedSteps, report);
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Clears the terminal's line. */
  [Symbol.dispose](): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}
