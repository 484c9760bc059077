import { VMADDR_CID_ANY, VMADDR_CID_HOST } from '../../abi/constants.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Fd } from '../../sys/fd.ts';
import type { EventLoop, Timer, Watch } from '../../sys/loop.ts';
import { accept, listenVsock } from '../../sys/socket.ts';
import type { StdioPorts } from '../process-streams.ts';
import type { PassfdConnections } from './passfd-streams.ts';

/** A port that is named may be that of a connection still under way: three looks, 100 ms apart, upstream. */
const TAKE_MS = 300;
/** A connection that no request names within this time is closed; hosts give a request 60 s. */
const UNCLAIMED_MS = 60_000;
/** Connections that wait to be named. Beyond it the oldest goes. */
const MAX_UNCLAIMED = 256;
/** Accepted in one turn. */
const ACCEPTS_PER_TURN = 16;
/** How long accepting rests after it failed, e.g. for want of descriptors (LIV-03). */
const RETRY_MS = 100;

interface Unclaimed {
  readonly fd: Fd;
  readonly timer: Timer;
}

/**
 * Takes connections of the host that requests name later by the port of their other end (contract, lifecycle section 6). Peers other
 * than the host are closed before a byte is exchanged (VMB-01).
 */
export class PassfdListener {
  readonly #loop: EventLoop;
  readonly #log: Logger;
  readonly #listener: Fd;
  /** By port, the one that came first first. */
  readonly #unclaimed = new Map<string, Unclaimed>();
  readonly #awaited = new Map<string, (fd: Fd) => void>();
  #watch: Watch | undefined;

  /** Throws SysError when the port cannot be had: without it processes would run without their streams. */
  constructor(loop: EventLoop, log: Logger, port: number) {
    this.#loop = loop;
    this.#log = log;
    this.#listener = listenVsock(VMADDR_CID_ANY, port);
    this.#listen();
  }

  /** The connections of these ports. One that is not there in time is left out with a warning, as upstream does. */
  async take(ports: StdioPorts): Promise<PassfdConnections> {
    const [stdin, stdout, stderr] = await Promise.all([
      this.#takeOne('stdin', ports.stdin),
      this.#takeOne('stdout', ports.stdout),
      this.#takeOne('stderr', ports.stderr),
    ]);
    return { stdin, stdout, stderr };
  }

  #takeOne(stream: string, port: number): Promise<Fd | undefined> {
    const key = String(port);
    if (port === 0) return Promise.resolve(undefined);
    const found = this.#unclaimed.get(key);
    if (found !== undefined) {
      found.timer.cancel();
      this.#unclaimed.delete(key);
      return Promise.resolve(found.fd);
    }
    const { promise, resolve } = Promise.withResolvers<Fd | undefined>();
    const isAsked = this.#awaited.has(key);
    const timer = this.#loop.setTimer(isAsked ? 0 : TAKE_MS, () => {
      if (!isAsked) this.#awaited.delete(key);
      this.#log.warn('passfd: no such connection', { stream, port });
      resolve(undefined);
    });
    if (!isAsked)
      this.#awaited.set(key, (fd) => {
        timer.cancel();
        resolve(fd);
      });
    return promise;
  }

  #listen(): void {
    this.#watch = this.#loop.watch(this.#listener, 'read', () => this.#accept());
  }

  #accept(): void {
    for (let count = 0; count < ACCEPTS_PER_TURN; count++) {
      let accepted: ReturnType<typeof accept>;
      try {
        accepted = accept(this.#listener);
      } catch (error) {
        this.#log.error('passfd: accept', { error: describeError(error) });
        this.#watch?.close();
        this.#loop.setTimer(RETRY_MS, () => this.#listen());
        return;
      }
      if (accepted === undefined) return;
      const { fd, peer } = accepted;
      if (peer.kind === 'vsock' && peer.cid === VMADDR_CID_HOST) this.#keep(String(peer.port), fd);
      else {
        this.#log.warn('passfd: connection refused: not from the host', { peer: JSON.stringify(peer) });
        fd.close();
      }
    }
  }

  #keep(key: string, fd: Fd): void {
    this.#log.debug('passfd: connection', { port: key });
    const give = this.#awaited.get(key);
    if (give !== undefined) {
      this.#awaited.delete(key);
      give(fd);
      return;
    }
    // A port in use again is that of a connection whose host side is gone.
    this.#drop(key);
    if (this.#unclaimed.size >= MAX_UNCLAIMED) {
      const [oldest] = this.#unclaimed.keys();
      if (oldest !== undefined) this.#drop(oldest);
    }
    const timer = this.#loop.setTimer(UNCLAIMED_MS, () => this.#drop(key));
    this.#unclaimed.set(key, { fd, timer });
  }

  #drop(key: string): void {
    const entry = this.#unclaimed.get(key);
    if (entry === undefined) return;
    this.#unclaimed.delete(key);
    entry.timer.cancel();
    entry.fd.close();
  }
}
