import { VMADDR_CID_HOST } from '../abi/constants.ts';
import { failpoint } from '../base/failpoint.ts';
import type { Logger } from '../base/log.ts';
import { describeError } from '../base/errors.ts';
import { FixedFrameBudget } from '../codec/ttrpc/frame-budget.ts';
import type { Fd } from '../sys/fd.ts';
import type { EventLoop, Watch } from '../sys/loop.ts';
import { accept } from '../sys/socket.ts';
import type { Peer } from '../sys/socket.ts';
import { Connection } from './connection.ts';
import { dispatch } from './dispatch.ts';
import type { ApiContext } from './handler.ts';

/** Connections at once. Beyond it the one that has idled longest, without a call under way, makes room. */
const MAX_CONNECTIONS = 1024;
/** Connections accepted in one turn. */
const ACCEPTS_PER_TURN = 16;
/** Pause after accept failed for want of descriptors or memory; trying on would spin. */
const ACCEPT_BACKOFF_MS = 100;
/** How long calls under way get when the server ends (boot contract, 1.5). */
const DRAIN_MS = 5_000;

/** Only the host may give orders: over vsock that is CID 2, never the loopback a container could use (VMB-01). */
export function isTrustedPeer(peer: Peer): boolean {
  return peer.kind === 'unix' || (peer.kind === 'vsock' && peer.cid === VMADDR_CID_HOST);
}

/** The ttrpc server: accepts connections and lets each have its calls handled. */
export class Server {
  readonly #loop: EventLoop;
  readonly #log: Logger;
  readonly #context: ApiContext;
  readonly #listener: Fd;
  readonly #budget = new FixedFrameBudget();
  readonly #connections = new Set<Connection>();
  #watch: Watch | undefined;

  /** `listener` is a listening, non-blocking socket; the server owns it from now on. */
  constructor(loop: EventLoop, listener: Fd, context: ApiContext) {
    this.#loop = loop;
    this.#log = context.log.child('rpc');
    this.#context = context;
    this.#listener = listener;
    this.#listen();
  }

  /** Stops accepting, lets calls under way end (long polls are cut off after 5 s), then calls back once. */
  drain(onDrained: () => void): void {
    this.#watch?.close();
    this.#listener.close();
    const deadlineMs = this.#loop.now() + DRAIN_MS;
    const look = (): void => {
      for (const connection of this.#connections) {
        connection.flush();
        if (connection.callCount === 0 || this.#loop.now() >= deadlineMs) connection.finish();
      }
      if (this.#connections.size === 0 || this.#loop.now() >= deadlineMs + DRAIN_MS) onDrained();
      else this.#loop.setTimer(10, look);
    };
    look();
  }

  #listen(): void {
    this.#watch = this.#loop.watch(this.#listener, 'read', () => this.#accept());
  }

  #accept(): void {
    failpoint('server.accept');
    for (let count = 0; count < ACCEPTS_PER_TURN; count++) {
      let accepted: ReturnType<typeof accept>;
      try {
        accepted = accept(this.#listener);
      } catch (error) {
        this.#backOff(error);
        return;
      }
      if (accepted === undefined) return;
      if (!isTrustedPeer(accepted.peer)) {
        this.#log.warn('connection refused: not from the host', { peer: JSON.stringify(accepted.peer) });
        accepted.fd.close();
        continue;
      }
      if (this.#connections.size >= MAX_CONNECTIONS) this.#shedOldest();
      try {
        this.#connections.add(this.#connection(accepted.fd));
      } catch (error) {
        accepted.fd.close();
        this.#backOff(error);
        return;
      }
    }
  }

  #connection(fd: Fd): Connection {
    // Also when the deadline has answered a handler that goes on; and not even the failure could be told: out of memory.
    const flush = (): void => connection.scheduleFlush();
    const connection: Connection = new Connection(fd, {
      loop: this.#loop,
      budget: this.#budget,
      onCall: (call) => {
        void dispatch(this.#context, this.#loop, this.#log, call, flush)?.then(flush, () => connection.close());
      },
      onFailure: (error) => this.#log.error('connection', { error: describeError(error) }),
      onClosed: (closed) => void this.#connections.delete(closed),
    });
    return connection;
  }

  #backOff(error: unknown): void {
    this.#log.error('accept', { error: describeError(error) });
    this.#watch?.close();
    this.#loop.setTimer(ACCEPT_BACKOFF_MS, () => {
      if (this.#listener.isOpen) this.#listen();
    });
  }

  #shedOldest(): void {
    let oldest: Connection | undefined;
    for (const connection of this.#connections)
      if (connection.callCount === 0 && (oldest === undefined || connection.lastActive < oldest.lastActive))
        oldest = connection;
    if (oldest === undefined) [oldest] = this.#connections;
    oldest?.close();
  }
}
