import { estimateProgress, formatMinutes, formatProgress } from './build-progress.ts';
import type { KernelEvent } from './kernel-event.ts';

/** How often a log without a terminal gets a line. */
const PLAIN_INTERVAL_MS = 30_000;
/** How often a terminal's line is rewritten. */
const TERMINAL_INTERVAL_MS = 250;

/** Shows events on a stream: progress is one rewritten line on a terminal, else a line every half minute. */
export class TextReport {
  #lastShownMs = 0;
  #hasLine = false;
  readonly #label: string;
  readonly #out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;

  constructor(label: string, out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>) {
    this.#label = label;
    this.#out = out;
  }

  readonly take = (event: KernelEvent): void => {
    switch (event.event) {
      case 'unpacking':
        this.#say(`unpacking ${event.source} (about a GB, half a minute)`);
        return;
      case 'patching':
        this.#say(`applying ${event.patch}`);
        return;
      case 'configured':
        for (const line of event.allowedMissing) this.#say(`missing, which is allowed: ${line}`);
        return;
      case 'building':
        this.#lastShownMs = 0;
        this.#say(`building ${event.kernelVersion} with ${event.jobs} jobs in ${event.objects}`);
        return;
      case 'progress':
        this.#progress(event.steps, event.expectedSteps, event.elapsedMs);
        return;
      case 'precompiled':
        this.#say(
          `${event.objects} objects with precompiled headers` +
            (event.refused > 0 ? `; the compiler refused them to ${event.refused}` : ''),
        );
        return;
      case 'not-precompiled':
        this.#say(`goes on without precompiled headers: ${event.reason}`);
        return;
      case 'finished':
        if (!event.isFromCache) this.#say(`built in ${formatMinutes(event.record.buildMs)}`);
        return;
    }
  };

  /** Clears the terminal's line; call it before anything else is printed. */
  clear(): void {
    if (this.#hasLine) this.#out.write('\r\x1b[K');
    this.#hasLine = false;
  }

  #say(text: string): void {
    this.clear();
    this.#out.write(`${this.#label}: ${text}\n`);
  }

  #progress(steps: number, expectedSteps: number, elapsedMs: number): void {
    const isTerminal = this.#out.isTTY;
    if (elapsedMs - this.#lastShownMs < (isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    this.#lastShownMs = elapsedMs;
    const text = formatProgress(this.#label, expectedSteps, estimateProgress(steps, expectedSteps, elapsedMs));
    this.#out.write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
    this.#hasLine = isTerminal;
  }
}
