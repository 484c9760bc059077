import type { Logger } from '../../base/log.ts';

/** As upstream's batches: so many spans, or so many milliseconds. */
const BATCH_SPANS = 512;
const BATCH_MS = 5000;
/** Spans that may wait; what comes then is dropped and counted. */
export const MAX_WAITING_SPANS = 2048;
export const MAX_WAITING_BYTES = 1 << 20;
/** A collector that takes no byte for so long is left alone. */
export const STALL_MS = 30_000;
/** How long a connection may take. */
const CONNECT_MS = 5000;
/** A guest write above 32.5 KiB stalls vhost-device-vsock 0.3.0 for ever (design, "The host side"). */
const WRITE_BYTES = 16 << 10;
/** The same complaint is not repeated earlier. */
const LOG_PAUSE_MS = 60_000;

/** A connection to the collector, from its beginning on. */
export interface SpanChannel {
  /** Bytes taken, 0 when it is full (`onReady` tells when it is not). */
  send(bytes: Uint8Array): number;
  close(): void;
}

export interface SpanChannelEvents {
  /** Connected, or writable again. */
  readonly onReady: () => void;
  /** Could not be connected, or is gone; the channel is closed. */
  readonly onGone: (reason: string) => void;
}

export interface ExporterOptions {
  /** Begins to connect; throws when that fails at once. Events come later, never during the call. */
  readonly connect: (events: SpanChannelEvents) => SpanChannel;
  /** Returns the function that cancels. */
  readonly setTimer: (delayMs: number, onExpiry: () => void) => () => void;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/**
 * Sends spans to a collector on the host in batches. Nobody ever waits for it: spans queue up to a limit, and are dropped and counted
 * beyond it, or when there is no collector. The connection is kept, and made anew for a later batch when it was lost.
 */
export class SpanExporter {
  readonly #options: ExporterOptions;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes of the first span that were sent. */
  #offset = 0;
  #channel: SpanChannel | undefined;
  #isReady = false;
  #isDraining = false;
  #cancelBatch: (() => void) | undefined;
  #cancelWatchdog: (() => void) | undefined;
  #onEmpty: (() => void) | undefined;
  #sent = 0;
  #dropped = 0;
  #reportedDrops = 0;
  #lastLogMs = -Infinity;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  /** Spans that were handed to the connection, and spans that were lost. */
  get counts(): { readonly sent: number; readonly dropped: number } {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  /** Takes an encoded span. */
  add(frame: Uint8Array): void {
    if (this.#queue.length >= MAX_WAITING_SPANS || this.#bytes + frame.length > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      this.#complain('the collector of spans is too slow');
      return;
    }
    this.#queue.push(frame);
    this.#bytes += frame.length;
    if (this.#queue.length >= BATCH_SPANS) this.flush();
    else this.#planBatch();
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (this.#queue.length === 0 || this.#isDraining) return;
    this.#isDraining = true;
    if (this.#channel === undefined) this.#connect();
    else this.#pump();
  }

  /** Flushes, at most for `deadlineMs`, closes the connection and calls back once. */
  finish(deadlineMs: number, onDone: () => void): void {
    const cancel = this.#options.setTimer(deadlineMs, () => this.#onEmpty?.());
    this.#onEmpty = () => {
      this.#onEmpty = undefined;
      cancel();
      this.#dropped += this.#queue.length;
      this.#forget(this.#queue.length);
      this.#closeChannel();
      this.#cancelBatch?.();
      onDone();
    };
    if (this.#queue.length === 0) this.#onEmpty();
    else this.flush();
  }

  #planBatch(): void {
    if (this.#isDraining) return;
    this.#cancelBatch ??= this.#options.setTimer(BATCH_MS, () => {
      this.#cancelBatch = undefined;
      this.flush();
    });
  }

  #connect(): void {
    this.#isReady = false;
    // Events of a connection that was given up must not touch its successor.
    const isCurrent = (): boolean => this.#channel === channel;
    let channel: SpanChannel | undefined;
    try {
      channel = this.#options.connect({
        onReady: () => {
          if (!isCurrent()) return;
          this.#isReady = true;
          this.#stopWatchdog();
          this.#pump();
        },
        onGone: (reason) => {
          if (isCurrent()) this.#lose(reason);
        },
      });
      this.#channel = channel;
      this.#watch(CONNECT_MS, 'no answer');
    } catch (error) {
      this.#lose(String(error));
    }
  }

  #pump(): void {
    while (this.#isDraining && this.#isReady && this.#channel !== undefined) {
      const frame = this.#queue[0];
      if (frame === undefined) {
        this.#isDraining = false;
        this.#stopWatchdog();
        this.#onEmpty?.();
        return;
      }
      const count = this.#channel.send(frame.subarray(this.#offset, this.#offset + WRITE_BYTES));
      if (count === 0) {
        this.#isReady = false;
        this.#watch(STALL_MS, 'it takes nothing');
        return;
      }
      this.#offset += count;
      if (this.#offset < frame.length) continue;
      this.#forget(1);
      this.#sent += 1;
    }
  }

  /** Removes spans from the front. */
  #forget(count: number): void {
    for (const frame of this.#queue.splice(0, count)) this.#bytes -= frame.length;
    this.#offset = 0;
  }

  #watch(delayMs: number, reason: string): void {
    this.#stopWatchdog();
    this.#cancelWatchdog = this.#options.setTimer(delayMs, () => this.#lose(reason));
  }

  #stopWatchdog(): void {
    this.#cancelWatchdog?.();
    this.#cancelWatchdog = undefined;
  }

  #closeChannel(): void {
    this.#stopWatchdog();
    const channel = this.#channel;
    this.#channel = undefined;
    this.#isReady = false;
    channel?.close();
  }

  /** No connection: what waits is lost, as nobody can say when there will be a collector. */
  #lose(reason: string): void {
    const isIdle = !this.#isDraining;
    this.#closeChannel();
    this.#isDraining = false;
    // Between batches the connection may go and come back without harm; only the span that was begun cannot be sent again.
    if (isIdle) return;
    this.#dropped += this.#queue.length;
    this.#forget(this.#queue.length);
    this.#complain(`no collector of spans: ${reason}`);
    this.#onEmpty?.();
  }

  #complain(message: string): void {
    const now = this.#options.nowMs();
    if (now - this.#lastLogMs < LOG_PAUSE_MS) return;
    this.#lastLogMs = now;
    this.#options.log.error(message, { dropped: this.#dropped - this.#reportedDrops });
    this.#reportedDrops = this.#dropped;
  }
}
