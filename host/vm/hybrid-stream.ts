import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** How long a peer that was told the end is waited for before its last bytes are thrown away, in ms. */
const LEAVE_MS = 5000;

type Callback = (error?: Error | null) => void;

/**
 * The host's end of a hybrid vsock connection. It closes as vhost-device-vsock 0.3.0 needs it; others do not mind. That device
 * - does not tell the guest about a connection whose Unix socket was closed with unread bytes in it, so the guest keeps it for good.
 *   So the end is sent first, and what still comes is read and dropped until the device closes;
 * - ends, and the VM's vsock with it, when an answer to CONNECT finds its Unix socket closed. So a connection that is given up
 *   stays open until it is answered or refused.
 */
export class HybridStream extends Duplex {
  readonly #socket: Socket;
  #isAnswered = false;

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#socket.pause();
  };
  readonly #onEnd = (): void => void this.push(null);
  readonly #onError = (error: Error): void => void this.destroy(error);
  readonly #onClose = (): void => void this.destroy();

  /** @param socket on which nobody reads but the caller, until `answered()` */
  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on('error', this.#onError).on('close', this.#onClose);
  }

  /** The guest has taken the connection: from here on its bytes come out of this stream, `first` before all others. */
  answered(first: Buffer): void {
    this.#isAnswered = true;
    if (first.length > 0) this.push(first);
    this.#socket.on('end', this.#onEnd).on('data', this.#onData);
  }

  override _read(): void {
    if (this.#isAnswered) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#socket.write(chunk, callback);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], callback: Callback): void {
    this.#socket.cork();
    chunks.forEach(({ chunk }, index) => this.#socket.write(chunk, index === chunks.length - 1 ? callback : undefined));
    this.#socket.uncork();
  }

  override _final(callback: Callback): void {
    this.#socket.end(() => callback());
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    socket.on('error', () => undefined);
    if (this.#isAnswered) leave(socket);
    else if (!socket.destroyed) {
      // Nobody needs to wait for it, a program that wants to end neither.
      socket.unref();
      socket.once('data', () => leave(socket)).resume();
    }
    callback(error);
  }
}

/** Sends the end, then drops what comes until the other side closes or time is up. */
function leave(socket: Socket): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LEAVE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.ref().resume().end();
}
