import type { BuildEvent, OnBuildEvent, Step } from './events.ts';

/** How often a terminal's line is rewritten. */
const INTERVAL_MS = 200;

/** Where progress goes. */
export interface ProgressTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Shows a build to people: a line for each step, on a terminal with the time it took and is still to take. Without a
 * terminal only beginnings and ends are told.
 */
export class ProgressView implements Disposable {
  readonly #target: ProgressTarget;
  #steps: readonly Step[] = [];
  #current: Step | undefined;
  #started = 0;
  #text = '';
  #fraction: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: ProgressTarget) {
    this.#target = target;
  }

  readonly onEvent: OnBuildEvent = (event) => {
    switch (event.event) {
      case 'plan':
        this.#steps = event.steps;
        return;
      case 'start':
        this.#current = this.#steps.find(({ id }) => id === event.step);
        this.#started = performance.now();
        this.#text = '';
        this.#fraction = undefined;
        if (this.#target.isTTY === true) {
          this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
          this.#draw();
        } else this.#line(`${this.#number()} ${this.#current?.title ?? event.step}`);
        return;
      case 'progress':
        this.#text = event.text;
        this.#fraction = event.fraction;
        return;
      case 'done':
        this.#finish(event);
        return;
      case 'note':
        this.#line(`note: ${event.text}`);
        return;
    }
  };

  #finish(event: Extract<BuildEvent, { event: 'done' }>): void {
    clearInterval(this.#timer);
    const how = event.cached ? 'kept from an earlier build' : `done in ${seconds(event.ms)}`;
    this.#line(`${this.#number()} ${this.#current?.title ?? event.step}: ${how}`);
    this.#current = undefined;
  }

  #number(): string {
    const index = this.#current === undefined ? 0 : this.#steps.indexOf(this.#current);
    return `[${index + 1}/${this.#steps.length}]`;
  }

  #draw(): void {
    const elapsed = performance.now() - this.#started;
    const text = [
      this.#number(),
      this.#current?.title ?? '',
      estimate(elapsed, this.#fraction, this.#current?.expectedMs ?? 0),
      this.#text,
    ]
      .filter((part) => part !== '')
      .join('  ');
    this.#target.write(`\r\x1b[K${text.slice(0, (this.#target.columns ?? 80) - 1)}`);
  }

  #line(text: string): void {
    this.#target.write(this.#target.isTTY === true ? `\r\x1b[K${text}\n` : `${text}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#target.isTTY === true && this.#current !== undefined) this.#target.write('\r\x1b[K');
  }
}

/** "12 s of about 40 s": by how much is done, else by how long it took the last time. */
export function estimate(elapsedMs: number, fraction: number | undefined, expectedMs: number): string {
  const isTelling = fraction !== undefined && fraction > 0.05;
  const whole = isTelling ? elapsedMs / fraction : expectedMs;
  if (whole <= elapsedMs) return seconds(elapsedMs);
  return `${seconds(elapsedMs)} of about ${seconds(whole)}`;
}

/** A time as people read it. */
export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)}:${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')} min`;
}
