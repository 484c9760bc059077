import type { Duplex } from 'node:stream';
import { HostError } from './host-error.ts';

/** One JSON line of QMP is small; a longer one means that the peer is not QEMU. */
const MAX_LINE_BYTES = 1024 * 1024;

interface QmpMessage {
  readonly id?: number;
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: unknown;
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
  #buffer = '';
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
    this.#buffer += text;
    if (this.#buffer.length > MAX_LINE_BYTES) {
      this.#stream.destroy();
      return;
    }
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end).trim();
      this.#buffer = this.#buffer.slice(end + 1);
      if (line !== '') this.#handle(line);
    }
  }

  #handle(line: string): void {
    let message: QmpMessage;
    try {
      message = JSON.parse(line) as QmpMessage;
    } catch {
      this.#stream.destroy();
      return;
    }
    if (message.QMP !== undefined) {
      this.#greeting?.resolve(undefined);
    } else if (message.event !== undefined) {
      this.#onEvent(message.event, message.data);
    } else if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error === undefined) pending?.resolve(message.return);
      else pending?.reject(new HostError(`QEMU: ${message.error.desc}`));
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
