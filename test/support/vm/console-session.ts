import type { Duplex } from 'node:stream';
import { within } from '../eventually.ts';

/** Long enough for a slow guest, and no part of what is promised. */
const DEADLINE_MS = 30_000;

/** What an operator types and sees on a terminal of the guest. */
export class ConsoleSession implements Disposable {
  readonly stream: Duplex;
  readonly closed: Promise<void>;
  #text = '';
  #waiters: (() => void)[] = [];

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('utf8');
      for (const waiter of this.#waiters.splice(0)) waiter();
    });
    stream.on('error', () => undefined);
    this.closed = new Promise((resolve) => stream.once('close', () => resolve()));
    this.closed
      .then(() => {
        for (const waiter of this.#waiters.splice(0)) waiter();
      })
      .catch(() => undefined);
  }

  /** Everything that has come so far. */
  get text(): string {
    return this.#text;
  }

  type(text: string): void {
    this.stream.write(text);
  }

  /** Waits until something comes, and takes what came up to its end. */
  async until(mark: string | RegExp): Promise<string> {
    const found = (): string | undefined => {
      const match = typeof mark === 'string' ? { index: this.#text.indexOf(mark), 0: mark } : mark.exec(this.#text);
      if (match === null || match.index < 0) return undefined;
      const end = match.index + match[0].length;
      const taken = this.#text.slice(0, end);
      this.#text = this.#text.slice(end);
      return taken;
    };
    const wait = async (): Promise<string> => {
      for (;;) {
        const taken = found();
        if (taken !== undefined) return taken;
        if (this.stream.destroyed) throw new Error(`the console ended without ${String(mark)}: ${this.#text}`);
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    };
    try {
      return await within(DEADLINE_MS, `${String(mark)} on the console`, wait());
    } catch (error) {
      throw new Error(`so far: ${JSON.stringify(this.#text)}`, { cause: error });
    }
  }

  /** Types a line, and gives what came up to the next prompt. */
  async ask(line: string, prompt = 'kihon> '): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      this.type(`${line}\r`);
      const text = (await this.until(prompt)).replaceAll('\r', '');
      // On a busy machine the clock of a guest without hardware help leaps by seconds, past the deadline of an answer.
      if (attempt === 3 || !text.includes('not done after')) return text;
    }
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
  }
}
