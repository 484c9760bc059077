import { reserveFatalDescriptor, setFatalDescriptor } from './fatal-descriptor.ts';
import { VMADDR_CID_ANY, VMADDR_CID_HOST } from '../../abi/constants.ts';
import { EAGAIN } from '../../abi/errno.ts';
import { describeError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import { tryRead } from '../../sys/file.ts';
import type { EventLoop, Watch } from '../../sys/loop.ts';
import { accept, listenVsock, trySend } from '../../sys/socket.ts';
import type { AgentLog } from './create-logger.ts';
import { OUTPUT_FULL, OUTPUT_GONE, type LogOutput } from './log-output.ts';

/** A client that waits while another one reads. */
const BACKLOG = 1;

/** How long accepting rests after it failed, e.g. for want of descriptors (LIV-03). */
const RETRY_MS = 100;

/**
 * Serves the log on a vsock port of the guest, to one client of the host at a time; after it left, to the next one
 * (upstream serves a single client ever). Records wait in the log's ring meanwhile. Peers other than the host are closed
 * before a byte is exchanged (VMB-01).
 */
export class LogPort {
  readonly #loop: EventLoop;
  readonly #log: AgentLog;
  readonly #listener: Fd;
  readonly #accepting: Watch;
  #client: LogClient | undefined;

  /** Throws SysError when the port cannot be had. */
  constructor(loop: EventLoop, log: AgentLog, port: number) {
    this.#loop = loop;
    this.#log = log;
    this.#listener = listenVsock(VMADDR_CID_ANY, port, BACKLOG);
    this.#accepting = loop.watch(this.#listener, 'read', () => this.#accept());
  }

  close(): void {
    this.#accepting.close();
    this.#listener.close();
    this.#client?.close();
    this.#client = undefined;
  }

  #accept(): void {
    let connection: ReturnType<typeof accept>;
    try {
      connection = accept(this.#listener);
    } catch (error) {
      this.#log.warn('cannot accept a log client', { error: describeError(error) });
      this.#pause(RETRY_MS);
      return;
    }
    if (connection === undefined) return;
    const { fd, peer } = connection;
    if (peer.kind !== 'vsock' || peer.cid !== VMADDR_CID_HOST) {
      fd.close();
      return;
    }
    // The next one waits in the backlog until this one leaves.
    this.#accepting.change('none');
    setFatalDescriptor(fd);
    this.#client = new LogClient(this.#loop, fd, () => this.#onClientGone());
    this.#log.setOutput(this.#client);
  }

  #pause(delayMs: number): void {
    this.#accepting.change('none');
    this.#loop.setTimer(delayMs, () => {
      if (this.#listener.isOpen && this.#client === undefined) this.#accepting.change('read');
    });
  }

  #onClientGone(): void {
    reserveFatalDescriptor();
    this.#client = undefined;
    this.#log.setOutput(undefined);
    if (this.#listener.isOpen) this.#accepting.change('read');
  }
}

/** One connection: records out, nothing in; a client that closes its side is noticed at once. */
class LogClient implements LogOutput {
  readonly #fd: Fd;
  readonly #watch: Watch;
  readonly #onGone: () => void;
  readonly #scratch = new Uint8Array(512);
  #onWritable: (() => void) | undefined;

  constructor(loop: EventLoop, fd: Fd, onGone: () => void) {
    this.#fd = fd;
    this.#onGone = onGone;
    this.#watch = loop.watch(fd, 'read', (ready) => {
      if (ready.readable || ready.hangup) this.#drainInput();
      if (ready.writable) this.#notifyWritable();
    });
  }

  tryWrite(bytes: Uint8Array): number {
    if (!this.#fd.isOpen) return OUTPUT_GONE;
    const count = trySend(this.#fd, bytes);
    if (count >= 0) return count;
    // Other failures show up as a hang-up of the watch, which closes in order.
    return count === -EAGAIN ? OUTPUT_FULL : OUTPUT_GONE;
  }

  onWritable(callback: () => void): void {
    if (!this.#fd.isOpen) return;
    this.#onWritable = callback;
    this.#watch.change('both');
  }

  close(): void {
    this.#watch.close();
    this.#fd.close();
  }

  #notifyWritable(): void {
    if (!this.#fd.isOpen) return;
    this.#watch.change('read');
    const callback = this.#onWritable;
    this.#onWritable = undefined;
    callback?.();
  }

  #drainInput(): void {
    const count = tryRead(this.#fd, this.#scratch);
    if (count > 0 || count === -EAGAIN) return;
    this.close();
    this.#onGone();
  }
}
