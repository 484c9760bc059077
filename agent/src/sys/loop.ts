/**
 * The event loop: one epoll set, one heap of timers.
 *
 * The engine alternates between the promise jobs and `turn()` (agent/engine/main.c), so a callback runs to its end, then
 * everything it resolved, then the next batch of events. Callbacks must not throw: an error here ends the program.
 */
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
} from '../abi/constants.ts';
import { epollEvent } from '../abi/arch.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { setTurn } from './engine.ts';
import { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';
import { monotonicMs } from './system.ts';
import { TimerHeap } from './timer-heap.ts';
import type { TimerEntry } from './timer-heap.ts';

/**
 * What a watch waits for. 'none' still reports a hang-up of the other side. 'priority' is exceptional data, which the triggers of
 * pressure files announce; it is reported as readable.
 */
export type Interest = 'none' | 'read' | 'write' | 'both' | 'priority';

export interface Ready {
  readonly readable: boolean;
  readonly writable: boolean;
  /** Both directions are closed, or the descriptor is in error. Reading may still give what is left. */
  readonly hangup: boolean;
}

const bits: Readonly<Record<Interest, number>> = {
  none: 0,
  read: EPOLLIN,
  write: EPOLLOUT,
  both: EPOLLIN | EPOLLOUT,
  priority: EPOLLPRI,
};

/** What events mean, by their bits (all below 32): nothing is made for each event. */
const readiness: readonly Ready[] = Array.from({ length: 32 }, (_, events) => ({
  readable: (events & (EPOLLIN | EPOLLPRI)) !== 0,
  writable: (events & EPOLLOUT) !== 0,
  hangup: (events & (EPOLLHUP | EPOLLERR)) !== 0,
}));

const EPOLL_CTL_NAMES: readonly string[] = ['', 'add', 'del', 'mod'];

/** One descriptor in the loop. */
export interface Watch {
  change(interest: Interest): void;
  /** Takes the descriptor out of the loop (it stays open). Close the watch before the Fd. */
  close(): void;
}

export interface Timer {
  cancel(): void;
}

class WatchEntry implements Watch {
  readonly fd: Fd;
  readonly number: number;
  readonly generation: number;
  readonly onEvents: (ready: Ready) => void;
  readonly #loop: EventLoop;
  #interest: Interest;

  constructor(loop: EventLoop, fd: Fd, generation: number, interest: Interest, onEvents: (ready: Ready) => void) {
    this.fd = fd;
    this.number = fd.number;
    this.generation = generation;
    this.onEvents = onEvents;
    this.#loop = loop;
    this.#interest = interest;
  }

  change(interest: Interest): void {
    if (interest === this.#interest) return;
    this.#loop.control(EPOLL_CTL_MOD, this, interest);
    this.#interest = interest;
  }

  close(): void {
    this.#loop.forget(this);
  }
}

/** Events taken from the kernel in one turn. */
const BATCH = 64;
/** How long nothing must happen before the engine is told to collect garbage. */
const IDLE_MS = 1000;

export class EventLoop {
  readonly #epoll: Fd;
  /** By descriptor number. */
  readonly #watches: (WatchEntry | undefined)[] = [];
  readonly #events = new StructView(epollEvent.sizeof * BATCH);
  readonly #event = new StructView(epollEvent.sizeof);
  readonly #timers = new TimerHeap();
  #soon: (() => void)[] = [];
  #generation = 0;
  #timerSequence = 0;
  #isIdle = true;

  private constructor(epoll: Fd) {
    this.#epoll = epoll;
  }

  /** Creates the loop and makes it the one of this process. */
  static create(): EventLoop {
    const loop = new EventLoop(new Fd(syscall('epoll_create1', '', nr.SYS_epoll_create1, 0x80000), 'epoll'));
    setTurn((mustNotWait) => loop.#turn(mustNotWait));
    return loop;
  }

  /** Ends the program after the jobs that are pending. */
  stop(): void {
    setTurn(undefined);
  }

  /** Milliseconds on the monotonic clock. */
  now(): number {
    return monotonicMs();
  }

  /** Number of watched descriptors and of timers, for tests and metrics. */
  get size(): { readonly watches: number; readonly timers: number } {
    return { watches: this.#watches.filter((watch) => watch !== undefined).length, timers: this.#timers.size };
  }

  /** Level-triggered: `onEvents` is called in every turn while the descriptor is ready. The handler is stored before the kernel is told. */
  watch(fd: Fd, interest: Interest, onEvents: (ready: Ready) => void): Watch {
    if (this.#watches[fd.number] !== undefined) throw new Error(`${fd.what} is being watched already`);
    const watch = new WatchEntry(this, fd, (this.#generation = (this.#generation + 1) >>> 0), interest, onEvents);
    this.#watches[watch.number] = watch;
    try {
      this.control(EPOLL_CTL_ADD, watch, interest);
    } catch (error) {
      this.#watches[watch.number] = undefined;
      throw error;
    }
    return watch;
  }

  /** Calls back once, not before `delayMs` have passed. */
  setTimer(delayMs: number, callback: () => void): Timer {
    const entry: TimerEntry = {
      dueMs: monotonicMs() + Math.max(0, delayMs),
      sequence: this.#timerSequence++,
      callback,
      position: -1,
    };
    this.#timers.push(entry);
    return { cancel: () => this.#timers.remove(entry) };
  }

  /** Calls back in the next turn, after other events had their chance. */
  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Used by watches. */
  control(operation: number, watch: WatchEntry, interest: Interest): void {
    this.#event.setU32(epollEvent.events, bits[interest]);
    this.#event.setU32(epollEvent.data, watch.number).setU32(epollEvent.data + 4, watch.generation);
    const subject = `${EPOLL_CTL_NAMES[operation]} ${watch.fd.what}`;
    syscall('epoll_ctl', subject, nr.SYS_epoll_ctl, this.#epoll.number, operation, watch.number, this.#event.bytes);
  }

  /** Used by watches. */
  forget(watch: WatchEntry): void {
    if (this.#watches[watch.number] !== watch) return;
    this.#watches[watch.number] = undefined;
    // A descriptor that was closed first has left the set by itself.
    if (watch.fd.isOpen)
      trySyscall(nr.SYS_epoll_ctl, this.#epoll.number, EPOLL_CTL_DEL, watch.number, this.#event.bytes);
  }

  /** True when nothing has happened for a while. */
  #turn(mustNotWait: boolean): boolean {
    const count = this.#wait(mustNotWait);
    if (count === 0 && !mustNotWait && !this.#isIdle && this.#timeoutMs() !== 0) {
      this.#isIdle = true;
      return true;
    }
    if (count > 0) this.#isIdle = false;
    this.#dispatch(count);
    this.#runTimers();
    if (this.#soon.length > 0) {
      const soon = this.#soon;
      this.#soon = [];
      for (const callback of soon) callback();
    }
    return false;
  }

  /** How long the kernel may wait: -1 for ever, 0 not at all. */
  #timeoutMs(): number {
    if (this.#soon.length > 0) return 0;
    const first = this.#timers.first;
    if (first === undefined) return -1;
    return Math.min(0x7fffffff, Math.max(0, Math.ceil(first.dueMs - monotonicMs())));
  }

  #wait(mustNotWait: boolean): number {
    let timeout = mustNotWait ? 0 : this.#timeoutMs();
    if (!this.#isIdle && (timeout < 0 || timeout > IDLE_MS)) timeout = IDLE_MS;
    const count = trySyscall(nr.SYS_epoll_pwait, this.#epoll.number, this.#events.bytes, BATCH, timeout, null, 8);
    if (count < 0) throw sysError('epoll_pwait', count);
    return count;
  }

  #dispatch(count: number): void {
    for (let index = 0; index < count; index++) {
      const offset = index * epollEvent.sizeof;
      const watch = this.#watches[this.#events.u32(offset + epollEvent.data)];
      // An earlier callback of this batch may have closed it, and the number may be in use again.
      if (watch === undefined || watch.generation !== this.#events.u32(offset + epollEvent.data + 4)) continue;
      const events = this.#events.u32(offset + epollEvent.events);
      watch.onEvents(readiness[events & (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP)] as Ready);
    }
  }

  #runTimers(): void {
    if (this.#timers.first === undefined) return;
    const now = monotonicMs();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the heap becomes empty in the loop
    for (let first = this.#timers.first; first !== undefined && first.dueMs <= now; first = this.#timers.first) {
      this.#timers.remove(first);
      first.callback();
    }
  }
}
