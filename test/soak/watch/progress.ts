/** What a scenario does now, and whether it goes on: each step may take `stepMs`, and all of them together as long as they need. */
export class Progress implements Disposable {
  /** Rejects when no next step came in time. */
  readonly stuck: Promise<never>;
  readonly #stepMs: number;
  #fail: (error: Error) => void = () => undefined;
  #current = 'begin';
  #timer: NodeJS.Timeout;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
    this.stuck = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Nobody listens any more once the scenario is over.
    this.stuck.catch(() => undefined);
    this.#timer = this.#start();
  }

  get current(): string {
    return this.#current;
  }

  step(text: string): void {
    this.#current = text;
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.#fail(new Error(`no progress within ${this.#stepMs} ms`)), this.#stepMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
