import { VMADDR_CID_ANY, VMADDR_CID_HOST } from '../../abi/constants.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { setNonBlocking } from '../../sys/descriptor.ts';
import type { EventLoop, Watch } from '../../sys/loop.ts';
import { accept, listenVsock, trySend } from '../../sys/socket.ts';
import { openPty } from '../../sys/terminal.ts';
import { Relay } from './relay.ts';

/** Connections that wait to be accepted. */
const BACKLOG = 8;
/** Consoles at once; each has a terminal and a program. */
const MAX_SESSIONS = 16;
/**
 * A client that has taken nothing for so long makes room when all are taken: vhost-device-vsock 0.3.0 does not tell the guest when a
 * client goes away that had stopped to read.
 */
const STALLED_MS = 10_000;
/** Pause after accept failed for want of descriptors. */
const RETRY_MS = 100;

/** What runs on the terminal of a connection. */
export interface ConsoleProgram {
  /** Ends it, because the client is gone. */
  kill(): void;
}

export interface ConsolePortOptions {
  readonly loop: EventLoop;
  /** Of a caller that a workload can be: limited. */
  readonly log: Logger;
  readonly port: number;
  /** Starts the program on the slave side of a terminal, which becomes its own to close. Throws when it cannot. */
  readonly start: (slave: Fd) => ConsoleProgram;
}

/**
 * The debug console on a vsock port: raw bytes both ways, no framing, a terminal and a program for each connection. Only the host may
 * connect; any other peer is closed before a byte is exchanged (VMB-01).
 */
export class ConsolePort {
  readonly #options: ConsolePortOptions;
  readonly #listener: Fd;
  readonly #watch: Watch;
  readonly #sessions = new Set<Relay>();

  /** Throws SysError when the port cannot be had. */
  constructor(options: ConsolePortOptions) {
    this.#options = options;
    this.#listener = listenVsock(VMADDR_CID_ANY, options.port, BACKLOG);
    this.#watch = options.loop.watch(this.#listener, 'read', () => this.#accept());
  }

  #accept(): void {
    const { loop, log } = this.#options;
    let connection: ReturnType<typeof accept>;
    try {
      connection = accept(this.#listener);
    } catch (error) {
      log.warn('cannot accept a console', { error: describeError(error) });
      this.#watch.change('none');
      loop.setTimer(RETRY_MS, () => this.#watch.change('read'));
      return;
    }
    if (connection === undefined) return;
    const { fd, peer } = connection;
    if (peer.kind !== 'vsock' || peer.cid !== VMADDR_CID_HOST) {
      fd.close();
      log.warn('console refused: not from the host', { peer: JSON.stringify(peer) });
      return;
    }
    if (this.#sessions.size >= MAX_SESSIONS) this.#endStalled();
    if (this.#sessions.size >= MAX_SESSIONS) {
      trySend(fd, encodeBytes(`kihon: ${MAX_SESSIONS} consoles are open\r\n`));
      fd.close();
      return;
    }
    try {
      this.#serve(fd);
      log.info('console opened', { consoles: this.#sessions.size });
    } catch (error) {
      trySend(fd, encodeBytes(`kihon: ${describeError(error)}\r\n`));
      fd.close();
      log.error('cannot open a console', { error: describeError(error) });
    }
  }

  /** Ends the session whose client has taken nothing for the longest time. */
  #endStalled(): void {
    const beforeMs = this.#options.loop.now() - STALLED_MS;
    let longest: Relay | undefined;
    for (const relay of this.#sessions) {
      const since = relay.stalledSinceMs ?? Infinity;
      if (since < (longest?.stalledSinceMs ?? beforeMs)) longest = relay;
    }
    longest?.end();
  }

  #serve(client: Fd): void {
    const { master, slave } = openPty();
    let program: ConsoleProgram;
    try {
      setNonBlocking(master, true);
      program = this.#options.start(slave);
    } catch (error) {
      master.close();
      slave.close();
      throw error;
    }
    try {
      const relay: Relay = new Relay(this.#options.loop, client, master, () => {
        this.#sessions.delete(relay);
        client.close();
        program.kill();
        master.close();
      });
      this.#sessions.add(relay);
    } catch (error) {
      program.kill();
      master.close();
      throw error;
    }
  }
}
