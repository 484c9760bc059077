import { EAGAIN } from '../abi/errno.ts';
import { failpoint } from '../base/failpoint.ts';
import type { FrameBudget } from '../codec/ttrpc/frame-budget.ts';
import type { ServerCall } from '../codec/ttrpc/server-call.ts';
import { ServerConnection } from '../codec/ttrpc/server-connection.ts';
import { services } from '../../../proto/gen/services.js';
import type { Fd } from '../sys/fd.ts';
import { tryRead } from '../sys/file.ts';
import type { EventLoop, Timer, Watch } from '../sys/loop.ts';
import { trySend } from '../sys/socket.ts';

/** A ready connection gets at most this much of a turn. */
const READ_BYTES = 64 << 10;
/**
 * Largest single write: a guest write above 32.5 KiB stalls vhost-device-vsock 0.3.0 for ever (design, "The host side").
 * Unix sockets take the same path, so that both are tested.
 */
const WRITE_BYTES = 16 << 10;
/** Writes in one turn, for the same fairness. */
const WRITES_PER_TURN = 16;
/** How long a frame may take from its first byte to its last. A peer that dribbles is cut off (TTR-06). */
const FRAME_TIMEOUT_MS = 60_000;

/** How often a peer that closed its sending half is asked whether it is still there. */
const HALF_CLOSED_PROBE_MS = 1000;
const NOTHING = new Uint8Array(0);

const buffer = new Uint8Array(READ_BYTES);
/** Counts what connections do: their order, without a look at the clock. */
let activity = 0;

export interface ConnectionOptions {
  readonly loop: EventLoop;
  readonly budget: FrameBudget;
  readonly onCall: (call: ServerCall) => void;
  readonly onClosed: (connection: Connection) => void;
  /** Told what went wrong before a connection is closed for it. */
  readonly onFailure: (error: unknown) => void;
}

/** One client: moves bytes between its socket and the protocol state, and reads only while answers are taken. */
export class Connection {
  /** Grows with what any connection does, for shedding the one that idles longest. */
  lastActive = 0;
  readonly #options: ConnectionOptions;
  readonly #fd: Fd;
  readonly #state: ServerConnection;
  readonly #watch: Watch;
  #isFlushScheduled = false;
  #frameTimer: Timer | undefined;
  /** The frame the timer is for, by its number. */
  #timedFrame = -1;
  #goneTimer: Timer | undefined;

  constructor(fd: Fd, options: ConnectionOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#state = new ServerConnection({
      methods: services,
      budget: options.budget,
      onCall: options.onCall,
    });
    this.#watch = options.loop.watch(fd, 'read', (ready) => {
      failpoint('connection.ready');
      this.#guard(() => {
        if (ready.readable) this.#read();
        if (ready.hangup) this.close();
        else this.flush();
      });
    });
  }

  /** Calls under way. */
  get callCount(): number {
    return this.#state.callCount;
  }

  /** Out of memory while a frame is taken or an answer queued costs this connection, not the program. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFailure(error);
      this.close();
    }
  }

  /** Sends what is queued, now or as soon as the peer takes it. */
  flush(): void {
    if (!this.#fd.isOpen) return;
    for (let count = 0; count < WRITES_PER_TURN && this.#state.outputBytes > 0; count++) {
      const bytes = this.#state.output(WRITE_BYTES);
      if (bytes === undefined) break;
      const sent = trySend(this.#fd, bytes);
      if (sent === -EAGAIN) break;
      if (sent < 0) {
        this.close();
        return;
      }
      this.#state.wrote(sent);
    }
    this.#update();
  }

  /** Flushes when the jobs that are pending now have run, so that answers given together leave together, still in this turn. */
  scheduleFlush(): void {
    // An answer given at once was flushed with the read that brought the request.
    if (this.#isFlushScheduled || this.#state.outputBytes === 0) return;
    this.#isFlushScheduled = true;
    void Promise.resolve().then(() => {
      this.#isFlushScheduled = false;
      this.#guard(() => this.flush());
    });
  }

  /** Ends the connection once the answers it has were taken. */
  finish(): void {
    this.#state.endInput();
    if (this.#state.outputBytes === 0) this.close();
  }

  /** Ends the connection: its handlers are cancelled, its queued answers dropped. */
  close(): void {
    if (!this.#fd.isOpen) return;
    this.#frameTimer?.cancel();
    this.#goneTimer?.cancel();
    this.#watch.close();
    this.#fd.close();
    this.#state.close();
    this.#options.onClosed(this);
  }

  #read(): void {
    if (!this.#state.wantsInput) return;
    const count = tryRead(this.#fd, buffer);
    if (count === -EAGAIN) return;
    if (count < 0) {
      this.close();
      return;
    }
    if (count === 0) this.#state.endInput();
    else {
      this.lastActive = ++activity;
      this.#state.receive(new Uint8Array(buffer.buffer, 0, count));
    }
  }

  /** What to wait for now. A peer that does not read its answers is not read from either. */
  #update(): void {
    if (!this.#fd.isOpen) return;
    const state = this.#state;
    if (state.isDone || (state.hasInputEnded && !this.#isPeerThere())) {
      this.close();
      return;
    }
    const wantsOutput = state.outputBytes > 0;
    const { wantsInput } = state;
    if (wantsInput) this.#watch.change(wantsOutput ? 'both' : 'read');
    else this.#watch.change(wantsOutput ? 'write' : 'none');
    // While we do not read, it is not the peer who is slow.
    const isTimed = wantsInput && state.isMidFrame;
    if (isTimed || this.#frameTimer !== undefined) this.#limitFrameTime(isTimed);
  }

  /** Bulk data is hardly ever between two frames when a read ends, so the timer is for one frame and starts anew with the next. */
  #limitFrameTime(isTimed: boolean): void {
    const { frameCount } = this.#state;
    if (isTimed && this.#frameTimer !== undefined && this.#timedFrame === frameCount) return;
    this.#frameTimer?.cancel();
    this.#frameTimer = undefined;
    if (!isTimed) return;
    this.#timedFrame = frameCount;
    this.#frameTimer = this.#options.loop.setTimer(FRAME_TIMEOUT_MS, () => this.close());
  }

  /**
   * After the end of input: whether the peer still takes answers. A Unix socket reports a hang-up when it does not; a vsock
   * reports nothing more than the end of input, so it is asked: a send of no bytes fails once the peer closed both ways. Else
   * calls that wait (a read, a wait) would go on for a client that is gone, and take what belongs to its successor.
   */
  #isPeerThere(): boolean {
    const probe = trySend(this.#fd, NOTHING);
    if (probe < 0 && probe !== -EAGAIN) return false;
    this.#goneTimer ??= this.#options.loop.setTimer(HALF_CLOSED_PROBE_MS, () => {
      this.#goneTimer = undefined;
      this.#guard(() => this.flush());
    });
    return true;
  }
}
