import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import type { TestVm } from '../vm/test-vm.ts';
import { SpanStream, type ReceivedSpan } from './span-stream.ts';

/** Where Kata's trace forwarder listens. */
const TRACE_PORT = 10240;
/** Batches leave every five seconds; a busy machine takes its time. */
const DEADLINE_MS = 40_000;

/** What stands at the host's end of the trace port: it reads spans, or hangs, or goes away. */
export class Collector implements AsyncDisposable {
  readonly #path: string;
  #server: Server | undefined;
  #sockets = new Set<Socket>();
  #streams: SpanStream[] = [];
  #isHanging = false;
  #ended = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** On the socket to which a hybrid vsock brings the guest's connections. */
  static async start(vm: TestVm): Promise<Collector> {
    const collector = new Collector(join(vm.vm.directory, `vsock.sock_${TRACE_PORT}`));
    await collector.open();
    return collector;
  }

  get spans(): ReceivedSpan[] {
    return this.#streams.flatMap((stream) => stream.spans);
  }

  get connections(): number {
    return this.#streams.length;
  }

  /** Connections that the guest closed. */
  get ended(): number {
    return this.#ended;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#path, resolve));
  }

  /** Reads nothing from now on, until it is resumed. */
  hang(): void {
    this.#isHanging = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#isHanging = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Goes away, with its connections. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    rmSync(this.#path, { force: true });
  }

  /** Waits for a span. */
  async find(what: string, accept: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    return await eventually(() => {
      const span = this.spans.find(accept);
      if (span === undefined) throw new Error(`no ${what} among ${this.spans.map(({ name }) => name).join(' ')}`);
      return span;
    }, DEADLINE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    const stream = new SpanStream();
    this.#streams.push(stream);
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => (this.#ended += 1));
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => stream.push(chunk));
    if (this.#isHanging) socket.pause();
  }
}
