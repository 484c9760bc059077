import type { Duplex } from 'node:stream';
import { HostError } from './host-error.ts';

/** One JSON line of QMP is small; a longer one means that the peer is not QEMU. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** A message as far as it can be trusted: an object. */
type QmpMessage = Readonly<Partial<Record<'id' | 'QMP' | 'return' | 'error' | 'event' | 'data', unknown>>>;

/** The object of one line; undefined for anything else, which QEMU never sends. */
function parseMessage(line: string): QmpMessage | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** QEMU's words in an error object. */
function errorText(error: unknown): string {
  const text = typeof error === 'object' && error !== null && 'desc' in error ? error.desc : undefined;
  return typeof text === 'string' ? text : 'an error without a description';
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** QEMU's machine protocol (docs/interop/qmp-spec): one JSON object a line, replies matched by `id`. */
export class Qmp {
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #onEvent: (event: string, data: unknown) => void;
  #nextId = 1;
  /** The line that is not complete yet, and its length. */
  #pieces: string[] = [];
  #heldLength = 0;
  #greeting: Pending | undefined;
  #closed: HostError | undefined;

  private constructor(stream: Duplex, onEvent: (event: string, data: unknown) => void) {
    this.#stream = stream;
    this.#onEvent = onEvent;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#receive(text));
    stream.on('error', () => this.#close());
    stream.on('close', () => this.#close());
    stream.on('end', () => this.#close());
  }

  /** Waits for the greeting and leaves the negotiation mode. */
  static async open(stream: Duplex, onEvent: (event: string, data: unknown) => void = () => undefined): Promise<Qmp> {
    const qmp = new Qmp(stream, onEvent);
    await new Promise<unknown>((resolve, reject) => {
      if (qmp.#closed !== undefined) reject(qmp.#closed);
      else qmp.#greeting = { resolve, reject };
    });
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  /**
   * Runs one command.
   *
   * @throws HostError with QEMU's text, or when the connection ends first
   */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#closed !== undefined) throw this.#closed;
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#stream.write(
      `${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`,
    );
    return await answer;
  }

  #receive(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = [...this.#pieces, text.slice(from, end)].join('').trim();
      this.#pieces = [];
      this.#heldLength = 0;
      from = end + 1;
      if (line !== '') this.#handle(line);
      if (this.#stream.destroyed) return;
    }
    // Joined only when the line is complete: a long line in small pieces must not be copied again for each.
    this.#pieces.push(text.slice(from));
    this.#heldLength += text.length - from;
    if (this.#heldLength > MAX_LINE_LENGTH) this.#stream.destroy();
  }

  #handle(line: string): void {
    const message = parseMessage(line);
    if (message === undefined) {
      this.#stream.destroy();
      return;
    }
    if (message.QMP !== undefined) {
      this.#greeting?.resolve(undefined);
    } else if (typeof message.event === 'string') {
      this.#onEvent(message.event, message.data);
    } else if (typeof message.id === 'number') {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error === undefined) pending?.resolve(message.return);
      else pending?.reject(new HostError(`QEMU: ${errorText(message.error)}`));
    }
  }

  #close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new HostError('QEMU closed its control connection');
    this.#greeting?.reject(this.#closed);
    for (const pending of this.#pending.values()) pending.reject(this.#closed);
    this.#pending.clear();
  }
}
